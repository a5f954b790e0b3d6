import { isGroupLinkAddress, type LinkAddress } from '../base/link-address.js';
import type { Instant } from '../base/time.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { Frame, type Link } from './link.js';
import type { Node } from './node.js';
import type { InterfaceOptions } from './options.js';
import type { IpInterface } from './stack/ip-interface.js';
import type { DropReason } from './trace.js';

/** A node's end of a link: what remains when the node's stack crashes. */
export class Interface {
  readonly node: Node;
  readonly name: string;
  readonly linkAddress: LinkAddress;
  readonly options: InterfaceOptions;
  /** Undefined while between links. */
  link: Link | undefined;
  /** The stack's side; replaced at a restart. Undefined while the node is down. */
  ip: IpInterface | undefined;
  /** When what was queued here has left. */
  busyUntil: Instant = 0;
  /** Whether it has ever been on a link. */
  wasAttached = false;
  /** Counts moves, so that a later one overtakes an earlier one's arrival. */
  movements = 0;

  constructor(node: Node, linkAddress: LinkAddress, options: InterfaceOptions) {
    this.node = node;
    this.name = options.name;
    this.linkAddress = linkAddress;
    this.options = options;
  }

  send(destination: LinkAddress, packet: Packet, hopLimit: number, octets: number): void {
    const link = this.link;
    if (link === undefined) this.node.simulation.dropped(this.node, 'detached', packet, undefined);
    else link.transmit(new Frame(this, destination, packet, hopLimit, octets));
  }

  receive(frame: Frame): void {
    const ip = this.ip;
    if (ip === undefined) return this.#dropped('down', frame);
    if (frame.destination !== this.linkAddress && !ip.served && !isGroupLinkAddress(frame.destination)) return;
    ip.stack.receive(ip, frame.source, frame.packet, frame.hopLimit, frame.octets);
  }

  #dropped(reason: DropReason, { packet }: Frame): void {
    this.node.simulation.dropped(this.node, reason, packet, this.link?.name);
  }
}
