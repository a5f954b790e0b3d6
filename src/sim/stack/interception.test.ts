import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagram, ms, observed, on, puppet, received, sentOn } from '../../../test/support/network.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { hostPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import type { ForwardingRule, Input, TunnelEnd, Via } from '../../protocol/contract.js';

const block = parsePrefix('fd00:b::/64');
const everywhere = parsePrefix('::/0');
const home = parseAddress('fd00:b::b');
const to = hostPrefix(home);
const sender = parseAddress('fd00:5::5');
const addresses = {
  first: parseAddress('fd00:f::1'),
  second: parseAddress('fd00:f::2'),
  gateway: parseAddress('fd00:f::3'),
};

/** sender - first - second - gateway - mobile, 1 ms each. Both anchors intercept what is for the block, each for the other. */
function anchors() {
  const world = observed();
  const { simulation } = world;
  const host = simulation.addNode({ name: 'sender', dadTransmits: 0 });
  const router = (name: keyof typeof addresses) =>
    simulation.addNode({ name, forwarding: true, addresses: [addresses[name]] });
  const nodes = { first: router('first'), second: router('second'), gateway: router('gateway') };
  const mobile = simulation.addNode({ name: 'mobile', dadTransmits: 0 });
  const link = (name: string) => simulation.addLink({ name, kind: 'wire', delay: 1 * ms });
  const links = { near: link('near'), between: link('between'), far: link('far'), access: link('access') };
  host.attach(links.near, { name: 'eth0', addresses: [on('fd00:5::5/64')] });
  nodes.first.attach(links.near, { name: 'near', addresses: [on('fd00:5::1/64')] });
  nodes.first.attach(links.between, { name: 'between' });
  nodes.second.attach(links.between, { name: 'between' });
  nodes.second.attach(links.far, { name: 'far' });
  nodes.gateway.attach(links.far, { name: 'far' });
  nodes.gateway.attach(links.access, { name: 'access' });
  const station = mobile.attach(links.access, { name: 'wlan0', addresses: [{ address: home, length: 128 }] });
  nodes.first.originate(block);
  simulation.computeRoutes();
  const at = { first: puppet(nodes.first), second: puppet(nodes.second), gateway: puppet(nodes.gateway) };
  const down: Via = { kind: 'link', link: 'access', neighbour: station.linkAddress };
  at.gateway({ kind: 'forward', rule: { to, via: down } }, { kind: 'admit', end: end('gateway', 'second') });
  at.first(forward(block, tunnel('first', 'second')), {
    kind: 'admit',
    end: end('first', 'second'),
    intercepted: true,
  });
  at.second(forward(block, tunnel('second', 'first')));
  at.first(forward(block, { kind: 'drop' }, false));
  const send = () => host.stack?.output(datagram(sender, home));
  const [arrivals, frames] = [received(mobile), sentOn(links.between)];
  return { ...world, nodes, links, at, send, arrivals, frames };
}

function tunnel(local: keyof typeof addresses, remote: keyof typeof addresses): Via {
  return { kind: 'tunnel', local: addresses[local], remote: addresses[remote] };
}

function end(local: keyof typeof addresses, remote: keyof typeof addresses): TunnelEnd {
  return { local: addresses[local], remote: addresses[remote], to: everywhere };
}

function forward(prefix: Prefix, via: Via, intercepts = true) {
  const rule: ForwardingRule = { to: prefix, via, ...(intercepts && { intercepts }) };
  return { kind: 'forward', rule } as const;
}

test('what an anchor has intercepted no other intercepts again: it goes by the rules that take all', () => {
  const w = anchors();
  w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true });
  w.at.second(forward(to, tunnel('second', 'gateway'), false));
  w.send();
  w.simulation.run(20 * ms);
  assert.equal(w.arrivals.length, 1);
  assert.equal(w.frames.length, 1);
});

test('what comes by an end that intercepts nothing is intercepted', () => {
  const w = anchors();
  w.at.second({ kind: 'admit', end: end('second', 'first') });
  w.send();
  w.simulation.run(20 * ms);
  assert.deepEqual(
    w.frames.map(({ packet }) => [formatAddress(packet.source), formatAddress(packet.destination)]),
    [
      ['fd00:f::1', 'fd00:f::2'],
      ['fd00:f::2', 'fd00:f::1'],
    ],
  );
  // There is no third time: what comes back from an anchor is dropped where nobody is anchored.
  assert.deepEqual(w.drops(), [{ node: 'first', reason: 'rule' }]);
});

