import { type Address, isIpv4Mapped, unspecified } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { maskAddress } from '../base/prefix.js';
import { tunnelEndKey } from '../protocol/rules.js';
import { errno } from './ffi/libc.js';
import type { ForwardingOutput } from './forwarding.js';
import type { AdmittedEnd } from './tunnel-end-check.js';

/** Tunnel ends that stand. */
export class AdmittedEnds {
  readonly #ends = new Map<string, AdmittedEnd>();
  /** Of prefixes that routing headers ever led to. */
  readonly #routedLengths = new Set<number>();

  values(): Iterable<AdmittedEnd> {
    return this.#ends.values();
  }

  clear(): void {
    this.#ends.clear();
  }

  /** What changes; an end that tells more of its packets than before, or less, is in both. Throws HostError. */
  apply(outputs: readonly ForwardingOutput[]): { admitted: AdmittedEnd[]; refused: AdmittedEnd[] } {
    const stood = new Map<string, AdmittedEnd | undefined>();
    for (const output of outputs) {
      if (output.kind !== 'admit' && output.kind !== 'unadmit') continue;
      const key = tunnelEndKey(output.end);
      if (!stood.has(key)) stood.set(key, this.#ends.get(key));
      if (output.kind === 'admit') this.#ends.set(key, this.#possible(output));
      else this.#ends.delete(key);
    }
    const changed = [...stood]
      .map(([key, before]) => ({ before, after: this.#ends.get(key) }))
      .filter(({ before, after }) => !before || !after || before.intercepted !== after.intercepted);
    return {
      admitted: changed.flatMap(({ after }) => after ?? []),
      refused: changed.flatMap(({ before }) => before ?? []),
    };
  }

  /** Whether the kernel takes what comes to `local` through a routing header for `home` on to there. */
  leadsOn(local: Address, home: Address): boolean {
    return [...this.#routedLengths].some(length => {
      const to = { address: maskAddress(home, length), length };
      return this.#ends.has(tunnelEndKey({ by: 'routingHeader', local, remote: unspecified, to }));
    });
  }

  #possible({ end, intercepted }: Extract<ForwardingOutput, { kind: 'admit' }>): AdmittedEnd {
    const { by, local, to } = end;
    if (by === 'homeAddressOption')
      throw new HostError('admit', errno.EOPNOTSUPP, 'Home Address options are not supported on Linux yet');
    if (by === 'routingHeader') this.#routedLengths.add(end.to.length);
    if (!intercepted) return end;
    if (isIpv4Mapped(local) || to === undefined || by === 'routingHeader')
      throw new HostError('admit', errno.EOPNOTSUPP, 'on Linux what was intercepted comes in IPv6, by its destination');
    return { ...end, intercepted };
  }
}
