import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { autoconfiguredAddress, formatLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, parsePrefix } from '../../src/base/prefix.js';
import type { FlowRecord, InterfaceOptions, Link, LinkOptions, Node } from '../../src/sim/index.js';
import type { RouterAdvertisement } from '../../src/wire/icmpv6/messages.js';
import { type Packet, protocol } from '../../src/wire/ipv6/packet.js';
import { decodePmip, findPmipOption } from '../../src/wire/pmip/messages.js';
import { decodeSctp } from '../../src/wire/sctp/packet.js';
import { create } from './mobile-network.js';
import { ms, type Observed, observed } from './network.js';

export const lmaPrefix = parsePrefix('fd00:a::/64');
export const lmaAddress = parseAddress('fd00:a::1');
export const otherLmaPrefix = parsePrefix('fd00:b::/64');
export const otherLmaAddress = parseAddress('fd00:b::1');
export const clientAddress = parseAddress('fd00:c::1');
export const correspondentAddress = parseAddress('fd00:5::5');
export const serverAddress = parseAddress('fd00:6::547');
export const aaaAddress = parseAddress('fd00:7::1812');
export const magAddresses = ['fd00:1::1', 'fd00:2::1'].map(parseAddress);
export const identity = 'mobile@example.net';

/** Two LMAs, a PMIP client, two MAGs with two cells each, a correspondent and a DHCPv6 server around one core router. */
export interface NetlmmNetwork extends Observed {
  readonly mobile: Node;
  readonly mags: readonly Node[];
  readonly lmas: readonly [Node, Node];
  /** PMIP clients with a node of their own. */
  readonly clients: readonly Node[];
  /** Of the first MAG two, then of the second. */
  readonly cells: readonly Link[];
  readonly homeAddress: Address;
  /** Takes the mobile to a cell, which it is on at that time. */
  move(atMs: number, to: Link | undefined): void;
  /** A packet a millisecond from the correspondent. */
  down(fromMs: number, untilMs: number, to?: Address): FlowRecord;
  up(fromMs: number, untilMs: number): FlowRecord;
  bindings(lma?: Node): readonly { readonly home: unknown; readonly careOf: unknown }[];
  advertised(mag: Node): RouterAdvertisement[];
  /** As they left that MAG. */
  triggers(mag: Node): { readonly at: number; readonly home: Address | undefined; readonly stateless: boolean }[];
  run(untilMs: number): void;
}

export interface NetlmmOptions {
  /** Delays of the wires to the core. */
  readonly delayMs?: Readonly<
    Partial<Record<'mag1' | 'mag2' | 'client' | 'lma' | 'lma2' | 'cn' | 'dhcp' | 'aaa', number>>
  >;
  readonly radioMs?: number;
  /** What the wires do to frames. */
  readonly wires?: Partial<LinkOptions>;
  readonly interface?: Partial<InterfaceOptions>;
  /** Of the mobile, beside its identity; by MAG. */
  readonly profile?: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[];
  readonly mag?: Readonly<Record<string, unknown>> | ((index: number) => Readonly<Record<string, unknown>>);
  /** Default `ha`. */
  readonly lmaRole?: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
  /** The PMIP client is at the first MAG. */
  readonly local?: boolean;
  /** Of the PMIP client, beside its own. */
  readonly client?: Readonly<Record<string, unknown>>;
  /** Present: an AAA server. */
  readonly aaa?: Readonly<Record<string, unknown>>;
}

