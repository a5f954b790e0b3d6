import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import type { Scenario } from './model.js';
import { parseScenario } from './parse.js';

const small = `
parameters:
  accessMs: 5
  radioMs: $accessMs / 2
durationMs: 1000
nodes:
  cn: { role: correspondent }
  anchor: { role: anchor }
  ar: { role: access }
  mn: { role: mobile }
links:
  - { between: [cn, anchor], delayMs: 10 }
  - { between: [anchor, ar], delayMs: $accessMs }
  - { access: ar, delayMs: $radioMs + 1 }
movement:
  - { mobile: mn, atMs: 0, to: ar }
traffic:
  - { kind: cbr, from: cn, to: mn, intervalMs: 1 }
`;

function parsed(text: string, overrides?: Record<string, number>): Scenario {
  const result = parseScenario(text, { file: 'small.yaml', overrides });
  assert.ok(result.ok, result.ok ? '' : result.problems.map(problem => problem.message).join('\n'));
  return result.scenario;
}

/** Problems as `line path: expected`. */
function problems(text: string, overrides?: Record<string, number>): string[] {
  const result = parseScenario(text, { file: 'small.yaml', overrides });
  assert.ok(!result.ok, 'a problem was expected');
  for (const problem of result.problems) assert.equal(problem.name, 'ConfigError');
  return result.problems.map(problem => `${problem.file}:${problem.line} ${problem.path}: ${problem.expected}`);
}

test('numbers may be parameters and expressions of those above', () => {
  const { links, parameters } = parsed(small);
  assert.deepEqual(parameters, { accessMs: 5, radioMs: 2.5 });
  assert.deepEqual(
    links.map(link => link.delayMs),
    [10, 5, 3.5],
  );
});

test('a scenario needs no parameters, traffic or movement', () => {
  const bare =
    'durationMs: 5\nnodes: { a: { role: router }, b: { role: router } }\nlinks: [{ between: [a, b], delayMs: 1 }]\n';
  const { parameters, traffic, movement, faults, protection, seed } = parsed(bare);
  assert.deepEqual(
    { parameters, traffic, movement, faults, protection, seed },
    { parameters: {}, traffic: [], movement: [], faults: [], protection: 'rfc4285', seed: 1 },
  );
});

test('an override replaces a parameter, and what is derived from it', () => {
  const { links, parameters } = parsed(small, { accessMs: 8 });
  assert.deepEqual(parameters, { accessMs: 8, radioMs: 4 });
  assert.deepEqual(
    links.map(link => link.delayMs),
    [10, 8, 5],
  );
});

test('an unknown override lists the known parameters', () => {
  assert.deepEqual(problems(small, { acessMs: 8 }), [
    '--set:undefined acessMs: a parameter of small.yaml; known: accessMs, radioMs',
  ]);
});

test('what a file leaves open is filled in', () => {
  const { nodes, links, traffic, name } = parsed(small);
  assert.equal(name, 'small');
  assert.deepEqual(nodes, [
    { name: 'cn', role: 'correspondent', address: 'fd00::1' },
    { name: 'anchor', role: 'anchor', address: 'fd00::2', prefix: 'fd00:a:1::/48' },
    {
      name: 'ar',
      role: 'access',
      address: 'fd00::3',
      prefix: 'fd00:b:1::/64',
      advertisementMinMs: 200_000,
      advertisementMaxMs: 600_000,
    },
    {
      name: 'mn',
      role: 'mobile',
      identity: 'mn@example.net',
      linkAddress: '02:00:01:00:00:04',
      addressing: 'slaac',
      duplicateAddressDetection: true,
      optimistic: false,
    },
  ]);
  assert.deepEqual(
    links.map(link => link.name),
    ['cn-anchor', 'anchor-ar', 'ar-radio'],
  );
  assert.deepEqual(traffic[0], {
    kind: 'cbr',
    name: 'cn-mn-cbr',
    from: 'cn',
    to: 'mn',
    intervalMs: 1,
    payloadOctets: 160,
    startMs: 0,
    stopMs: 1000,
  });
});

