import assert from 'node:assert/strict';
import type { Address } from '../../src/base/address.js';
import { parseAddress } from '../../src/base/address.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import type { ScriptedRole } from '../../src/linux/scripted-world.js';
import { until } from '../../src/linux/testing.js';
import type { MessageService } from '../../src/protocol/contract.js';
import { Role } from './linux-row.js';

/** Two namespaces with a cable between them, each with a world that speaks both services. */

export const ends = { left: parseAddress('2001:db8:5::1'), right: parseAddress('2001:db8:5::2') } as const;
type End = keyof typeof ends;
type Transport = NonNullable<ScriptedRole['sctp']>;

export function joinEnds(namespaces: Namespaces): void {
  for (const name of ['left', 'right']) namespaces.add(name);
  namespaces.connect({ namespace: 'left', device: 'wire' }, { namespace: 'right', device: 'wire' });
  namespaces.configure('left', ['addr add 2001:db8:5::1/64 dev wire nodad']);
  namespaces.configure('right', ['addr add 2001:db8:5::2/64 dev wire nodad']);
}

export function startEnd(namespaces: Namespaces, end: End, sctp: Transport): Promise<Role> {
  const fixed = { tunnels: 'auto', links: [], accessLinks: [], restored: [] } as const;
  return Role.start(namespaces, end, { ...fixed, address: ends[end], sctp });
}

export async function say(from: Role, peer: Address, service: MessageService, data: Uint8Array): Promise<void> {
  await from.perform({ kind: 'message', service, peer, data });
}

/** Waits for so many messages of a service; what they say. */
export async function heard(at: Role, service: MessageService, count: number): Promise<Uint8Array[]> {
  const messages = () =>
    at.inputs.flatMap(input => (input.kind === 'message' && input.service === service ? [input.data] : []));
  return until(`${count} messages of ${service}; heard ${messages().length} (${at.words})`, () =>
    messages().length >= count ? messages() : undefined,
  );
}

export const losses = (at: Role): number => at.inputs.filter(({ kind }) => kind === 'peerLost').length;

/** Messages of both services, short and long, first from one end, then from the other. */
export async function exchange(left: Role, right: Role): Promise<void> {
  const messages = [1, 1500, 40_000].map((length, n) => Uint8Array.from({ length }, (_, i) => (i + n) & 0xff));
  for (const service of ['pmip', 'cxtp'] as const)
    for (const [from, to, peer] of [
      [left, right, ends.right],
      [right, left, ends.left],
    ] as const) {
      for (const data of messages) {
        await say(from, peer, service, data);
        if (service === 'cxtp') await heard(to, service, messages.indexOf(data) + 1);
      }
      const got = await heard(to, service, messages.length);
      assert.deepEqual(
        got.map(octets => Buffer.from(octets).toString('hex')),
        messages.map(octets => Buffer.from(octets).toString('hex')),
      );
    }
  assert.deepEqual([losses(left), losses(right)], [0, 0]);
}
