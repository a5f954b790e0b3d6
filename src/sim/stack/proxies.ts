import { type Address, allNodes } from '../../base/address.js';
import type { EngineHost } from '../engine-host.js';
import { LocalAddress } from './addresses.js';
import type { IpInterface } from './ip-interface.js';
import { neighbourAdvertisement } from './messages.js';

/** Addresses for which a router stands in on one of its links (RFC 6275 §10.4.1, RFC 4861 §7.2.8). */
export class Proxies {
  readonly #ip: IpInterface;
  readonly #asked = new Map<Address, EngineHost>();

  constructor(ip: IpInterface) {
    this.#ip = ip;
  }

  /** The engine hears of the outcome where it had the address probed for. */
  add(address: Address, detect: boolean, host: EngineHost): void {
    if (detect) this.#asked.set(address, host);
    const owned = this.#ip.owned(address);
    if (owned !== undefined) return owned.underTest ? undefined : this.#answer(address, owned.origin === 'proxy');
    // A router probes for others even where it never does for itself (RFC 6275 §10.3.1).
    const probes = detect && this.#ip.discovers ? 1 : 0;
    this.#ip.life.add(new LocalAddress(address, this.#ip, 'proxy'), probes);
  }

  remove(address: Address): void {
    this.#asked.delete(address);
    const local = this.#ip.owned(address);
    if (local?.origin === 'proxy') this.#ip.life.remove(local);
  }

  assigned({ address }: LocalAddress): void {
    const { linkAddress } = this.#ip.port;
    const source = this.#ip.linkLocal.address;
    this.#ip.sendSignalling(
      neighbourAdvertisement({ source, destination: allNodes, target: address, linkAddress, router: false }),
    );
    this.#answer(address, true);
  }

  duplicate(local: LocalAddress): void {
    this.#ip.life.remove(local);
    this.#answer(local.address, false);
  }

  #answer(address: Address, unique: boolean): void {
    const host = this.#asked.get(address);
    this.#asked.delete(address);
    // After what is going on now, which may be the engine's own turn.
    if (host !== undefined)
      this.#ip.stack.after(0, () => host.handle({ kind: 'proxied', link: this.#ip.port.name, address, unique }));
  }
}