test('a rule that intercepts and one that takes all stand side by side under one prefix, and go one by one', () => {
  const w = anchors();
  const { routes } = w.nodes.second.stack ?? {};
  assert.ok(routes);
  const ways = () =>
    [routes.lookup(home, sender), routes.lookupIntercepted(home, sender)].map(path =>
      path.kind === 'tunnel' ? formatAddress(path.remote) : path.kind,
    );
  w.at.second(forward(block, { kind: 'drop' }, false));
  assert.deepEqual(ways(), ['fd00:f::1', 'drop']);
  w.at.second(forward(to, tunnel('second', 'gateway')));
  assert.deepEqual(ways(), ['fd00:f::3', 'drop']);
  w.at.second(forward(to, tunnel('second', 'gateway'), false));
  assert.deepEqual(ways(), ['fd00:f::3', 'fd00:f::3']);
  w.at.second({ kind: 'unforward', to });
  assert.deepEqual(ways(), ['fd00:f::3', 'drop']);
  w.at.second({ kind: 'unforward', to, intercepts: true }, { kind: 'unforward', to: block, intercepts: true });
  assert.deepEqual(ways(), ['drop', 'drop']);
  w.at.second({ kind: 'unforward', to: block });
  assert.notEqual(ways()[0], 'drop');
  assert.equal(routes.ruleCount, 0);
});

test('of a prefix with sources the longest source comes first, whether its rule intercepts or not', () => {
  const w = anchors();
  const { routes } = w.nodes.second.stack ?? {};
  assert.ok(routes);
  const ways = () => [routes.lookup(home, sender).kind, routes.lookupIntercepted(home, sender).kind];
  const rule: ForwardingRule = {
    to: block,
    from: parsePrefix('fd00:5::/64'),
    via: { kind: 'link', link: 'far', router: addresses.gateway },
  };
  w.at.second({ kind: 'forward', rule });
  assert.deepEqual(ways(), ['link', 'link']);
  w.at.second(
    { kind: 'unforward', to: block, from: rule.from },
    { kind: 'forward', rule: { ...rule, intercepts: true } },
  );
  assert.deepEqual(ways(), ['link', 'drop']);
});

test('a rule that intercepts names a destination', () => {
  const w = anchors();
  const rule: ForwardingRule = { from: block, via: { kind: 'drop' }, intercepts: true };
  assert.throws(() => w.at.second({ kind: 'forward', rule }), /a rule that intercepts names a destination/);
});

test('what was intercepted goes by a rule that names its destination or is dropped: neither rules by source nor routes are for it', () => {
  const w = anchors();
  const answers = sentOn(w.links.near).filter(({ packet }) => packet.destination === sender);
  w.nodes.gateway.originate(block);
  w.simulation.computeRoutes();
  w.at.second({ kind: 'unforward', to: block, intercepts: true });
  w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true });
  w.at.second({ kind: 'forward', rule: { from: hostPrefix(sender), via: tunnel('second', 'gateway') } });
  w.send();
  w.simulation.run(20 * ms);
  assert.equal(w.arrivals.length, 0);
  assert.deepEqual(w.drops(), [{ node: 'second', reason: 'rule' }]);
  assert.deepEqual(answers, []);
  const pair: ForwardingRule = { to, from: hostPrefix(sender), via: tunnel('second', 'gateway') };
  w.at.second({ kind: 'forward', rule: pair });
  w.send();
  w.simulation.run(40 * ms);
  assert.equal(w.arrivals.length, 1);
});

test('what was intercepted and had to wait, for its rule or for its end, is still not intercepted', () => {
  for (const wait of ['rule', 'end']) {
    const w = anchors();
    const hold = wait === 'end' ? { limitOctets: 1000 } : undefined;
    w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true, ...(hold && { hold }) });
    w.at.second(forward(block, { kind: 'park', limitOctets: 1000 }, false));
    w.send();
    w.simulation.run(10 * ms);
    assert.equal(w.arrivals.length, 0);
    // More specific than the rule it waits for, it would take the packet back.
    w.at.second(forward(to, tunnel('second', 'first')));
    w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true });
    w.at.second(forward(block, tunnel('second', 'gateway'), false));
    w.simulation.run(20 * ms);
    assert.equal(w.arrivals.length, 1, wait);
  }
});

test('a flow is told of with the tunnel that it came by, and without one where it came by none', () => {
  for (const hold of [undefined, { limitOctets: 1000 }]) {
    const w = anchors();
    const heard: Input[] = [];
    for (const node of [w.nodes.first, w.nodes.second]) {
      const [host] = node.stack?.engines ?? [];
      assert.ok(host);
      const handle = host.handle.bind(host);
      host.handle = input => {
        if (input.kind === 'flow') heard.push(input);
        handle(input);
      };
    }
    w.at.first({ kind: 'watch', to: block, each: 'destination' });
    w.at.second({ kind: 'watch', to: block }, forward(to, tunnel('second', 'gateway'), false));
    w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true, ...(hold && { hold }) });
    w.send();
    w.simulation.run(10 * ms);
    if (hold) w.at.second({ kind: 'admit', end: end('second', 'first'), intercepted: true });
    const flow = { kind: 'flow', source: sender, destination: home } as const;
    const via = { local: addresses.second, remote: addresses.first };
    assert.deepEqual(heard, [flow, { ...flow, via }]);
  }
});
