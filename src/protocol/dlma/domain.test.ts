import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseAddress } from '../../base/address.js';
import { parsed } from '../config.js';
import { dlmaKeys, dlmaSection } from './config.js';
import { domainOf } from './domain.js';

const section = dlmaSection(z.strictObject(dlmaKeys));
const at = (text: string) => parseAddress(text);

function configured(more: object = {}) {
  const domain = [
    { prefixes: ['2001:db8:1::/48'], lma: 'fd00::1', realms: ['One.example'] },
    { prefixes: ['2001:db8:2::/48', '2001:db8:300::/40'], lma: 'fd00::2', location: 'fd00::22', routing: 'fd00::23' },
    { lma: 'fd00::3' },
  ];
  return parsed(section, { address: 'fd00::1', insecure: true, domain, ...more });
}

test('C03-4.4-04, C03-2.3-12: each prefix is of exactly one H-LMA, and every LMA knows which', () => {
  const result = configured();
  assert.ok(result.ok);
  const domain = domainOf(result.config.domain);
  assert.equal(domain.entryOf(at('2001:db8:1:7::5'))?.lma, at('fd00::1'));
  assert.equal(domain.entryOf(at('2001:db8:2::'))?.routing, at('fd00::23'));
  assert.equal(domain.entryOf(at('2001:db8:3ff:1::1'))?.location, at('fd00::22'));
  assert.equal(domain.entryOf(at('2001:db8:4ff::')), undefined);
  const twice = configured({
    domain: [
      { prefixes: ['2001:db8:1::/48'], lma: 'fd00::1' },
      { prefixes: ['2001:db8:1:8::/61'], lma: 'fd00::2' },
    ],
  });
  assert.ok(!twice.ok);
  assert.deepEqual(twice.problems, [
    { path: ['domain', 1, 'prefixes', 0], expected: 'a prefix that overlaps no other' },
  ]);
});

test('draft-chan §2.3: each function of an H-LMA may stand elsewhere, and stands at the LMA where nothing else is said', () => {
  const result = configured();
  assert.ok(result.ok);
  const [one, two] = result.config.domain;
  assert.deepEqual([one.allocation, one.location, one.routing], Array(3).fill(at('fd00::1')));
  assert.deepEqual([two.allocation, two.location, two.routing], ['fd00::2', 'fd00::22', 'fd00::23'].map(at));
  const domain = domainOf(result.config.domain);
  assert.deepEqual(domain.routers, ['fd00::1', 'fd00::2', 'fd00::23', 'fd00::3'].map(at));
  assert.deepEqual(domain.anchors, ['fd00::1', 'fd00::2', 'fd00::22', 'fd00::23', 'fd00::3'].map(at));
});

test('a mobile without a home is registered in the network of its realm', () => {
  const result = configured();
  assert.ok(result.ok);
  const domain = domainOf(result.config.domain);
  assert.equal(domain.entryFor('a@b@ONE.example')?.lma, at('fd00::1'));
  assert.equal(domain.entryFor('a@elsewhere.example'), undefined);
});

test('what a domain is described wrongly with is said with its place', () => {
  const problems = (more: object) => {
    const result = configured(more);
    return result.ok ? [] : result.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
  };
  assert.deepEqual(problems({ address: 'fd00::9' }), ['domain: a network with a function at fd00::9']);
  assert.deepEqual(problems({ told: ['fd00::22'] }), ['told.0: the address of an LMA of the domain']);
  assert.deepEqual(
    problems({ domain: [{ prefixes: ['2001:db8::/32'], lma: '2001:db8::1' }], address: '2001:db8::1' }),
    ['domain.0.lma: an address outside all prefixes of the domain'],
  );
  assert.deepEqual(problems({ homeLength: 44 }), [
    'domain.0.prefixes.0: a prefix of at most 44 bits',
    'domain.1.prefixes.0: a prefix of at most 44 bits',
  ]);
  assert.deepEqual(problems({ domain: [{ lma: 'fd00::1' }] }), ['domain: at least one network with prefixes']);
  const visited = { lma: 'fd00::2', realms: ['two.example'] };
  assert.deepEqual(problems({ domain: [{ prefixes: ['2001:db8:1::/48'], lma: 'fd00::1' }, visited] }), [
    'domain.1.realms: nothing, where there are no prefixes',
  ]);
  assert.deepEqual(problems({ bypass: { source: true } }), [
    'bypass.source: no such key here; keys are destination, originating',
  ]);
});
