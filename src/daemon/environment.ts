import { randomFillSync } from 'node:crypto';
import type { Random } from '../base/random.js';
import type { WallClock } from '../base/time.js';
import type { Environment } from '../protocol/contract.js';

/** What this machine lends an engine: its randomness and its wall clock. */
export function hostEnvironment(): Environment {
  return { random: hostRandom(), clock: hostClock() };
}

function hostRandom(): Random {
  const words = new Uint32Array(256);
  let used = words.length;
  return {
    uint32() {
      if (used === words.length) {
        randomFillSync(words);
        used = 0;
      }
      return words[used++];
    },
  };
}

/** `Date.now` with the monotonic clock's resolution: two questions within a millisecond get different answers, a stepped clock is followed. */
function hostClock(): WallClock {
  let offsetMs = performance.timeOrigin;
  return () => {
    const monotonicMs = performance.now();
    const wallMs = Date.now();
    if (Math.abs(wallMs - (offsetMs + monotonicMs)) > 2) offsetMs = wallMs - monotonicMs;
    const nowMs = offsetMs + monotonicMs;
    const seconds = Math.floor(nowMs / 1000);
    return { seconds, nanoseconds: Math.floor((nowMs - seconds * 1000) * 1e6) };
  };
}
