import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from './explain.js';

const promise = 'through random moves and faults, all know in the end where the mobile is, and packets find it';

for (const [scheme, count, document] of [
  ['mip6-tunnel', 50, 'RFC 6275 §10, §11'],
  ['mip6', 100, 'RFC 6275 §9, §10, §11'],
  ['hmip6-tunnel', 30, 'RFC 4140 §6, §8'],
  ['hmip6', 60, 'RFC 4140 §6, §8'],
  ['lma6-2', 25, 'draft-dommety §2.1, option 2, §4.2'],
  ['lma6-3', 25, 'draft-dommety §2.1, option 3, §4.1'],
  ['lma6-4', 25, 'draft-dommety §2.1, option 4'],
] as const)
  test(`${document}: ${scheme}: ${promise}`, () => {
    for (let seed = 1; seed <= count; seed++) assert.equal(failureOf(seed, scheme), undefined);
  });
