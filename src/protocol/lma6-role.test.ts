import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environment } from '../../test/support/anchor.js';
import { formatAddress } from '../base/address.js';
import { linkLocalAddress, parseLinkAddress } from '../base/link-address.js';
import type { RouterAdvertisement } from '../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../wire/icmpv6/neighbour-options.js';
import type { Output } from './contract.js';
import { localMobilityAgent } from './lma6-role.js';
import { roles } from './roles.js';

const base = { address: '2001:db8:1::1', insecure: true };
const advertise = { links: [{ name: 'wlan0', prefixes: [{ prefix: '2001:db8:1:1::/64' }] }] };

function problems(config: Record<string, unknown>): string[] {
  const parsed = localMobilityAgent.parse(config);
  return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

test('role lma6 is there, and an access router with it stays one', () => {
  assert.ok(roles.includes(localMobilityAgent));
  assert.equal(localMobilityAgent.routesAccessLinks, true);
  assert.deepEqual(problems(base), []);
});

test('what contradicts itself in the section is named, with where it stands', () => {
  const cases: readonly [Record<string, unknown>, string][] = [
    [
      { address: base.address },
      'peers: at least one peer with its keys, or insecure: true for signalling without protection',
    ],
    [{ ...base, links: ['wlan0', 'wlan0'] }, "links.1: one entry for 'wlan0'"],
    [{ ...base, accessControl: true }, 'accessControl: false, without links'],
    [
      { ...base, aaa: {}, radius: { servers: [{ address: '2001:db8:9::1', secret: 'sixteen or more characters' }] } },
      'radius: nothing, beside `aaa`',
    ],
    [{ ...base, ipv4Address: '2001:db8::1' }, "ipv4Address: an IPv4 address such as 192.0.2.1, not '2001:db8::1'"],
    [{ ...base, maximumLifetimeS: 70_000 }, 'maximumLifetimeS: an integer from 4 to 65535 seconds'],
    [
      { ...base, maximumLifetimeS: 100, advertise: { ...advertise, agents: [{ chain: [{ address: base.address }] }] } },
      'advertise.agents.0.lifetimeS: no more than maximumLifetimeS',
    ],
    [
      { ...base, advertise: { ...advertise, agents: [{ chain: [{ address: base.address }], linkConnected: true }] } },
      'advertise.agents.0.links: links that are among the links of the agent, or linkConnected: false',
    ],
  ];
  for (const [config, problem] of cases)
    assert.ok(
      problems(config).some(text => text.startsWith(problem)),
      problem,
    );
});

/** What the agent of that section says of agents on a link. */
function told(config: Record<string, unknown>, name: string) {
  const parsed = localMobilityAgent.parse({ ...base, ...config });
  assert.ok(parsed.ok);
  const engine = localMobilityAgent.create(parsed.config, environment());
  const linkAddress = parseLinkAddress('02:00:00:00:00:01');
  const outputs: Output[] = engine.handle(
    { kind: 'link', link: name, up: true, linkAddress, linkLocal: linkLocalAddress(linkAddress) },
    0,
  );
  for (let at = engine.deadline; at !== undefined && at < 20e9; at = engine.deadline)
    outputs.push(...engine.handle({ kind: 'tick' }, at));
  const advertised = outputs.flatMap(output =>
    output.kind === 'send' && output.packet.payload.kind === 'icmpv6' && output.link === name
      ? output.packet.payload.message
      : [],
  );
  const advertisement = advertised.find(
    (message): message is RouterAdvertisement => message.kind === 'routerAdvertisement',
  );
  assert.ok(advertisement);
  return findNeighbourOption(advertisement.options, 'localMobilityAgents');
}

test('D02-2.1-Opt2-01, D02-2.1-Opt2-06, D02-2.2.1-04, D02-2.2.1-08: an agent advertises its care-of address on its links, the longest lifetime it accepts, and whether it has IPv4', () => {
  const option = told({ links: ['wlan0'], maximumLifetimeS: 900, advertise }, 'wlan0');
  assert.deepEqual(option?.addresses.map(formatAddress), ['2001:db8:1::1']);
  assert.deepEqual(option?.flags, { ownCareOfAddressNeeded: false, ipv4Tunnel: false });
  assert.equal(option?.lifetimeS, 900);
  const both = told({ links: ['wlan0'], ipv4Address: '192.0.2.1', advertise }, 'wlan0');
  assert.deepEqual(both?.flags, { ownCareOfAddressNeeded: false, ipv4Tunnel: true });
  assert.deepEqual(both?.addresses.map(formatAddress), ['2001:db8:1::1', '::ffff:192.0.2.1']);
});

test('D02-2.1-01: on a link that is none of its own, it says that mobiles need an address of theirs', () => {
  assert.equal(told({ advertise }, 'wlan0')?.flags.ownCareOfAddressNeeded, true);
});