export function netlmmNetwork(options: NetlmmOptions = {}): NetlmmNetwork {
  const world = observed();
  const { simulation, records } = world;
  const core = simulation.addNode({ name: 'core', forwarding: true });
  const { delayMs = {}, radioMs = 2, wires } = options;
  const wired = (name: keyof typeof delayMs, address: Address, forwarding = false): Node => {
    const node = simulation.addNode({ name, forwarding, addresses: [address] });
    const link = simulation.addLink({
      name: `core-${name}`,
      kind: 'wire',
      delay: Math.round((delayMs[name] ?? 5) * ms),
      ...wires,
    });
    core.attach(link, { name: link.name, autoconfigure: false });
    node.attach(link, { name: link.name, autoconfigure: false });
    return node;
  };
  const lma = wired('lma', lmaAddress, true);
  const otherLma = wired('lma2', otherLmaAddress, true);
  lma.originate(lmaPrefix);
  otherLma.originate(otherLmaPrefix);
  const correspondent = wired('cn', correspondentAddress);
  const mags = (['mag1', 'mag2'] as const).map((name, i) => wired(name, magAddresses[i], true));
  const cells = mags.flatMap(mag =>
    ['radio', 'radio2'].map(name => {
      const link = simulation.addLink({ name: `${mag.name}-${name}`, kind: 'access', delay: Math.round(radioMs * ms) });
      mag.attach(link, { name, autoconfigure: false });
      return link;
    }),
  );
  const mobile = simulation.addNode({ name: 'mobile', identity, dadTransmits: 1 });
  const port = mobile.attach(undefined, { name: 'wlan0', ...options.interface });
  addRoles(options, { lma, otherLma, mags, linkAddress: formatLinkAddress(port.linkAddress) });
  const clients = options.local ? [] : [wired('client', clientAddress)];
  for (const node of clients)
    node.addEngine(create('pmip-client', { address: text(clientAddress), ...client, ...options.client }));
  if (options.aaa) wired('aaa', aaaAddress).addEngine(create('aaa', { address: text(aaaAddress), ...options.aaa }));
  const pools = [lmaPrefix, otherLmaPrefix].map(prefix => ({ prefix: formatPrefix(prefix) }));
  wired('dhcp', serverAddress).addEngine(create('dhcpv6-server', { address: text(serverAddress), pools }));
  simulation.computeRoutes();
  const flow = (from: Node, to: Address, fromMs: number, untilMs: number) =>
    simulation.cbr({ from, to, interval: 1 * ms, size: 100, start: fromMs * ms, stop: untilMs * ms });
  const homeAddress = autoconfiguredAddress(lmaPrefix, port.linkAddress);
  return {
    ...world,
    mobile,
    mags,
    lmas: [lma, otherLma],
    clients,
    cells,
    homeAddress,
    move: (atMs, to) => mobile.roam('wlan0', { at: atMs * ms, to }),
    down: (fromMs, untilMs, to = homeAddress) => flow(correspondent, to, fromMs, untilMs),
    up: (fromMs, untilMs) => flow(mobile, correspondentAddress, fromMs, untilMs),
    bindings: (at = lma) =>
      (at.stack?.engines ?? []).flatMap(({ engine }) =>
        [...(engine.views.bindings?.() ?? [])].map(({ home, careOf }) => ({ home, careOf })),
      ),
    advertised: mag =>
      records.flatMap(({ node, event }) => {
        if (node !== mag.name || event.event !== 'message' || event.direction !== 'sent') return [];
        const { payload } = event.packet;
        return payload.kind === 'icmpv6' && payload.message.kind === 'routerAdvertisement' ? [payload.message] : [];
      }),
    triggers: mag =>
      records.flatMap(({ at, node, event }) => {
        if (node !== mag.name || event.event !== 'message' || event.direction !== 'sent') return [];
        return pmipIn(event.packet).flatMap(message => {
          if (message.kind !== 'trigger') return [];
          const stateless = findPmipOption(message, 'flags')?.flags.stateless ?? false;
          return [{ at, home: findPmipOption(message, 'ipAddress')?.address, stateless }];
        });
      }),
    run: untilMs => simulation.run(untilMs * ms),
  };
}

const text = formatAddress;
const lmas = [
  { address: text(lmaAddress), prefixes: [formatPrefix(lmaPrefix)] },
  { address: text(otherLmaAddress), prefixes: [formatPrefix(otherLmaPrefix)] },
];
const client = { insecure: true, lma: text(lmaAddress), lmas, unknownMobiles: true };

interface Placed {
  readonly lma: Node;
  readonly otherLma: Node;
  readonly mags: readonly Node[];
  readonly linkAddress: string;
}

function addRoles(options: NetlmmOptions, { lma, otherLma, mags, linkAddress }: Placed): void {
  const { lmaRole = { name: 'ha', config: {} } } = options;
  const anchor = (address: Address, prefix: typeof lmaPrefix) =>
    create(lmaRole.name, {
      address: text(address),
      prefixes: [formatPrefix(prefix)],
      insecure: true,
      ...lmaRole.config,
    });
  lma.addEngine(anchor(lmaAddress, lmaPrefix));
  otherLma.addEngine(anchor(otherLmaAddress, otherLmaPrefix));
  const at = text(options.local ? magAddresses[0] : clientAddress);
  for (const [i, mag] of mags.entries()) {
    const profile = Array.isArray(options.profile) ? options.profile[i] : options.profile;
    const profiles = [{ identity, linkAddress, prefix: formatPrefix(lmaPrefix), addressing: ['slaac'], ...profile }];
    const { insecure: _, ...local } = client;
    mag.addEngine(
      create('mag', {
        address: text(magAddresses[i]),
        accessLinks: [{ name: 'radio' }, { name: 'radio2' }],
        insecure: true,
        aaa: { profiles },
        pmipClients: [{ address: at }],
        ...(options.local && i === 0 && { pmipClient: local }),
        ...(typeof options.mag === 'function' ? options.mag(i) : options.mag),
      }),
    );
  }
}

/** Instants at which the first packet after `afterMs` was received. */
export function firstAfter(flow: FlowRecord, afterMs: number): number | undefined {
  const all = [...flow.receivedAt].filter(at => at >= afterMs * ms).sort((a, b) => a - b);
  return all[0] === undefined ? undefined : all[0] / ms;
}

/** Messages in the DATA chunks of an unprotected SCTP packet. */
function pmipIn({ payload }: Packet) {
  if (payload.kind !== 'raw' || payload.protocol !== protocol.sctp) return [];
  return decodeSctp(payload.data).chunks.flatMap(chunk => (chunk.kind === 'data' ? [decodePmip(chunk.data)] : []));
}
