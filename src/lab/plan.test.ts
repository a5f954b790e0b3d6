import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseScenario } from '../scenario/parse.js';
import { adjust } from './adjust.js';
import { planLab } from './plan.js';

function comparison() {
  const file = 'scenarios/comparison.yaml';
  const result = parseScenario(readFileSync(file, 'utf8'), { file });
  assert.ok(result.ok);
  return result.scenario;
}

test('lab plan: every node has a route to every other and to every prefix, by its neighbours’ link-local addresses', () => {
  const plan = planLab(comparison());
  const prefixes = [...plan.network.anchors, ...plan.network.accessRouters, ...plan.network.homeAgents];
  for (const node of plan.nodes) {
    const own = prefixes.filter(one => one.node === node.name);
    assert.equal(node.routes.length, plan.nodes.length - 1 + prefixes.length - own.length, node.name);
    const neighbours = plan.wires.flatMap(({ ends: [a, b] }) =>
      a.node === node.name ? [b] : b.node === node.name ? [a] : [],
    );
    for (const { via } of node.routes) assert.ok(neighbours.some(({ address }) => address === via));
  }
});

test('lab plan: packets go the way with the least delay', () => {
  const scenario = comparison();
  const plan = planLab(scenario);
  const address = (name: string) => plan.nodes.find(node => node.name === name)!.address;
  const next = (from: string, to: string) => {
    const route = plan.nodes.find(node => node.name === from)!.routes.find(one => one.to === `${address(to)}/128`)!;
    return plan.wires.flatMap(({ ends }) => ends).find(end => end.address === route.via)!.node;
  };
  assert.equal(next('ar1', 'ar2'), 'ar2');
  assert.equal(next('ar1', 'ar3'), 'anchor1');
  assert.equal(next('cn', 'ar3'), 'core');
  assert.equal(next('core', 'ar3'), 'anchor2');
});

test('lab plan: devices of a node have names of their own, no longer than the kernel takes', () => {
  const plan = planLab(comparison());
  const devices = [
    ...plan.wires.flatMap(({ ends }) => ends.map(({ node, device }) => `${node} ${device}`)),
    ...plan.radios.flatMap(({ router, device, bridge, routerPort }) => [
      `${router} ${device}`,
      `air ${bridge}`,
      `air ${routerPort}`,
    ]),
    ...plan.mobiles.map(({ port }) => `air ${port}`),
  ];
  assert.equal(new Set(devices).size, devices.length);
  for (const device of devices) assert.ok(device.split(' ')[1].length <= 15);
});

test('lab plan: a mobile that asks for its address gets a server, and nothing that stands for a delay is kept', () => {
  const adjusted = adjust(comparison(), { addressing: 'dhcpv6', protection: 'esp' });
  const { network, nodes } = planLab(adjusted);
  assert.deepEqual(network.dhcpServers, [{ node: 'dhcp', address: 'fd00::d' }]);
  assert.ok(nodes.find(({ name }) => name === 'ar1')!.routes.some(({ to }) => to === 'fd00::d/128'));
  assert.deepEqual(
    [network.protection, network.parameters.authenticationMs, network.mobiles[0].addressing],
    ['esp', 0, 'dhcpv6'],
  );
});

test('lab plan: each family has routes along wires that carry it', () => {
  const file = 'scenarios/ipv4-core.yaml';
  const result = parseScenario(readFileSync(file, 'utf8'), { file });
  assert.ok(result.ok);
  const plan = planLab(result.scenario);
  const node = (name: string) => plan.nodes.find(one => one.name === name)!;
  const wire = (name: string) => plan.wires.find(one => one.name === name)!;
  const [home, core] = wire('ha-core4').ends;
  const { ipv4Address: ar1Ipv4, address: ar1 } = node('ar1');
  assert.equal(ar1Ipv4, '10.1.0.1');
  assert.deepEqual(
    node('ha').ipv4Routes.find(({ to }) => to === '10.1.0.1/32'),
    { to: '10.1.0.1/32', via: core.ipv4Address, device: home.device },
  );
  assert.ok(!node('ha').routes.some(({ to }) => to === `${ar1}/128`), 'IPv6 does not lead there');
  assert.ok(node('ha').routes.some(({ to }) => to === `${node('ar3').address}/128`));
  assert.ok(!node('core6').ipv4Routes.some(({ to }) => to === '10.1.0.1/32'));
  assert.deepEqual(node('core4').routes, [], 'the core has no IPv6 at all');
});
