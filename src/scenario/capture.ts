import { wallClockFrom } from '../base/time.js';
import type { Simulation } from '../sim/index.js';
import { encodeFrame } from '../wire/ethernet.js';
import { linkType } from '../wire/pcapng/blocks.js';
import { pcapngHeader, pcapngPacket } from '../wire/pcapng/writer.js';

/** Takes the bytes of a file in order. They are valid during the call only. */
export type CaptureSink = (bytes: Uint8Array) => void;

/** Writes every frame that any link takes as pcapng, an interface a link: octets as on an Ethernet, checksums right. */
export function captureLinks(simulation: Simulation, write: CaptureSink, epochS = captureEpochS): void {
  const links = [...simulation.links.values()];
  const clock = wallClockFrom(epochS);
  write(pcapngHeader(links.map(({ name }) => ({ name, linkType: linkType.ethernet }))));
  for (const [index, link] of links.entries())
    link.tap((frame, at, moment) => {
      if (moment !== 'sent') return;
      const { source, destination, hopLimit } = frame;
      const packet = { ...frame.packet, hopLimit };
      write(pcapngPacket(index, clock(at), encodeFrame({ source, destination, packet })));
    });
}

/** 2026-01-01T00:00:00Z: what the simulation's wall clocks show at instant 0. */
const captureEpochS = 1_767_225_600;
