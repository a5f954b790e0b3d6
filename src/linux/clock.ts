import { randomFillSync } from 'node:crypto';
import { type Instant, second, type WallTime } from '../base/time.js';
import type { Environment } from '../protocol/contract.js';

const origin = process.hrtime.bigint();

/** Nanoseconds of the monotonic clock since this process began. */
export function monotonicNow(): Instant {
  return Number(process.hrtime.bigint() - origin);
}

/** What this machine lends its engines: the kernel's randomness, and its wall clock as it is adjusted. */
export function hostEnvironment(): Environment {
  const numbers = new Uint32Array(256);
  let used = numbers.length;
  return {
    random: {
      uint32() {
        if (used === numbers.length) {
          randomFillSync(numbers);
          used = 0;
        }
        return numbers[used++];
      },
    },
    clock: wallTimeAt,
  };
}

/** Date.now() counts milliseconds; what `now` adds to it is exact. */
function wallTimeAt(now: Instant): WallTime {
  const milliseconds = Date.now();
  const nanoseconds = (milliseconds % 1000) * 1_000_000 + (now - monotonicNow());
  const carry = Math.floor(nanoseconds / second);
  return { seconds: Math.floor(milliseconds / 1000) + carry, nanoseconds: nanoseconds - carry * second };
}