/** What is replaced in `small`, by what, and the problem that shows. */
const bad: readonly (readonly [from: string, to: string, ...expected: string[]])[] = [
  ['durationMs: 1000', 'durationMs: -1', 'small.yaml:5 durationMs: a number above 0, not -1'],
  [
    'durationMs: 1000',
    'durationMs: 1000\nname: ../elsewhere',
    'small.yaml:6 name: a name of letters, digits, _, . and -: files are named after it',
  ],
  ['durationMs: 1000', 'durationMs: .inf', 'small.yaml:5 durationMs: a number of at most 1000000000, not Infinity'],
  ['durationMs: 1000', 'durationMs: .nan', 'small.yaml:5 durationMs: a number above 0, not NaN'],
  ['delayMs: 10', 'delayMs: 1e10', 'small.yaml:12 links[0].delayMs: a number of at most 1000000000, not 10000000000'],
  ['durationMs: 1000', 'durationMs: soon', "small.yaml:5 durationMs: a number or a $name, not 'soon' in 'soon'"],
  [
    'durationMs: 1000',
    'duration: 1000',
    'small.yaml:2 durationMs: missing: a number above 0',
    'small.yaml:5 duration: no such key here; keys are name, title, description, seed, durationMs, protection, parameters, nodes, links, domains, continent, movement, traffic, faults',
  ],
  [
    'role: anchor',
    'role: ancor',
    'small.yaml:8 nodes.anchor.role: one of router, correspondent, dhcp-server, pmip-client, anchor, home-agent, access, mobile',
  ],
  [
    'role: anchor',
    'role: anchor, address: fd00',
    "small.yaml:8 nodes.anchor.address: a unicast IPv6 address such as 2001:db8::1, not 'fd00'",
  ],
  [
    'role: anchor',
    'role: anchor, prefix: "fd00::1/64"',
    "small.yaml:8 nodes.anchor.prefix: an IPv6 prefix such as 2001:db8:1::/64, no bits set past its length, not 'fd00::1/64'",
  ],
  [
    'role: anchor',
    'role: anchor, address: "fd00::3"',
    "small.yaml:9 nodes.ar.address: an address of its own, 'fd00::3' is taken",
  ],
  [
    'role: anchor',
    'role: anchor, colour: red',
    'small.yaml:8 nodes.anchor.colour: no such key here; keys are role, address, ipv4Address, prefix',
  ],
  [
    'role: mobile',
    'role: mobile, linkAddress: "02:00"',
    "small.yaml:10 nodes.mn.linkAddress: a link-layer address such as 02:00:00:00:00:01, not '02:00'",
  ],
  [
    'role: mobile',
    'role: mobile, identity: "a b"',
    "small.yaml:10 nodes.mn.identity: a network access identifier such as host@example.net, not 'a b'",
  ],
  [
    'role: mobile',
    'role: mobile, addressing: dhcp',
    "small.yaml:10 nodes.mn.addressing: one of slaac, dhcpv6, manual, not 'dhcp'",
  ],
  [
    '[cn, anchor]',
    '[cn, anchro]',
    "small.yaml:12 links[0].between[1]: a node, 'anchro' is none; known: cn, anchor, ar, mn",
  ],
  ['[cn, anchor]', '[cn]', 'small.yaml:12 links[0]: between: two different nodes, or access: an access router'],
  ['[anchor, ar]', '[anchor, mn]', 'small.yaml:13 links[1].between[1]: a node that is no mobile: mobiles move'],
  [
    'delayMs: 10',
    'delay: 10',
    'small.yaml:12 links[0].delayMs: missing: a number of at least 0',
    'small.yaml:12 links[0].delay: no such key here; keys are name, between, access, family, delayMs, rateMbps, queueOctets, loss, duplication, reordering, reorderDelayMs, mtu',
  ],
  [
    'delayMs: 10',
    'delayMs: $acessMs',
    "small.yaml:12 links[0].delayMs: a parameter, '$acessMs' is none; known: accessMs, radioMs",
  ],
  ['delayMs: 10', 'delayMs: 10, loss: 1.5', 'small.yaml:12 links[0].loss: a number from 0 to 1, not 1.5'],
  ['delayMs: 10', 'delayMs: 10, mtu: 500', 'small.yaml:12 links[0].mtu: a whole number from 1280 to 65535, not 500'],
  [
    'delayMs: 10',
    'delayMs: 10, loss: $accessMs',
    "small.yaml:12 links[0].loss: a number from 0 to 1, not 5 ('$accessMs')",
  ],
  [
    'access: ar',
    'access: anchor',
    "small.yaml:14 links[2].access: an access router, 'anchor' has role anchor",
    'small.yaml:16 movement[0].to: an access router, an access link or away; known: anchor',
  ],
  ['to: ar ', 'to: nowhere ', 'small.yaml:16 movement[0].to: an access router, an access link or away; known: ar'],
  ['mobile: mn', 'mobile: cn', "small.yaml:16 movement[0].mobile: a mobile, 'cn' is none; known: mn"],
  ['atMs: 0', 'atMs: 2000', 'small.yaml:16 movement[0].atMs: a time before the end, 1000'],
  ['kind: cbr', 'kind: sctp', 'small.yaml:18 traffic[0].kind: one of cbr, ping, tcp'],
  ['to: mn', 'to: cn', "small.yaml:18 traffic[0].to: a node other than 'from'"],
  ['intervalMs: 1', 'intervalMs: 0', 'small.yaml:18 traffic[0].intervalMs: a number of at least 0.001, not 0'],
  [
    'intervalMs: 1',
    'intervalMs: 1, startMs: 900, stopMs: 800',
    'small.yaml:18 traffic[0].stopMs: a time after startMs, 900',
  ],
  [
    'traffic:',
    'faults: [{ kind: partition, link: nix, fromMs: 5, untilMs: 4 }]\ntraffic:',
    "small.yaml:17 faults[0].link: a link, 'nix' is none; known: cn-anchor, anchor-ar, ar-radio",
    'small.yaml:17 faults[0].untilMs: a time after fromMs, 5',
  ],
  [
    'traffic:',
    'faults: [{ kind: crash, node: nix, atMs: 5 }]\ntraffic:',
    "small.yaml:17 faults[0].node: a node, 'nix' is none; known: cn, anchor, ar, mn",
  ],
  ['accessMs: 5', 'accessMs: [5]', 'small.yaml:3 parameters.accessMs: a number or an expression, not [5]'],
  [
    'accessMs: 5',
    'accessMs: $radioMs',
    "small.yaml:3 parameters.accessMs: a parameter, '$radioMs' is none; the scenario has none",
  ],
  ['$accessMs / 2', '$accessMs / 0', "small.yaml:4 parameters.radioMs: a finite number, '$accessMs / 0' is Infinity"],
  ['$accessMs / 2', '($accessMs', "small.yaml:4 parameters.radioMs: ')' in '($accessMs'"],
];

