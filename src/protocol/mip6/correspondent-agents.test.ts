import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  careOf as agent,
  CorrespondentWorld,
  elsewhere,
  home,
  own,
  type Routability,
  throughAgent,
  updatePacket,
} from '../../../test/support/correspondent.js';
import { hostPrefix } from '../../base/prefix.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { isAuthorized } from '../mobile/tokens.js';

const wantsIpv4: MobilityOption = {
  kind: 'vendorSpecific',
  content: { kind: 'tunnelRequest', flags: { ipv4: true } },
};

function aware(): CorrespondentWorld {
  return new CorrespondentWorld(10, 3, { localMobilityAgents: {} });
}

function isProved(answer: BindingAcknowledgement, { key }: Routability): boolean {
  return isAuthorized(answer, undefined, key, { careOf: agent, correspondent: own });
}

/** The outer and the nested answer that were sent last. */
function nestedAnswer(world: CorrespondentWorld) {
  const outer = world.sent();
  assert.ok(outer?.payload.kind === 'mobility' && outer.payload.nested?.payload.kind === 'mobility');
  const { message, nested } = outer.payload;
  const { message: inner } = nested?.payload.kind === 'mobility' ? nested.payload : outer.payload;
  assert.ok(message.kind === 'bindingAcknowledgement' && inner.kind === 'bindingAcknowledgement');
  return { outer, nested, message, inner };
}

test('D02-3.2.1-06, D02-App-3-02: a correspondent answers through the agent, to the mobile with what proves it', () => {
  const world = aware();
  const r = world.routability(home, agent);
  world.receive(throughAgent(r));
  const { outer, nested, message, inner } = nestedAnswer(world);
  assert.deepEqual([outer.source, outer.destination, outer.headers], [own, agent, undefined]);
  assert.deepEqual([nested.source, nested.destination, nested.headers], [own, home, undefined]);
  assert.deepEqual([inner.status, inner.sequence, message.status, message.options], [0, 1, 0, []]);
  assert.ok(isProved(inner, r));
  const via = { kind: 'routeOptimised', destinationCareOf: agent } as const;
  assert.deepEqual(
    world.outputs.find(output => output.kind === 'forward'),
    { kind: 'forward', rule: { to: hostPrefix(home), from: hostPrefix(own), via } },
  );
});

test('D02-3.2.1-06: what a correspondent refuses and what it deletes is answered through the agent', () => {
  const world = aware();
  const r = world.routability(home, agent);
  world.receive(throughAgent(r));
  world.receive(throughAgent(r));
  const refused = nestedAnswer(world);
  assert.deepEqual([refused.inner.status, refused.outer.destination, refused.nested.destination], [135, agent, home]);
  world.receive(throughAgent(r, { sequence: 2, lifetimeS: 0 }));
  const deleted = nestedAnswer(world);
  assert.deepEqual([deleted.inner.status, deleted.inner.lifetimeS, deleted.outer.destination], [0, 0, agent]);
  assert.ok(world.outputs.some(output => output.kind === 'unforward'));
});

test('draft-dommety §3.1: who uses the Home Address option is answered by the routing header', () => {
  const world = aware();
  const r = world.routability(home, agent);
  world.receive(updatePacket(r, {}, {}));
  const sent = world.sent();
  assert.deepEqual(sent?.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  assert.equal(sent?.payload.kind === 'mobility' && sent.payload.nested, undefined);
});

test('draft-dommety §3.4: a plain correspondent takes what came from the home address, and answers to it', () => {
  const world = new CorrespondentWorld();
  const r = world.routability(home, agent);
  const [answer] = world.receive(throughAgent(r));
  const sent = world.sent();
  assert.ok(answer?.kind === 'bindingAcknowledgement' && isProved(answer, r));
  assert.deepEqual([answer.status, sent?.destination, sent?.headers], [0, home, undefined]);
  assert.equal(sent?.payload.kind === 'mobility' && sent.payload.nested, undefined);
  const [row] = [...world.engine.views.correspondentBindings()];
  assert.equal(row?.careOf, '2001:db8:2::7');
});

test('D02-3.4-01: a correspondent that does not understand L does as if it were not there', () => {
  for (const world of [new CorrespondentWorld(), aware()]) {
    const r = world.routability(home, agent);
    world.receive(throughAgent(r));
    const without = world.outputs.map(({ kind }) => kind);
    const [end, rule] = world.outputs;
    world.receive(throughAgent(r, { sequence: 2, options: [wantsIpv4] }));
    assert.deepEqual(
      world.outputs.map(({ kind }) => kind),
      without,
    );
    assert.deepEqual(world.outputs.slice(0, 2), [end, rule]);
    const sent = world.sent();
    assert.ok(sent?.payload.kind === 'mobility');
    const { message } = sent.payload.nested?.payload.kind === 'mobility' ? sent.payload.nested.payload : sent.payload;
    assert.ok(message.kind === 'bindingAcknowledgement' && message.status === 0 && isProved(message, r));
    assert.deepEqual(
      message.options.map(({ kind }) => kind),
      ['bindingAuthorizationData'],
    );
  }
});

test('RFC 6275 §5.2.6: through an agent too both addresses have to have been tested', () => {
  const world = aware();
  const r = world.routability(home, elsewhere);
  assert.deepEqual(world.receive(throughAgent(r)), []);
  assert.equal(world.engine.counters.discarded_authorization, 1);
});
