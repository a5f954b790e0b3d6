import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateway1, gateway2, gateway3 } from '../../../test/support/anchor.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { type Prefix, parsePrefix } from '../../base/prefix.js';
import { type Binding, BindingCache } from '../anchor/binding-cache.js';
import { Peers } from '../anchor/peers.js';
import { Tunnels } from '../anchor/tunnels.js';
import { lookupSession, type SessionKeys } from './session-lookup.js';

const alice = 'alice@example.net';
const wifi = parseLinkAddress('02:00:00:00:00:01');
const cellular = parseLinkAddress('02:00:00:00:00:02');
const a = parsePrefix('2001:db8:a:1::/64');
const b = parsePrefix('2001:db8:a:2::/64');
const c = parsePrefix('2001:db8:a:3::/64');

const keys: SessionKeys = {
  identity: alice,
  prefixes: [],
  accessTechnology: 4,
  linkIdentifier: undefined,
  handoff: 1,
  careOf: gateway2,
  deregistration: false,
};

function cacheWith(...bindings: (Partial<Binding> & { homes: readonly Prefix[] })[]): BindingCache {
  const cache = new BindingCache([64]);
  const tunnels = new Tunnels();
  const peer = new Peers([], true, { perSecond: 1, burst: 1 }).sender(gateway1, undefined)!;
  for (const binding of bindings)
    cache.add({
      identity: alice,
      accessTechnology: 4,
      tunnel: tunnels.take(gateway3, gateway1, undefined, []),
      peer,
      ...binding,
    });
  return cache;
}

/** `new`, `existing /prefix`, `awaited`, or what happens to it. */
function found(cache: BindingCache, changes: Partial<SessionKeys>): string {
  const session = lookupSession(cache, { ...keys, ...changes });
  if (session.kind !== 'none') return session.kind;
  return session.verdict.kind === 'refused' ? `status ${session.verdict.status}` : session.verdict.reason;
}

test('RFC 5213 §5.4.1.1 rules 2 to 4: by prefix; another mobile is 155, another set of prefixes 159', () => {
  const cache = cacheWith({ homes: [a, b] });
  assert.equal(found(cache, { prefixes: [c] }), 'new');
  assert.equal(found(cache, { prefixes: [a, b], identity: 'bob@example.net' }), 'status 155');
  assert.equal(found(cache, { prefixes: [a] }), 'status 159');
  assert.equal(found(cache, { prefixes: [a, b, c] }), 'status 159');
  assert.equal(found(cache, { prefixes: [c, a] }), 'status 159');
  assert.equal(found(cache, { prefixes: [b, a], handoff: 2 }), 'existing');
});

test('RFC 5213 §5.4.1.1 rule 5: link-layer identifier and technology, handoff 2, handoff 3 without identifiers, or the same gateway', () => {
  const identified = cacheWith({ homes: [a], linkIdentifier: wifi });
  assert.equal(found(identified, { prefixes: [a], linkIdentifier: wifi }), 'existing');
  assert.equal(found(identified, { prefixes: [a], linkIdentifier: wifi, accessTechnology: 5 }), 'new');
  assert.equal(found(identified, { prefixes: [a], linkIdentifier: cellular }), 'new');
  assert.equal(found(identified, { prefixes: [a], linkIdentifier: cellular, handoff: 2 }), 'existing');
  assert.equal(found(identified, { prefixes: [a], handoff: 3 }), 'new');
  assert.equal(found(identified, { prefixes: [a], careOf: gateway1 }), 'existing');
  assert.equal(found(identified, { prefixes: [a], careOf: gateway1, accessTechnology: 5 }), 'new');
  const anonymous = cacheWith({ homes: [a] });
  assert.equal(found(anonymous, { prefixes: [a], handoff: 3 }), 'existing');
  assert.equal(found(anonymous, { prefixes: [a], handoff: 3, accessTechnology: 5 }), 'new');
  assert.equal(found(anonymous, { prefixes: [a], handoff: 1 }), 'new');
});

test('RFC 5213 §5.4.1.2: by interface, or the only one for handoff 2, or after a wait for handoff 4', () => {
  const cache = cacheWith({ homes: [a], linkIdentifier: wifi });
  assert.equal(found(cache, { linkIdentifier: wifi }), 'existing');
  assert.equal(found(cache, { linkIdentifier: cellular, handoff: 2 }), 'existing');
  assert.equal(found(cache, { linkIdentifier: cellular, handoff: 4 }), 'awaited');
  assert.equal(found(cache, { linkIdentifier: cellular, handoff: 3 }), 'new');
  assert.equal(found(cache, { linkIdentifier: wifi, accessTechnology: 5 }), 'new');
  const two = cacheWith({ homes: [a], linkIdentifier: wifi }, { homes: [b], linkIdentifier: cellular });
  assert.equal(found(two, { linkIdentifier: cellular }), 'existing');
  assert.equal(found(two, { linkIdentifier: parseLinkAddress('02:00:00:00:00:03'), handoff: 2 }), 'new');
});

test('RFC 5213 §5.4.1.3: by identifier, the only one for handoff 2 and 3, or after a wait for handoff 4', () => {
  const cache = cacheWith({ homes: [a] });
  assert.equal(found(cache, { handoff: 2 }), 'existing');
  assert.equal(found(cache, { handoff: 3 }), 'existing');
  assert.equal(found(cache, { handoff: 4 }), 'awaited');
  assert.equal(found(cache, { handoff: 1 }), 'new');
  assert.equal(found(cache, { handoff: 5 }), 'new');
  assert.equal(found(cacheWith({ homes: [a] }, { homes: [b] }), { handoff: 3 }), 'new');
  assert.equal(found(cacheWith({ homes: [a], state: 'deregistered' }), { handoff: 4 }), 'existing');
});

test('RFC 5213 §5.4.1: a de-registration never makes a session', () => {
  assert.equal(found(cacheWith(), { deregistration: true }), 'noSession');
  assert.equal(found(cacheWith({ homes: [a] }), { deregistration: true, prefixes: [c] }), 'noSession');
  assert.equal(found(cacheWith({ homes: [a] }), { deregistration: true, handoff: 4 }), 'existing');
});
