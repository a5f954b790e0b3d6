import { allDhcpRelayAgentsAndServers, formatAddress, parseAddress } from '../../src/base/address.js';
import { type LinkAddress, linkLocalAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { seededRandom } from '../../src/base/random.js';
import { parsed } from '../../src/protocol/config.js';
import type { Engine, Input, Output, StoredRecord } from '../../src/protocol/contract.js';
import { Dhcpv6Client } from '../../src/protocol/dhcpv6/client.js';
import { serverConfig } from '../../src/protocol/dhcpv6/config.js';
import { relayedAnswer, relayForward } from '../../src/protocol/dhcpv6/relay.js';
import { Dhcpv6Server } from '../../src/protocol/dhcpv6/server.js';
import { duidFromLinkAddress } from '../../src/wire/dhcpv6/duid.js';
import {
  type ClientServerMessage,
  type Dhcpv6Message,
  decodeDhcpv6,
  encodeDhcpv6,
  serverPort,
} from '../../src/wire/dhcpv6/messages.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { environment, sent } from './signalling.js';

export const serverAddress = parseAddress('fd00::547');
export const relay = parseAddress('fd00::1');
/** On the first pool's prefix. */
export const lnp = parseAddress('fd00:1::1');

export const station = (n: number): LinkAddress =>
  parseLinkAddress(`02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`);

/** A server with its store, which a restart keeps. */
export class ServerBench {
  readonly #config: unknown;
  readonly store = new Map<string, unknown>();
  server: Engine;

  constructor(config: Record<string, unknown> = {}) {
    this.#config = { address: 'fd00::547', pools: [{ prefix: 'fd00:1::/64' }, { prefix: 'fd00:2::/64' }], ...config };
    this.server = this.#made();
  }

  #made(): Engine {
    const result = parsed(serverConfig, this.#config);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return new Dhcpv6Server(result.config, environment());
  }

  /** kill -9 and start again. */
  restart(now: number): void {
    this.server = this.#made();
    const records: StoredRecord[] = [...this.store].map(([key, value]) => ({
      key,
      value: JSON.parse(JSON.stringify(value)) as unknown,
    }));
    this.handle({ kind: 'restored', records }, now);
  }

  handle(input: Input, now: number): Output[] {
    const outputs = this.server.handle(input, now);
    for (const output of outputs)
      if (output.kind === 'store') {
        if (output.value === undefined) this.store.delete(output.key);
        else this.store.set(output.key, output.value);
      }
    return outputs;
  }

  get leases(): Map<string, string> {
    return new Map([...this.server.views.leases()].map(row => [String(row.address), String(row.state)]));
  }

  /** The answer to a client's message that came through a relay agent. */
  relayed(
    message: Dhcpv6Message,
    now: number,
    client: { station?: LinkAddress; identity?: string; linkAddress?: typeof lnp } = {},
  ): ClientServerMessage | undefined {
    const forward = relayForward(message, {
      linkAddress: lnp,
      link: 'wlan0',
      peer: linkLocalAddress(station(1)),
      ...client,
    });
    if (!forward) return undefined;
    const [packet] = sent(this.handle(datagram(forward), now));
    const answer = packet && relayedAnswer(messageIn(packet));
    return answer?.message as ClientServerMessage | undefined;
  }
}

/** A packet to the server's port. */
export function datagram(message: Dhcpv6Message, source = relay, destination = serverAddress): Input {
  const payload = {
    kind: 'udp',
    sourcePort: serverPort,
    destinationPort: serverPort,
    data: encodeDhcpv6(message),
  } as const;
  return { kind: 'packet', packet: { source, destination, hopLimit: 64, payload } };
}

export function messageIn(packet: Packet): Dhcpv6Message {
  if (packet.payload.kind !== 'udp') throw new Error('no UDP');
  return decodeDhcpv6(packet.payload.data);
}

/** A client and what it said and was told, by itself: deliver its messages by hand. */
export class ClientBench {
  readonly station: LinkAddress;
  readonly client: Dhcpv6Client;
  readonly events: string[] = [];
  readonly messages: ClientServerMessage[] = [];

  constructor(n = 1, options: { rapidCommit?: boolean; maximumInitialDelayMs?: number } = {}) {
    this.station = station(n);
    const source = linkLocalAddress(this.station);
    const duid = duidFromLinkAddress(this.station);
    const parameters = { source, duid, iaid: 1, rapidCommit: false, maximumInitialDelayMs: 0, ...options };
    this.client = new Dhcpv6Client(parameters, seededRandom(n));
  }

  /** Runs `what` of the client; the messages it sends are returned. */
  do(what: (client: Dhcpv6Client) => ReturnType<Dhcpv6Client['tick']>): ClientServerMessage[] {
    const said: ClientServerMessage[] = [];
    for (const action of what(this.client)) {
      if (action.kind === 'send') {
        if (action.packet.destination !== allDhcpRelayAgentsAndServers) throw new Error('not multicast');
        said.push(messageIn(action.packet) as ClientServerMessage);
      } else this.events.push(`${action.kind} ${formatAddress(action.address)}`);
    }
    this.messages.push(...said);
    return said;
  }

  /** Lets client and server talk until neither says more at `now`. */
  talk(
    bench: ServerBench,
    what: (client: Dhcpv6Client) => ReturnType<Dhcpv6Client['tick']>,
    now: number,
    on: { identity?: string; linkAddress?: typeof lnp } = {},
  ): void {
    const said = this.do(what);
    for (const message of said) {
      const answer = bench.relayed(message, now, { station: this.station, ...on });
      if (answer) this.talk(bench, client => client.receive(answer, now), now, on);
    }
  }

  get address(): string | undefined {
    return this.client.address && formatAddress(this.client.address);
  }
}
