import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parsePrefix } from '../base/prefix.js';
import type { Engine, ForwardingRule, Output, TunnelEnd } from '../protocol/contract.js';
import { ReplaceableEngine } from './replaceable.js';

const block = parsePrefix('2001:db8:b::/48');
const other = parsePrefix('2001:db8:c::/48');
const [local, remote] = ['2001:db8:f::1', '2001:db8:f::2'].map(parseAddress) as [never, never];
const rule: ForwardingRule = { to: block, via: { kind: 'drop' } };
const end: TunnelEnd = { local, remote, to: block };

function saying(...outputs: Output[]): Engine {
  const interests = { protocols: [], accessLinks: [], udpPorts: [] };
  return {
    interests,
    deadline: undefined,
    views: {},
    counters: {},
    handle: ({ kind }) => (kind === 'command' ? [] : outputs),
  };
}

test('rules that intercept and those that take all are told apart, and each is taken back when its engine is replaced', () => {
  const intercepting: ForwardingRule = { ...rule, intercepts: true };
  const engine = new ReplaceableEngine(
    saying(
      { kind: 'forward', rule },
      { kind: 'forward', rule: intercepting },
      { kind: 'admit', end, intercepted: true },
    ),
  );
  engine.handle({ kind: 'tick' }, 0);
  const rows = [...(engine.views.rules?.() ?? [])];
  assert.deepEqual(
    rows.map(({ intercepts, intercepted }) => [intercepts, intercepted]),
    [
      [undefined, undefined],
      [true, undefined],
      [undefined, true],
    ],
  );
  engine.replace(saying({ kind: 'forward', rule }), []);
  assert.deepEqual(engine.handle({ kind: 'command', command: { name: 'shutdown' } }, 1), [
    { kind: 'forward', rule },
    { kind: 'unforward', to: block, intercepts: true },
    { kind: 'unadmit', end },
  ]);
});

test('what an engine announced, and its successor does not, is announced no more', () => {
  const engine = new ReplaceableEngine(
    saying(
      { kind: 'announce', prefix: block },
      { kind: 'announce', prefix: other },
      { kind: 'unannounce', prefix: other },
    ),
  );
  engine.handle({ kind: 'tick' }, 0);
  assert.deepEqual([...(engine.views.rules?.() ?? [])], [{ to: '2001:db8:b::/48', via: 'announced' }]);
  engine.replace(saying(), []);
  assert.deepEqual(engine.handle({ kind: 'command', command: { name: 'shutdown' } }, 1), [
    { kind: 'unannounce', prefix: block },
  ]);
});
