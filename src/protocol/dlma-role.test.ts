import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { formatPrefix } from '../base/prefix.js';
import { seededRandom } from '../base/random.js';
import { wallClockFrom } from '../base/time.js';
import type { Engine, Output } from './contract.js';
import { distributedLma } from './dlma-role.js';

const [here, there, manager] = ['fd00::1', 'fd00::2', 'fd00::22'];
const domain = [
  { name: 'north', prefixes: ['2001:db8:1::/48'], lma: here },
  { name: 'south', prefixes: ['2001:db8:2::/48'], lma: there, location: manager, allocation: manager },
];
const base = { address: here, insecure: true, domain };

function problems(more: object): string[] {
  const result = distributedLma.parse({ ...base, ...more });
  return result.ok ? [] : result.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

function created(more: object = {}): Engine {
  const result = distributedLma.parse({ ...base, ...more });
  assert.ok(result.ok, JSON.stringify(result));
  return distributedLma.create(result.config, { random: seededRandom(1), clock: wallClockFrom(0) });
}

function kinds(outputs: readonly Output[]): string[] {
  return [...new Set(outputs.map(({ kind }) => kind))].sort();
}

test('a configuration that cannot be meant so is refused with the key and what was expected', () => {
  const aaa = { profiles: [{ identity: 'alice@example.org' }] };
  const radius = { servers: [{ address: 'fd00::aaa', secret: 'a secret of ours' }] };
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ aaa, radius }), ['radius: nothing, beside `aaa`']);
  assert.deepEqual(problems({ address: there, aaa }), ['aaa: nothing, where homes of no network are allocated']);
  assert.deepEqual(problems({ address: manager, aaa }), []);
  assert.deepEqual(problems({ insecure: false }), [
    ...['lma', 'allocation', 'location'].map(key => `domain.1.${key}: the own address, or that of one of peers`),
    'peers: at least one peer with its keys, or insecure: true for signalling without protection',
  ]);
  assert.match(problems({ prefixes: ['2001:db8:1::/48'] })[0], /^prefixes: no such key here; keys are /);
  assert.deepEqual(problems({ cache: { idleS: 0 } }), ['cache.idleS: a number of seconds from 1 to 86400, not 0']);
});

test('C03-2.3-02, C03-2.3-05: at its first moment an LMA announces, and forwards what comes for other networks to their LMAs', () => {
  const engine = created();
  assert.equal(engine.deadline, 0);
  const outputs = engine.handle({ kind: 'tick' }, 0);
  assert.deepEqual(
    outputs.flatMap(output => (output.kind === 'announce' ? [formatPrefix(output.prefix)] : [])),
    ['2001:db8:1::/48', '2001:db8:2::/48'],
  );
  const [foreign] = outputs.flatMap(output =>
    output.kind === 'forward' && output.rule.intercepts ? [output.rule] : [],
  );
  assert.deepEqual(foreign.via, { kind: 'tunnel', local: parseAddress(here), remote: parseAddress(there) });
  assert.deepEqual(Object.keys(engine.views).sort(), [
    ...['allocations', 'bindings', 'cache', 'domain', 'homes', 'locations', 'peers', 'waiting'],
  ]);
});

test('C03-2.3-03: a node that only manages locations and gives homes announces nothing and forwards nothing', () => {
  const engine = created({ address: manager });
  assert.deepEqual(kinds(engine.handle({ kind: 'tick' }, 0)), []);
  assert.deepEqual(Object.keys(engine.views).sort(), ['allocations', 'locations']);
});

test('what LMAs of a domain are told is in their counters by kind of message', () => {
  const engine = created();
  engine.handle({ kind: 'tick' }, 0);
  const via = { local: parseAddress(here), remote: parseAddress(there) };
  const [source, destination] = ['2001:db8:cc::1', '2001:db8:2:1::5'].map(parseAddress);
  const outputs = engine.handle({ kind: 'flow', source, destination, via }, 1);
  assert.deepEqual(kinds(outputs), ['send', 'trace']);
  assert.equal(engine.counters.not_anchored, 1);
  assert.equal(engine.counters.locations_sent, 1);
});
