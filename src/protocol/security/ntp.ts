import { second, type WallTime } from '../../base/time.js';

/** A 64-bit NTP timestamp (RFC 1305): seconds since 1900 modulo 2^32, and a fraction in units of 2^-32 s. */
export interface NtpTime {
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
}

/** From 1900 to 1970. */
const epochDifferenceS = 2_208_988_800;

export function ntpTime(wall: WallTime): NtpTime {
  return {
    ntpSeconds: (wall.seconds + epochDifferenceS) >>> 0,
    ntpFraction: Math.floor((wall.nanoseconds / second) * 0x1_0000_0000),
  };
}

/** `time` moved by whole seconds. */
export function ntpShifted(time: NtpTime, byS: number): NtpTime {
  return { ntpSeconds: (time.ntpSeconds + byS) >>> 0, ntpFraction: time.ntpFraction };
}

/** Seconds from `b` to `a`; right across the wrap of 2036 for what lies within 68 years. */
export function ntpDifferenceS(a: NtpTime, b: NtpTime): number {
  return ((a.ntpSeconds - b.ntpSeconds) | 0) + (a.ntpFraction - b.ntpFraction) / 0x1_0000_0000;
}

/** Whether `a` is later than `b`. */
export function ntpAfter(a: NtpTime, b: NtpTime): boolean {
  const whole = (a.ntpSeconds - b.ntpSeconds) | 0;
  return whole > 0 || (whole === 0 && a.ntpFraction > b.ntpFraction);
}

export function ntpNext(time: NtpTime): NtpTime {
  if (time.ntpFraction < 0xffff_ffff) return { ntpSeconds: time.ntpSeconds, ntpFraction: time.ntpFraction + 1 };
  return { ntpSeconds: (time.ntpSeconds + 1) >>> 0, ntpFraction: 0 };
}

/** A primitive that is equal for equal times. */
export function ntpKey(time: NtpTime): string {
  return `${time.ntpSeconds}.${time.ntpFraction}`;
}
