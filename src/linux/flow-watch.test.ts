import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addresses,
  block,
  buildAnchors,
  checkFlows,
  flowsOf,
  home,
  mobile,
  rules,
  startAnchors,
} from '../../test/support/linux-anchors.js';
import { datagram, sendTunnelled } from '../../test/support/linux-checks.js';
import { ping, type Role } from '../../test/support/linux-row.js';
import { type Address, parseAddress } from '../base/address.js';
import { millisecond } from '../base/time.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import { flowOf } from './flow-reports.js';
import type { Namespaces } from './namespaces.js';
import { RoutedSocket } from './sockets.js';
import { namespaceTest, until } from './testing.js';

const [one, two] = ['2001:db8:c::2', '2001:db8:c::3'].map(parseAddress);
const [nobody, last] = ['2001:db8:a::77', '2001:db8:a::99'].map(parseAddress);
const via = { local: addresses.second, remote: addresses.first };

/** Datagrams from the correspondent's namespace, in order, and what is told of them: what is told of the last ends it. */
async function told(
  namespaces: Namespaces,
  role: Role,
  ...packets: [source: Address, destination: Address][]
): Promise<[source: Address, destination: Address][]> {
  const before = flowsOf(role).length;
  for (const [source, destination] of [...packets, [one, last] as const]) {
    const socket = namespaces.within('correspondent', () => new RoutedSocket(source, { anySource: true }));
    socket.send(encodePacket(datagram(source, destination)), destination);
    socket.close();
  }
  const flows = await until('the last flow', () => {
    const found = flowsOf(role).slice(before);
    return found.at(-1)?.destination === last && found;
  });
  return flows.slice(0, -1).map(({ source, destination }) => [source, destination]);
}

test('contract: of a logged packet the tunnel is told where it ends here, behind extension headers, too', () => {
  const inner = datagram(one, mobile);
  const outer = {
    source: via.remote,
    destination: via.local,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: inner },
  } as const;
  const plain = encodePacket(outer);
  // RFC 2473 §4.1.1: a Tunnel Encapsulation Limit option.
  const option = Uint8Array.of(41, 0, 4, 1, 4, 1, 0, 0);
  const limited = Uint8Array.of(...plain.subarray(0, 40), ...option, ...plain.subarray(40));
  limited[6] = 60;
  const endsAt = (local: Address) => local === via.local;
  const flow = { source: one, destination: mobile };
  for (const packet of [plain, limited]) assert.deepEqual(flowOf(packet.subarray(0, 96), endsAt), { ...flow, via });
  assert.deepEqual(
    flowOf(plain, () => false),
    { source: via.remote, destination: via.local },
  );
  assert.deepEqual(flowOf(encodePacket(inner), endsAt), flow);
  assert.equal(flowOf(plain.subarray(0, 79), endsAt), undefined);
  assert.equal(flowOf(plain.subarray(0, 39), endsAt), undefined);
});

namespaceTest(
  'contract: a flow is told of with the tunnel that it came by, once for each destination and tunnel or for each flow',
  async namespaces => {
    buildAnchors(namespaces);
    await checkFlows(namespaces, await startAnchors(namespaces));
  },
);

namespaceTest(
  'contract: the longest of the watched prefixes tells, what is watched again tells anew, and what is not, nothing',
  async namespaces => {
    buildAnchors(namespaces);
    const { second } = await startAnchors(namespaces);
    const ends = { to: { address: last, length: 128 }, againAfter: millisecond };
    await second.perform({ kind: 'watch', to: block, each: 'destination' }, { kind: 'watch', ...ends });
    assert.deepEqual(await told(namespaces, second, [one, mobile], [two, mobile], [one, nobody]), [
      [one, mobile],
      [one, nobody],
    ]);
    await second.perform({ kind: 'watch', to: home, each: 'destination' });
    assert.deepEqual(
      await told(namespaces, second, [one, mobile], [two, mobile], [one, nobody]),
      [[one, mobile]],
      'in the same way, too, a part is told of anew',
    );
    await second.perform({ kind: 'watch', to: home });
    assert.deepEqual(await told(namespaces, second, [one, mobile], [two, mobile], [one, mobile], [two, nobody]), [
      [one, mobile],
      [two, mobile],
    ]);
    await second.perform({ kind: 'watch', to: home });
    assert.deepEqual(await told(namespaces, second, [two, mobile], [two, mobile]), [[two, mobile]]);
    await second.perform({ kind: 'unwatch', to: home }, { kind: 'watch', to: block, each: 'destination' });
    assert.deepEqual(await told(namespaces, second, [two, mobile], [one, mobile]), [[two, mobile]]);
    await second.perform({ kind: 'unwatch', to: block });
    assert.deepEqual(await told(namespaces, second, [one, mobile], [one, nobody]), []);
    await second.kill();
    const successor = await second.again([...rules.second, { kind: 'watch', to: block }, { kind: 'watch', ...ends }]);
    assert.deepEqual(await told(namespaces, successor, [one, mobile], [one, mobile]), [[one, mobile]]);
  },
);

namespaceTest('contract: a flow is told of again with the first packet after its time', async namespaces => {
  buildAnchors(namespaces);
  const { second } = await startAnchors(namespaces);
  const againAfterMs = 300;
  await second.perform({ kind: 'watch', to: block, each: 'destination', againAfter: againAfterMs * millisecond });
  const begun = performance.now();
  let sent = 0;
  await until('three times', () => {
    sent += ping(namespaces, 'correspondent', '2001:db8:a::5', 1);
    return flowsOf(second).length >= 3;
  });
  const elapsedMs = performance.now() - begun;
  assert.ok(flowsOf(second).length <= 1 + Math.ceil(elapsedMs / againAfterMs), `${elapsedMs} ms`);
  assert.ok(sent > 3, `${sent} packets`);
});

namespaceTest(
  "contract: the node's own packets begin flows, and those of strangers in tunnels do not",
  async namespaces => {
    buildAnchors(namespaces);
    const { second } = await startAnchors(namespaces);
    await second.perform({ kind: 'watch', to: block });
    namespaces.configure('first', ['addr add 2001:db8:b:1::66/64 dev between nodad']);
    const stranger = { namespace: 'first', source: parseAddress('2001:db8:b:1::66') };
    sendTunnelled(namespaces, stranger, addresses.second, datagram(one, mobile));
    await until('the stranger', async () => (await second.statistics()).strangers === 1);
    ping(namespaces, 'second', '2001:db8:a::5', 1);
    await until('a flow', () => flowsOf(second).length > 0);
    const [{ destination, via: tunnel }, ...others] = flowsOf(second);
    assert.deepEqual([destination, tunnel, others], [mobile, undefined, []]);
  },
);
