import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import type { Output } from '../contract.js';
import { Overlay } from './overlay.js';

test('what intercepts, and what comes intercepted, is no concern of transfers: it passes beside rules and ends of the same prefix', () => {
  const overlay = new Overlay(1000);
  const to = parsePrefix('fd00:b::/64');
  const [local, remote] = [parseAddress('fd00::1'), parseAddress('fd00::2')];
  const via = { kind: 'tunnel', local, remote } as const;
  const plain: Output[] = [
    { kind: 'forward', rule: { to, via: { kind: 'drop' } } },
    { kind: 'admit', end: { local, remote, to } },
  ];
  const intercepting: Output[] = [
    { kind: 'forward', rule: { to, via, intercepts: true } },
    { kind: 'unforward', to, intercepts: true },
    { kind: 'admit', end: { local, remote: local, to }, intercepted: true },
    { kind: 'unadmit', end: { local, remote: local, to } },
  ];
  assert.deepEqual(overlay.note([...plain, ...intercepting]), intercepting);
  assert.deepEqual(overlay.settle({ rules: new Map(), ends: new Map(), held: new Set(), flushed: [] }), plain);
});
