import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Instant } from '../../base/time.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { linkLayerAddressCode as code } from '../../wire/mobility/status.js';
import type { LinkId, Output } from '../contract.js';
import { linkLayer } from './neighbourhood.js';
import { Attempts } from './timing.js';

/** Whom a mobile node asks, and about what. */
export interface ProxyQuestion {
  readonly link: LinkId;
  readonly source: Address;
  readonly linkAddress: LinkAddress | undefined;
  readonly router: Address;
  /** Undefined: all that the router knows. */
  readonly accessPoint: LinkAddress | undefined;
}

/** Router Solicitations for Proxy Advertisement (RFC 5568 §6.1.1). */
export class ProxySolicitation {
  readonly #attempts = new Attempts();
  #identifier: number;
  #question: ProxyQuestion | undefined;

  constructor(identifier: number) {
    this.#identifier = identifier & 0xffff;
  }

  get deadline(): Instant | undefined {
    return this.#attempts.deadline;
  }

  ask(question: ProxyQuestion, now: Instant, outputs: Output[]): void {
    this.#identifier = (this.#identifier + 1) & 0xffff;
    // Zero is that of advertisements that nobody asked for.
    if (this.#identifier === 0) this.#identifier = 1;
    this.#question = question;
    this.#attempts.start(now);
    this.#send(question, outputs);
  }

  stop(): void {
    this.#attempts.stop();
  }

  /** Whether an advertisement answers; it is waited for no more then. */
  isAnsweredBy(identifier: number): boolean {
    if (!this.#attempts.pending || identifier !== this.#identifier) return false;
    this.#attempts.stop();
    return true;
  }

  tick(now: Instant, outputs: Output[]): void {
    if (this.#attempts.due(now) === 'again' && this.#question) this.#send(this.#question, outputs);
  }

  #send({ link, source, linkAddress, router, accessPoint }: ProxyQuestion, outputs: Output[]): void {
    const options: NeighbourOption[] = linkAddress === undefined ? [] : [linkLayer(code.source, linkAddress)];
    options.push(
      accessPoint === undefined ? linkLayer(code.wildcard, anyone) : linkLayer(code.newAccessPoint, accessPoint),
    );
    const message = {
      kind: 'routerSolicitationForProxyAdvertisement',
      code: 0,
      identifier: this.#identifier,
      options,
    } as const;
    const packet = { source, destination: router, hopLimit: 255, payload: { kind: 'icmpv6', message } } as const;
    outputs.push({ kind: 'send', packet, link });
  }
}

const anyone = '\0\0\0\0\0\0' as LinkAddress;
