import { wallClockFrom } from '../base/time.js';
import { encodeFrame } from '../wire/ethernet.js';
import { linkType } from '../wire/pcapng/blocks.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../wire/pcapng/writer.js';
import type { Frame, Link } from './link.js';
import type { Simulation } from './simulation.js';

/** Every frame that some links take, as a pcapng file with an interface for each link. Bytes are made only here. */
export class Capture {
  /** Frames captured. */
  frames = 0;
  readonly #parts: Uint8Array[];

  /** From now on. All links of the simulation where none are named. */
  constructor(simulation: Simulation, links: readonly Link[] = [...simulation.links.values()]) {
    const clock = wallClockFrom(simulation.epochS);
    this.#parts = [pcapngHeader(links.map(({ name }) => ({ name, linkType: linkType.ethernet })))];
    links.forEach((link, index) => {
      link.tap((frame, at, moment) => {
        if (moment !== 'sent') return;
        this.frames++;
        this.#parts.push(pcapngPacket(index, clock(at), encodeFrame(visible(frame))));
      });
    });
  }

  /** The file as it stands. */
  bytes(): Uint8Array {
    return concatenate(this.#parts);
  }
}

/** The frame with the hop limit it has on this link. */
function visible({ source, destination, packet, hopLimit }: Frame) {
  return { source, destination, packet: hopLimit === packet.hopLimit ? packet : { ...packet, hopLimit } };
}
