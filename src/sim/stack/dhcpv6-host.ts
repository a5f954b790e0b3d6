import { DecodeError } from '../../base/errors.js';
import { type Instant, millisecond, second } from '../../base/time.js';
import { type ClientAction, Dhcpv6Client } from '../../protocol/dhcpv6/client.js';
import { duidFromLinkAddress } from '../../wire/dhcpv6/duid.js';
import { clientPort, decodeDhcpv6 } from '../../wire/dhcpv6/messages.js';
import type { UdpDatagram } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import { type Lifetimes, LocalAddress } from './addresses.js';
import type { IpInterface } from './ip-interface.js';

const infiniteLifetimeS = 0xffffffff;

/** A host's DHCPv6 client on one interface: the protocol's engine, fed by the stack (RFC 8415 §18.2). */
export class Dhcpv6Host implements EventTarget<undefined> {
  readonly #ip: IpInterface;
  readonly #client: Dhcpv6Client;
  #wanted: boolean;
  #started = false;
  /** When the event that will tick is due. */
  #tickAt: Instant = Number.POSITIVE_INFINITY;

  constructor(ip: IpInterface) {
    this.#ip = ip;
    const { node, random } = ip.stack;
    const { linkAddress, options } = ip.port;
    this.#wanted = options.dhcpv6 === 'always';
    this.#client = new Dhcpv6Client(
      {
        source: ip.linkLocal.address,
        duid: duidFromLinkAddress(linkAddress),
        iaid: 1 + node.interfaces.indexOf(ip.port),
        rapidCommit: options.rapidCommit ?? false,
        maximumInitialDelayMs: (node.options.solicitationDelay ?? 0) / millisecond,
      },
      random,
    );
  }

  /** A Router Advertisement says M, or the configuration asks for it: once, from a link-local address known to be its own. */
  start(): void {
    this.#wanted = true;
    if (this.#started || !this.#ip.linkLocal.usable) return;
    this.#started = true;
    this.#ip.stack.delivery.udp.set(clientPort, {
      onDatagram: (_packet, datagram, _hopLimit, ip) => ip?.dhcpv6?.receive(datagram),
    });
    this.#perform(this.#client.start(this.#ip.stack.now));
  }

  linkLocalReady(): void {
    if (this.#wanted) this.start();
  }

  /** RFC 8415 §18.2.3: the address may not be good on this link. */
  linkUp(): void {
    if (this.#started) this.#perform(this.#client.linkChanged(this.#ip.stack.now));
  }

  /** RFC 8415 §18.2.8. */
  decline(): void {
    this.#perform(this.#client.decline(this.#ip.stack.now));
  }

  receive(datagram: UdpDatagram): void {
    try {
      this.#perform(this.#client.receive(decodeDhcpv6(datagram.data), this.#ip.stack.now));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }

  onEvent(): void {
    const { now, alive } = this.#ip.stack;
    if (!alive || now < this.#tickAt) return;
    this.#tickAt = Number.POSITIVE_INFINITY;
    this.#perform((this.#client.deadline ?? Number.POSITIVE_INFINITY) <= now ? this.#client.tick(now) : []);
  }

  #perform(actions: readonly ClientAction[]): void {
    for (const action of actions) this.#act(action);
    const { deadline } = this.#client;
    if (deadline === undefined || deadline >= this.#tickAt) return;
    this.#tickAt = deadline;
    this.#ip.stack.queue.push(deadline, this, undefined);
  }

  #act(action: ClientAction): void {
    const { life, stack } = this.#ip;
    switch (action.kind) {
      case 'send':
        return this.#ip.sendSignalling(action.packet);
      case 'assigned': {
        const known = this.#ip.owned(action.address);
        const lifetimes = this.#lifetimes(action.preferredLifetimeS, action.validLifetimeS);
        if (known !== undefined) return life.refresh(known, lifetimes);
        const probes = this.#ip.discovers ? stack.dadTransmits : 0;
        return life.add(new LocalAddress(action.address, this.#ip, 'dhcpv6'), probes, lifetimes);
      }
      case 'lost': {
        const known = this.#ip.owned(action.address);
        return known === undefined ? undefined : life.remove(known);
      }
    }
  }

  #lifetimes(preferredLifetimeS: number, validLifetimeS: number): Lifetimes {
    const until = (s: number) => (s === infiniteLifetimeS ? Number.POSITIVE_INFINITY : this.#ip.stack.now + s * second);
    return { preferredUntil: until(preferredLifetimeS), validUntil: until(validLifetimeS) };
  }
}