for (const [from, to, ...expected] of bad)
  test(`'${to}' for '${from}' is refused with its line and path`, () => {
    const text = small.replace(from, () => to);
    assert.notEqual(text, small);
    assert.deepEqual(problems(text), expected);
  });

test('the nodes that numbers stand for are different also beyond 255', () => {
  const mobiles = Array.from({ length: 300 }, (_, i) => `  m${i}: { role: mobile }\n`).join('');
  const { nodes } = parsed(
    small
      .replace('  mn:', () => `${mobiles}  late: { role: router }\n  mn:`)
      .replace('links:', 'links:\n  - { between: [late, cn], delayMs: 1 }'),
  );
  const linkAddresses = nodes.flatMap(node => (node.role === 'mobile' ? [node.linkAddress] : []));
  const addresses = nodes.flatMap(node => (node.role === 'mobile' ? [] : [node.address]));
  assert.equal(new Set(linkAddresses).size, 301);
  assert.equal(new Set(addresses).size, nodes.length - 301);
  for (const linkAddress of linkAddresses) parseLinkAddress(linkAddress);
  for (const address of addresses) parseAddress(address);
});

test('every problem is reported at once', () => {
  const text = small.replace('delayMs: 10', 'delayMs: -1').replace('intervalMs: 1', 'intervalMs: x');
  assert.deepEqual(problems(text), [
    'small.yaml:12 links[0].delayMs: a number of at least 0, not -1',
    "small.yaml:18 traffic[0].intervalMs: a number or a $name, not 'x' in 'x'",
  ]);
});

test('a node that no link reaches is refused', () => {
  assert.deepEqual(problems(small.replace('  mn:', '  lonely: { role: router }\n  mn:')), [
    'small.yaml:10 nodes.lonely: a link on a path to cn',
  ]);
});

test('YAML that is none names the line', () => {
  assert.match(problems('nodes: {\n  a: [\n')[0], /^small\.yaml:3 : valid YAML: /);
  assert.match(problems('a: 1\n---\nb: 2\n')[0], /^small\.yaml:2 : one YAML document, not several/);
  assert.match(problems('a:\n  b: 1\n  c: 2\n  "b": 3\n')[0], /^small\.yaml:4 : valid YAML: Map keys must be unique/);
  assert.match(problems('a: 1\na: 2\n')[0], /^small\.yaml:2 : valid YAML: Map keys must be unique/);
});

test('a file that holds no mapping is refused', () => {
  assert.match(problems('')[0], /a section; keys are name/);
  assert.match(problems('- 1')[0], /a section; keys are name/);
});

test('every scenario that is shipped is valid', () => {
  for (const file of readdirSync('scenarios')) {
    const text = readFileSync(`scenarios/${file}`, 'utf8');
    const overrides = { ...(/^ {2}mobiles: /m.test(text) && { mobiles: 2000 }) };
    const result = parseScenario(text, { file, overrides });
    assert.ok(result.ok, result.ok ? '' : result.problems.map(problem => problem.message).join('\n'));
  }
});

test('scenario: nodes may be of a domain with a scheme of its own; a scheme or node that is none, or is of two, is a problem', () => {
  const domains = (text: string) => small.replace('links:', `domains:\n${text}\nlinks:`);
  const own = '  legacy: { scheme: pmip6, nodes: [anchor, ar, mn] }';
  assert.deepEqual(parsed(domains(own)).domains, [{ name: 'legacy', scheme: 'pmip6', nodes: ['anchor', 'ar', 'mn'] }]);
  assert.deepEqual(parsed(small).domains, []);
  const [scheme, node, twice] = problems(
    domains('  a: { scheme: pmip, nodes: [anchor, anchr] }\n  b: { scheme: lmm, nodes: [anchor] }'),
  );
  assert.match(scheme, /^small\.yaml:12 domains\.a\.scheme: a scheme, 'pmip' is none; known: none, /);
  assert.match(node, /^small\.yaml:12 domains\.a\.nodes\[1\]: a node, 'anchr' is none/);
  assert.match(twice, /^small\.yaml:13 domains\.b\.nodes\[0\]: a domain of its own, 'anchor' is taken/);
});
