import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress, solicitedNodeMulticast, unspecified } from '../src/base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../src/base/link-address.js';
import { hostPrefix, parsePrefix } from '../src/base/prefix.js';
import { seededRandom } from '../src/base/random.js';
import { type Instant, millisecond, wallClockFrom } from '../src/base/time.js';
import type { Engine, ForwardingRule, Input, Output } from '../src/protocol/contract.js';
import { lmm } from '../src/protocol/lmm/scheme.js';
import { pmip6 } from '../src/protocol/pmip6/scheme.js';
import { roles } from '../src/protocol/roles.js';
import type { NetworkDescription, Protection, Scheme } from '../src/protocol/scheme.js';
import type { Packet } from '../src/wire/ipv6/packet.js';
import { epochS } from './support/signalling.js';

const station = parseLinkAddress('02:00:00:00:00:11');
const identity = 'mobile@example.net';
const anchorAddress = 'fd00::1';
const loa = autoconfiguredAddress(parsePrefix('fd00:a::/64'), station);

function network(protection: Protection): NetworkDescription {
  const gateway = (node: string, address: string, prefix: string) => ({
    node,
    address,
    links: ['radio'],
    prefix,
    nearestAnchor: 'anchor',
  });
  return {
    anchors: [{ node: 'anchor', address: anchorAddress, prefix: 'fd00:a::/48' }],
    accessRouters: [gateway('old', 'fd00::2', 'fd00:c:2::/64'), gateway('new', 'fd00::3', 'fd00:c:3::/64')],
    homeAgents: [],
    mobiles: [
      { node: 'mobile', identity, linkAddress: '02:00:00:00:00:11', addressing: 'slaac', firstAccessRouter: 'old' },
    ],
    correspondents: [],
    dhcpServers: [],
    pmipClients: [],
    longestAccessMs: 5,
    protection,
    parameters: { authenticationMs: 20 },
  };
}

/** Engines of a scheme and nothing between them but time. */
class Wires {
  now: Instant = 0;
  readonly engines = new Map<string, Engine>();
  readonly log: { at: Instant; node: string; output: Output }[] = [];
  readonly rules = new Map<string, Map<string, ForwardingRule>>();
  #events: { at: Instant; order: number; node: string; input: Input }[] = [];
  #order = 0;
  readonly #nodeOf = new Map<Address, string>();

  constructor(
    scheme: Scheme,
    protection: Protection,
    readonly delayMs: (from: string, to: string) => number,
  ) {
    const description = network(protection);
    for (const { node, address } of [...description.anchors, ...description.accessRouters])
      this.#nodeOf.set(parseAddress(address), node);
    for (const { node, role: name, config } of scheme.place(description)) {
      const role = roles.find(candidate => candidate.name === name)!;
      const parsed = role.parse(config);
      assert.ok(parsed.ok, JSON.stringify(parsed));
      this.rules.set(node, new Map());
      this.engines.set(
        node,
        role.create(parsed.config, { random: seededRandom(1, node), clock: wallClockFrom(epochS) }),
      );
    }
  }

  at(atMs: number, node: string, input: Input): void {
    this.#events.push({ at: Math.round(atMs * millisecond), order: this.#order++, node, input });
  }

  run(untilMs: number): void {
    const until = untilMs * millisecond;
    for (;;) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      const [next] = this.#events;
      const ticks = [...this.engines].flatMap(([node, { deadline }]) =>
        deadline === undefined ? [] : [{ node, at: deadline }],
      );
      const tick = ticks.sort((a, b) => a.at - b.at)[0];
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, tick?.at ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (next && next.at === at) {
        this.#events.shift();
        this.#give(next.node, next.input);
      } else this.#give(tick.node, { kind: 'tick' });
    }
  }

  sentOn(node: string, kind: string): Instant[] {
    return this.log.flatMap(({ at, node: from, output }) =>
      from === node && output.kind === 'send' && kindOf(output.packet) === kind ? [at / millisecond] : [],
    );
  }

  get signalling(): string[] {
    return this.log.flatMap(({ node, output }) =>
      output.kind === 'send' && output.link === undefined ? [`${node} ${kindOf(output.packet)}`] : [],
    );
  }

  rows(node: string, view: string) {
    return [...this.engines.get(node)!.views[view]()];
  }

  #give(node: string, input: Input): void {
    for (const output of this.engines.get(node)!.handle(input, this.now)) this.#perform(node, output);
  }

  #perform(node: string, output: Output): void {
    this.log.push({ at: this.now, node, output });
    const rules = this.rules.get(node)!;
    const key = (rule: ForwardingRule | { to?: ForwardingRule['to']; from?: ForwardingRule['from'] }) =>
      [rule.to, rule.from].map(prefix => (prefix ? `${formatAddress(prefix.address)}/${prefix.length}` : '')).join(' ');
    if (output.kind === 'forward') rules.set(key(output.rule), output.rule);
    if (output.kind === 'unforward') rules.delete(key(output));
    if (output.kind !== 'send' || output.link !== undefined) return;
    const to = this.#nodeOf.get(output.packet.destination);
    if (to === undefined) return;
    const at = this.now / millisecond + this.delayMs(node, to);
    this.at(at, to, { kind: 'packet', packet: output.packet });
  }
}

function kindOf({ payload }: Packet): string {
  if (payload.kind === 'mobility' || payload.kind === 'icmpv6') return payload.message.kind;
  return payload.kind;
}

