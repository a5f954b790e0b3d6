import type { Address } from '../base/address.js';
import type { LabMove, ProbePacket } from './probe.js';

/** The tunnels on the way of a packet, in order, as `anchor2 > ar2`; none: it went plainly. */
export type TunnelPath = readonly string[];

/** Packets from the correspondent, of those that reached the mobile after a move the first and the last: what route optimisation changes. */
export interface DownlinkPaths {
  readonly first: TunnelPath;
  readonly last: TunnelPath;
}

/** Of each move, undefined where nothing reached the mobile before the next. `wires`: what all of them carried. */
export function downlinkPaths(
  moves: readonly LabMove[],
  seen: { readonly mobile: readonly ProbePacket[]; readonly wires: readonly ProbePacket[] },
  nameOf: (address: Address) => string,
): (DownlinkPaths | undefined)[] {
  const down = seen.mobile.filter(({ direction }) => direction === 'down');
  return moves.map((move, i) => {
    const endMs = moves[i + 1]?.downMs ?? Number.POSITIVE_INFINITY;
    const arrived = down.filter(({ timeMs }) => timeMs >= move.upMs && timeMs < endMs);
    if (arrived.length === 0) return undefined;
    const path = ({ sequence }: ProbePacket) => tunnelsOf(sequence, seen.wires, nameOf);
    return { first: path(arrived[0]), last: path(arrived[arrived.length - 1]) };
  });
}

function tunnelsOf(sequence: number, wires: readonly ProbePacket[], nameOf: (address: Address) => string): TunnelPath {
  const sightings = wires.filter(
    packet => packet.direction === 'down' && packet.sequence === sequence && packet.tunnel,
  );
  sightings.sort((a, b) => a.timeMs - b.timeMs);
  return [...new Set(sightings.map(({ tunnel }) => `${nameOf(tunnel!.from)} > ${nameOf(tunnel!.to)}`))];
}
