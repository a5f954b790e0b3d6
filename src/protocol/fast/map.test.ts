import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledge,
  environment,
  fastUpdate,
  key,
  messages,
  nar,
  ncoa,
  par,
  pcoa,
  reasons,
  rules,
  settingsOf,
  strangerKey,
} from '../../../test/support/fast.js';
import { parseAddress } from '../../base/address.js';
import { autoconfiguredAddress } from '../../base/link-address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { Engine, ForwardingRule, Input, Output } from '../contract.js';
import { withFastHandover } from './map.js';

const map = parseAddress('2001:db8:aa::1');
const rcoa = autoconfiguredAddress(parsePrefix('2001:db8:aa::/64'), key.linkAddress);

/** A MAP that does what it is told. */
class StubMap implements Engine {
  readonly interests = { protocols: [135], accessLinks: [], udpPorts: [] };
  readonly views = {};
  readonly counters = { bindings: 1 };
  readonly deadline = undefined;
  next: Output[] = [];
  heard: Input[] = [];

  handle(input: Input): Output[] {
    this.heard.push(input);
    const outputs = this.next;
    this.next = [];
    return outputs;
  }
}

const tunnel = (remote: typeof map) => ({ kind: 'tunnel', local: map, remote }) as const;
const registered = (careOf: typeof map): Output => {
  const rule: ForwardingRule = { to: hostPrefix(rcoa), via: tunnel(careOf) };
  return { kind: 'forward', rule };
};

function start(simultaneousMs = 0) {
  const inner = new StubMap();
  const { neighbours } = settingsOf(par);
  const all = [...neighbours, { accessPoint: par.linkAddress, router: { ...neighbours[0].router, ...par } }];
  const settings = { ...settingsOf(par, { simultaneousMs }), address: map, neighbours: all };
  const engine = withFastHandover(inner, settings, environment);
  inner.next = [registered(pcoa)];
  engine.handle({ kind: 'tick' }, 0);
  return { engine, inner };
}

const update = (more: Parameters<typeof fastUpdate>[0] = {}): Input => ({
  kind: 'packet',
  packet: fastUpdate({ to: map, home: rcoa, ...more }),
});

function asked(engine: Engine, input = update()) {
  const outputs = engine.handle(input, 0);
  const [first] = messages(outputs, 'handoverInitiate');
  return { outputs, sequence: first?.message.sequence ?? Number.NaN };
}

/** The new router's answer, to the MAP. */
function agree(sequence: number, code = 0): Input {
  const answer = acknowledge(sequence, code);
  assert.ok(answer.kind === 'packet');
  return { ...answer, packet: { ...answer.packet, destination: map } };
}

test('RFC 4140 Appendix A [H4140-AppA-13, H4140-AppA-14]: the MAP asks the new router, acknowledges on both links, and sends packets for the regional address to the new one', () => {
  const { engine, inner } = start();
  const { outputs, sequence } = asked(engine);
  const [{ packet, message }] = messages(outputs, 'handoverInitiate');
  assert.deepEqual([packet.source, packet.destination, message.code], [map, nar.address, 0]);
  assert.deepEqual(message.options[1], { kind: 'ipAddressPrefix', code: 1, prefixLength: 128, address: pcoa });
  const after = engine.handle(agree(sequence), 0);
  assert.deepEqual(rules(after), [{ to: rcoa, from: undefined, via: tunnel(ncoa), copy: undefined }]);
  const answers = messages(after, 'fastBindingAcknowledgement');
  assert.deepEqual(
    answers.map(({ packet: { source, destination } }) => [source, destination]),
    [
      [map, pcoa],
      [map, ncoa],
    ],
  );
  assert.equal(inner.heard.length, 1, 'the MAP itself has heard of none of it');
});

test('RFC 4140 Appendix A [H4140-AppA-14]: where the new address is no good there is a tunnel to the new router for the old one', () => {
  const { engine } = start();
  const after = engine.handle(agree(asked(engine).sequence, 3), 0);
  const via = { kind: 'tunnel', local: map, remote: nar.address } as const;
  assert.deepEqual(rules(after), [{ to: pcoa, from: undefined, via, copy: undefined }]);
  const [{ message }] = messages(after, 'fastBindingAcknowledgement');
  assert.deepEqual(message.options[0], { kind: 'alternateCareOfAddress', careOfAddress: pcoa });
});