const attached: Input = {
  kind: 'attached',
  link: 'radio',
  station,
  identity,
  accessTechnology: 4,
  handoff: 'betweenGateways',
};
const detached: Input = { kind: 'detached', link: 'radio', station };
const probe: Input = {
  kind: 'packet',
  link: 'radio',
  neighbour: station,
  packet: {
    source: unspecified,
    destination: solicitedNodeMulticast(loa),
    hopLimit: 255,
    payload: { kind: 'icmpv6', message: { kind: 'neighbourSolicitation', code: 0, target: loa, options: [] } },
  },
};

const delays = (from: string, to: string) => ([from, to].includes('new') ? 7 : 5);

test('gundavelli §6 to §9 [G00-6.1-10, G00-6.4-05, G00-3.1-10, G00-3.1-06, G00-2-04]: an MPA, an LMAP and another MPA hand a mobile over in AU + 2a, with four messages', () => {
  for (const protection of ['insecure', 'rfc4285'] as const) {
    const wires = new Wires(lmm, protection, delays);
    wires.at(0, 'old', attached);
    wires.at(100, 'old', probe);
    wires.at(1000, 'old', detached);
    wires.at(1050, 'new', attached);
    wires.run(900);
    assert.deepEqual(wires.rules.get('old')!.size, 2, protection);
    wires.log.length = 0;
    wires.run(30_000);
    // Attached at 1050, authenticated 20 later, the anchor is 7 away.
    const up = wires.log.find(({ node, output }) => node === 'new' && output.kind === 'forward');
    assert.equal(up!.at / millisecond, 1050 + 20 + 7 + 7);
    assert.deepEqual(wires.sentOn('new', 'routerAdvertisement'), [1084]);
    const moved = wires.log.find(({ node, output }) => node === 'anchor' && output.kind === 'forward');
    assert.equal(moved!.at / millisecond, 1077);
    assert.deepEqual(wires.signalling, [
      'new bindingUpdate',
      'anchor bindingAcknowledgement',
      'anchor bindingRevocationIndication',
      'old bindingRevocationAcknowledgement',
    ]);
    assert.deepEqual(wires.rules.get('old')!.size, 0);
    assert.deepEqual(wires.rows('old', 'visitors'), []);
    const [binding, ...others] = wires.rows('anchor', 'bindings');
    assert.deepEqual([others.length, wires.rows('new', 'visitors').length], [0, 1]);
    assert.ok(JSON.stringify(binding).includes('fd00::3'));
    const downlink = [...wires.rules.get('new')!.values()].find(rule => rule.to);
    assert.deepEqual(downlink?.to, hostPrefix(loa));
  }
});

test('RFC 5213 §6 and §5: a MAG, an LMA and another MAG hand a mobile over in AU + 2a with its prefix unchanged', () => {
  const wires = new Wires(pmip6, 'rfc4285', delays);
  wires.at(0, 'old', attached);
  wires.at(1000, 'old', detached);
  wires.at(1050, 'new', attached);
  wires.run(900);
  const [before] = [...wires.rules.get('old')!.values()];
  wires.log.length = 0;
  wires.run(30_000);
  const up = wires.log.find(({ node, output }) => node === 'new' && output.kind === 'forward');
  assert.equal(up!.at / millisecond, 1084);
  const [after] = [...wires.rules.get('new')!.values()];
  assert.deepEqual(after.to, before.to);
  assert.equal(wires.rules.get('old')!.size, 0);
  assert.equal(wires.rows('anchor', 'bindings').length, 1);
});

test('gundavelli §6.4: a mobile that goes back before its first gateway is told keeps its service there', () => {
  for (let backMs = 1051; backMs <= 1130; backMs++) {
    const wires = new Wires(lmm, 'insecure', delays);
    wires.at(0, 'old', attached);
    wires.at(100, 'old', probe);
    wires.at(1000, 'old', detached);
    wires.at(1000, 'new', attached);
    wires.at(backMs - 1, 'new', detached);
    wires.at(backMs, 'old', attached);
    wires.run(60_000);
    const where = `back at ${backMs} ms`;
    assert.deepEqual(
      wires.rows('old', 'visitors').map(row => row.state),
      ['registered'],
      where,
    );
    assert.deepEqual(wires.rows('new', 'visitors'), [], where);
    assert.equal(wires.rules.get('old')!.size, 2, where);
    assert.equal(wires.rules.get('new')!.size, 0, where);
    assert.ok(JSON.stringify(wires.rows('anchor', 'bindings')).includes('fd00::2'), where);
  }
});

test('gundavelli §8.1 [G00-8.1-05]: a mobile that boots again gets the address it had, without asking for it', () => {
  const wires = new Wires(lmm, 'insecure', delays);
  wires.at(0, 'old', attached);
  wires.at(100, 'old', probe);
  wires.at(1000, 'old', detached);
  wires.at(8000, 'new', attached);
  wires.run(9000);
  const downlink = [...wires.rules.get('new')!.values()].find(rule => rule.to);
  assert.deepEqual(downlink?.to, hostPrefix(loa));
});

test('gundavelli §3.1: a mobile that left the domain is cleaned up everywhere', () => {
  for (const scheme of [lmm, pmip6]) {
    const wires = new Wires(scheme, 'rfc4285', delays);
    wires.at(0, 'old', attached);
    wires.at(100, 'old', probe);
    wires.at(1000, 'old', detached);
    wires.run(60_000);
    assert.deepEqual(wires.rows('old', 'visitors'), [], scheme.name);
    assert.equal(wires.rules.get('old')!.size, 0, scheme.name);
    assert.deepEqual(wires.rows('anchor', 'bindings'), [], scheme.name);
  }
});
