import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatAddress, isLinkLocal, isUnspecified } from '../base/address.js';
import { milliseconds } from '../base/time.js';
import { lmm } from '../protocol/lmm/scheme.js';
import type { Simulation } from '../sim/index.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { isMobile, type Scenario } from './model.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';

/** What seed 002 says of hosts and of who is not an agent, seen in whole networks. */

function scenario(file: string, overrides: Record<string, number> = {}): Scenario {
  const result = parseScenario(readFileSync(`scenarios/${file}.yaml`, 'utf8'), { file, overrides });
  assert.ok(result.ok);
  return result.scenario;
}

interface Sight {
  readonly link: string;
  readonly packet: Packet;
  readonly moment: 'sent' | 'delivered';
  readonly text: string;
}

/** Every frame of links of a kind, as octets and addresses say what it is. */
function watched(of: Scenario, kind: 'access' | 'wire', then: (simulation: Simulation) => void = () => {}) {
  const sights: Sight[] = [];
  const { simulated, result } = runScheme(of, lmm, {
    prepare(simulation) {
      for (const link of simulation.links.values())
        if (link.options.kind === kind)
          link.tap(({ packet, hopLimit, source, destination }, _, moment) => {
            const octets = Buffer.from(encodePacket({ ...packet, hopLimit })).toString('hex');
            const text = `${Buffer.from(source + destination, 'latin1').toString('hex')} ${octets}`;
            sights.push({ link: link.name, packet, moment, text });
          });
      then(simulation);
    },
  });
  return { sights, simulated, result };
}

const few = { intervalMs: 20 };

test('gundavelli §1, §3.1, §8 [G00-1-01, G00-8-01, G00-3.1-07, G00-8.3-03]: the mobile has no engine and no keys, and its link carries an IPv6 host’s packets alone', () => {
  const of = scenario('comparison', few);
  const { sights, simulated, result } = watched(of, 'access');
  const mobile = simulated.simulation.nodes.get('mn');
  assert.deepEqual(mobile?.engines, []);
  assert.deepEqual([...(mobile?.stored.keys() ?? [])], []);
  const kinds = new Set(sights.map(({ packet }) => packet.payload.kind));
  assert.deepEqual([...kinds].sort(), ['icmpv6', 'udp']);
  assert.ok(sights.every(({ packet }) => packet.headers === undefined));
  assert.ok(result.handovers.every(handover => handover.gapMs !== null));
});

for (const file of ['comparison', 'dhcpv6', 'manual'])
  test(`gundavelli §8, §2 [G00-8-02, G00-2-04, G00-8.1-05, G00-3.1-12]: in scenario ${file} the mobile has one address wherever it is`, () => {
    const of = scenario(file, few);
    const seen = new Set<string>();
    const look = (simulation: Simulation) => {
      for (let atMs = 3500; atMs < of.durationMs; atMs += 50)
        simulation.schedule(milliseconds(atMs), () => {
          const own = simulation.nodes.get('mn')?.addresses() ?? [];
          const global = own.filter(address => !isLinkLocal(address));
          seen.add(global.map(formatAddress).join(' '));
        });
    };
    const { result, simulated } = watched(of, 'access', look);
    assert.equal(seen.size, 1);
    const [prefix] = simulated.network.anchors[0].prefix.split('::');
    assert.match([...seen][0], new RegExp(`^${prefix}[0-9a-f:]+$`));
    assert.ok(result.handovers.length > 0 && result.handovers.every(({ gapMs }) => gapMs !== null));
  });

test('gundavelli §3.1 [G00-3.1-08]: what a correspondent receives says nothing of where the mobile is', () => {
  const { sights, simulated } = watched(scenario('comparison', few), 'wire');
  const heard = sights.filter(({ link, moment }) => link === 'core-cn' && moment === 'delivered');
  const mobile = simulated.simulation.nodes.get('mn')?.addresses()[0];
  const fromMobile = heard.filter(({ packet }) => packet.source === mobile);
  assert.ok(fromMobile.length > 150, `${fromMobile.length}`);
  // Link-layer addresses, source and destination, traffic class, flow label and hop limit; what differs is payload.
  const headers = new Set(fromMobile.map(({ text }) => text.slice(0, 24 + 1 + 80)));
  assert.equal(headers.size, 1);
  const others = heard.filter(({ packet }) => packet.source !== mobile && packet.destination !== mobile);
  assert.deepEqual(
    others.map(({ packet }) => packet.payload.kind),
    [],
  );
});

test('gundavelli §2 [G00-2-02]: the access link is a bridge: frames cross it unchanged and are nobody else’s', () => {
  const { sights, simulated } = watched(scenario('comparison', few), 'access');
  const stations = new Set(simulated.scenario.nodes.filter(isMobile).map(node => node.linkAddress.replaceAll(':', '')));
  const gateways = new Set(
    simulated.network.accessRouters.flatMap(({ node }) =>
      (simulated.simulation.nodes.get(node)?.interfaces ?? []).map(one =>
        Buffer.from(one.linkAddress, 'latin1').toString('hex'),
      ),
    ),
  );
  const waiting = new Map<string, number>();
  for (const { link, text, moment } of sights) {
    const key = `${link} ${text}`;
    const count = waiting.get(key) ?? 0;
    if (moment === 'sent') waiting.set(key, count + 1);
    else {
      assert.ok(count > 0, `delivered and never sent: ${key}`);
      waiting.set(key, count - 1);
    }
    const source = text.slice(0, 12);
    assert.ok(stations.has(source) || gateways.has(source), `a bridge speaks: ${source}`);
  }
  assert.ok(sights.some(({ packet }) => isUnspecified(packet.source)));
});