test('RFC 4140 Appendix A [H4140-AppA-19, H4140-AppA-20]: simultaneous bindings: packets go both ways for as long as the acknowledgement says, then the new way', () => {
  const { engine } = start(1500);
  const after = engine.handle(agree(asked(engine, update({ simultaneous: true })).sequence), 0);
  assert.deepEqual(rules(after), [{ to: rcoa, from: undefined, via: tunnel(ncoa), copy: tunnel(pcoa) }]);
  const [{ message }] = messages(after, 'fastBindingAcknowledgement');
  assert.deepEqual(message.options[0], {
    kind: 'vendorSpecific',
    content: { kind: 'simultaneousBindings', lifetimeMs: 1500 },
  });
  const end = engine.handle({ kind: 'tick' }, 1.5 * second);
  assert.deepEqual(rules(end), [{ to: rcoa, from: undefined, via: tunnel(ncoa), copy: undefined }]);
  const plain = start(1500);
  const unasked = plain.engine.handle(agree(asked(plain.engine).sequence), 0);
  assert.equal(rules(unasked)[0].copy, undefined);
});

test('RFC 4140 Appendix A [H4140-AppA-18]: the redirection ends with its time, or where the mobile says that it has not moved: packets go to the registered address again', () => {
  const { engine } = start();
  engine.handle(agree(asked(engine).sequence), 0);
  const usual = { to: rcoa, from: undefined, via: tunnel(pcoa), copy: undefined };
  assert.deepEqual(rules(engine.handle(update({ careOf: pcoa, lifetimeS: 0, sequence: 2 }), 0)), [usual]);
  engine.handle(agree(asked(engine, update({ sequence: 3 })).sequence), 0);
  assert.deepEqual(rules(engine.handle({ kind: 'tick' }, 20 * second)), [usual]);
});

test('RFC 4140 Appendix A [H4140-AppA-14]: a local Binding Update takes the place of the redirection', () => {
  const { engine, inner } = start();
  engine.handle(agree(asked(engine).sequence), 0);
  inner.next = [registered(ncoa)];
  const outputs = engine.handle({ kind: 'tick' }, second);
  assert.deepEqual(rules(outputs).at(-1), { to: rcoa, from: undefined, via: tunnel(ncoa), copy: undefined });
  assert.deepEqual(rules(engine.handle({ kind: 'tick' }, 30 * second)), []);
  const next = asked(
    engine,
    update({ source: ncoa, careOf: autoconfiguredAddress(par.prefix, key.linkAddress), sequence: 2 }),
  );
  assert.equal(
    messages(next.outputs, 'handoverInitiate')[0].message.code,
    0,
    'the address on the link is the new one now',
  );
});

test('RFC 4140 Appendix A, RFC 5568 §6.2.2: an update that is forged, another’s, heard before or for nobody is refused at a MAP as well', () => {
  const { engine } = start();
  const forged = engine.handle(update({ with: { ...key, key: new Uint8Array(16) } }), 0);
  assert.deepEqual(reasons(forged), ['updateUnauthenticated']);
  assert.deepEqual(reasons(engine.handle(update({ with: strangerKey }), 0)), ['updateForeignAddress']);
  engine.handle(agree(asked(engine).sequence), 0);
  assert.deepEqual(reasons(engine.handle(update(), 0)), ['updateReplayed']);
  const { inner, ...fresh } = start();
  inner.next = [{ kind: 'unforward', to: hostPrefix(rcoa) }];
  fresh.engine.handle({ kind: 'tick' }, 0);
  assert.deepEqual(reasons(fresh.engine.handle(update(), 0)), ['updateUnknownMobile']);
  for (const name of ['discarded_updateUnauthenticated', 'refused_updateForeignAddress', 'refused_updateReplayed'])
    assert.equal(engine.counters[name], 1);
});
