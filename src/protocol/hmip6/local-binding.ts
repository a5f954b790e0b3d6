import type { Address } from '../../base/address.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Output, Via } from '../contract.js';
import { Registration } from '../mobile/registration.js';

export interface LocalBindingSettings {
  /** The MAP's address. */
  readonly map: Address;
  /** The regional care-of address, of the MAP's subnet. */
  readonly regional: Address;
  readonly lifetimeS: number;
  readonly parkOctets: number;
  /** Destinations that applications talk to from the regional address unless they choose another (RFC 4140 §6.5). */
  readonly sourceFor: readonly Prefix[];
}

/** A regional care-of address and the tunnel behind it, from the on-link address to its MAP (RFC 4140 §6.1). */
export class LocalBinding {
  readonly settings: LocalBindingSettings;
  readonly registration: Registration;
  /** It is no longer asked for: the home agent knows of another care-of address. */
  isRetired = false;
  #onLink: Address | undefined;
  #via: Via | undefined;

  constructor(settings: LocalBindingSettings, sequence: number) {
    const { map, regional, lifetimeS } = settings;
    this.settings = settings;
    this.registration = new Registration({ kind: 'map', home: regional, anchor: map, lifetimeS }, sequence);
  }

  /** Packets to and from the regional address get through: the MAP knows the present on-link address. */
  get carries(): boolean {
    return this.#via?.kind === 'tunnel';
  }

  open(outputs: Output[]): void {
    const { regional: address, sourceFor } = this.settings;
    outputs.push({ kind: 'configure', address, sourceFor });
  }

  /** A local Binding Update, unless the MAP knows already (RFC 4140 §6.1). */
  register(onLink: Address, limit: Instant, now: Instant, outputs: Output[]): void {
    this.registration.resume();
    if (this.registration.isToldOf(onLink) && !this.registration.isRefreshDue(now)) return;
    this.registration.register(onLink, limit, now, outputs);
  }

  /** Puts the tunnel where the mobile is; what is sent from the regional address waits until the MAP has answered. */
  settle(onLink: Address | undefined, outputs: Output[]): void {
    if (this.#onLink !== onLink) {
      if (this.#onLink !== undefined) outputs.push({ kind: 'unadmit', end: this.#end(this.#onLink) });
      if (onLink !== undefined) outputs.push({ kind: 'admit', end: this.#end(onLink) });
    }
    const isThere = onLink !== undefined && this.registration.isBoundTo(onLink);
    const kind = isThere ? 'tunnel' : 'park';
    if (this.#via?.kind !== kind || (isThere && this.#onLink !== onLink)) {
      this.#via = isThere
        ? { kind: 'tunnel', local: onLink, remote: this.settings.map }
        : { kind: 'park', limitOctets: this.settings.parkOctets };
      outputs.push({ kind: 'forward', rule: { from: this.#regional, via: this.#via } });
    }
    this.#onLink = onLink;
  }

  close(outputs: Output[]): void {
    this.settle(undefined, outputs);
    outputs.push({ kind: 'unforward', from: this.#regional });
    outputs.push({ kind: 'unconfigure', address: this.settings.regional });
  }

  #end(onLink: Address) {
    return { local: onLink, remote: this.settings.map, to: this.#regional };
  }

  get #regional(): Prefix {
    return hostPrefix(this.settings.regional);
  }
}
