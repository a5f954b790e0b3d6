import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { parsePrefix } from '../base/prefix.js';
import type { Output } from '../protocol/contract.js';
import { Forwarding, type ForwardingOutput } from './forwarding.js';
import type { Request } from './netlink/message.js';

test('draft-singh appendix E.2: what a rule for IPv4 comes with is done all the same, and the operator hears what is not', () => {
  const requests: Request[] = [];
  const parts = {
    kernel: { execute: (some: readonly Request[]) => void requests.push(...some) },
    firewall: {},
    parking: { close: () => [] },
    tun: { index: 7 },
  };
  const scope = {
    address: parseAddress('2001:db8:a::1'),
    tunnelTable: 1000,
    devices: new Map(),
    accessDevices: new Map(),
    uplinks: [],
    signalling: [],
    tunnels: { kind: 'seg6' } as const,
  };
  const forwarding = new Forwarding(parts as never, scope);
  const via = { kind: 'tunnel', local: scope.address, remote: parseAddress('2001:db8:1::1') } as const;
  const rules = ['2001:db8:a::7/128', '::ffff:198.51.100.7/128'].map(text => parsePrefix(text));
  const outputs: Output[] = rules.map(to => ({ kind: 'forward', rule: { to, via } }));
  const apply = () => forwarding.apply(outputs as ForwardingOutput[]);
  assert.throws(apply, (error: HostError) => error instanceof HostError && /IPv4 is not forwarded/.test(error.message));
  assert.deepEqual([forwarding.size, requests.length], [1, 1]);
});
