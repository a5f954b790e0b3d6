import { HostError } from '../base/errors.js';

/** How packets are put into tunnels: by routes with seg6 encapsulation, or by routes over an `ip6tnl external` device. */
export type TunnelMechanism = 'seg6' | 'ip6tnl';

const inOrderOfPreference: readonly TunnelMechanism[] = ['seg6', 'ip6tnl'];

/**
 * What `prepare` makes of the mechanism that was asked for, or with `auto` of the first that the kernel does not refuse.
 * `refused` hears of those before it. Throws the first refusal where nothing is left to try.
 */
export function chooseTunnels<T>(
  wanted: 'auto' | TunnelMechanism,
  prepare: (mechanism: TunnelMechanism) => T,
  refused: (mechanism: TunnelMechanism, error: HostError) => void,
): T {
  let failure: HostError | undefined;
  for (const mechanism of wanted === 'auto' ? inOrderOfPreference : [wanted]) {
    try {
      return prepare(mechanism);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      refused(mechanism, error);
      failure ??= error;
    }
  }
  throw failure;
}
