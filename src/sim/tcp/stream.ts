/** A prime, so that octets repeat in no step that segments have. */
const period = 65_521;
const longest = 2048;

/** What every transfer sends: an octet tells where in the stream it stands. */
const stream = Uint8Array.from({ length: period + longest }, (_, i) => {
  const at = i % period;
  return at ^ (at >> 8);
});

/** `length` octets, at most 2048, from `offset` on. */
export function streamOctets(offset: number, length: number): Uint8Array {
  const start = offset % period;
  return stream.subarray(start, start + length);
}
