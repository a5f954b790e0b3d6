import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { parsePrefix } from '../base/prefix.js';
import type { Output, TunnelEnd } from '../protocol/contract.js';
import { Forwarding, type ForwardingOutput } from './forwarding.js';
import { HostForwarding } from './host-forwarding.js';
import { interceptionUnsupported } from './interception.js';
import type { Request } from './netlink/message.js';

function forwarding(requests: Request[]): Forwarding {
  const parts = {
    kernel: { execute: (some: readonly Request[]) => void requests.push(...some) },
    firewall: {},
    parking: { close: () => [] },
    parked: { tun: { index: 7 } },
  };
  const scope = {
    address,
    tunnelTable: 1000,
    devices: new Map(),
    accessDevices: new Map(),
    uplinks: [],
    signalling: [],
    tunnels: { kind: 'seg6' } as const,
    interceptedMark: 1002,
  };
  return new Forwarding(parts as never, scope);
}

const address = parseAddress('2001:db8:a::1');
const remote = parseAddress('2001:db8:1::1');
const via = { kind: 'tunnel', local: address, remote } as const;

test('draft-singh appendix E.2: what a rule for IPv4 comes with is done all the same, and the operator hears what is not', () => {
  const requests: Request[] = [];
  const made = forwarding(requests);
  const rules = ['2001:db8:a::7/128', '::ffff:198.51.100.7/128'].map(text => parsePrefix(text));
  const outputs: Output[] = rules.map(to => ({ kind: 'forward', rule: { to, via } }));
  const apply = () => made.apply(outputs as ForwardingOutput[]);
  assert.throws(apply, (error: HostError) => error instanceof HostError && /IPv4 is not forwarded/.test(error.message));
  assert.deepEqual([made.size, requests.length], [1, 1]);
});

test('contract: a host refuses rules that intercept and ends of what was intercepted, and nothing else', () => {
  const to = parsePrefix('2001:db8:a::7/128');
  const block = parsePrefix('2001:db8:a::/48');
  const refused: ForwardingOutput[] = [
    { kind: 'forward', rule: { to: block, via, intercepts: true } },
    { kind: 'unforward', to, intercepts: true },
    { kind: 'admit', end: { local: address, remote, to: block }, intercepted: true },
  ];
  for (const output of refused) {
    const kernel = { execute: () => undefined };
    const atHost = new HostForwarding({ kernel, tables: {}, isWatched: () => false } as never);
    assert.throws(() => atHost.apply([{ kind: 'forward', rule: { to, via } }, output]), interceptionUnsupported());
    assert.equal(atHost.size, 1);
  }
});

test('contract: what was intercepted comes in tunnels of IPv6 by its destination, other ends of it are refused', () => {
  const [from, mapped] = ['2001:db8:a::/48', '::ffff:192.0.2.1/128'].map(text => parsePrefix(text));
  const ends: TunnelEnd[] = [
    { local: address, remote, from },
    { local: mapped.address, remote: mapped.address, to: from },
  ];
  for (const end of ends)
    assert.throws(() => forwarding([]).apply([{ kind: 'admit', end, intercepted: true }]), /comes in IPv6/);
});
