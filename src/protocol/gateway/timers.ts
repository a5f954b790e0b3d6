import type { LinkAddress } from '../../base/link-address.js';
import type { LinkId } from '../contract.js';
import type { State } from './transitions.js';
import { stationKey, type Visitor } from './visitor.js';

/** What a gateway waits for. */
export type TimerName =
  /** AAA's answer. */
  | 'access'
  /** The anchor's answer. */
  | 'retransmit'
  | 'refresh'
  | 'expire'
  /** To try a refused registration again, or to forget a rejected station. */
  | 'retry'
  /** To give up a station that left. */
  | 'linger'
  /** The next unsolicited Router Advertisement. */
  | 'advertise'
  /** A station's answer to a probe. */
  | 'probe';

/** `NAME ID` of a visitor, or `quiet STATION`. */
export type TimerKey = `${TimerName} ${number}` | `quiet ${string}`;

export function timerKey(name: TimerName, visitor: Visitor): TimerKey {
  return `${name} ${visitor.id}`;
}

/** While it stands, what a station that left said before arrives late and means nothing. */
export function quietKey(link: LinkId, station: LinkAddress): TimerKey {
  return `quiet ${stationKey(link, station)}`;
}

/** The timers a visitor may have, state by state; entering a state stops the others. */
export const timersOf: Readonly<Record<State, readonly TimerName[]>> = {
  authenticating: ['access', 'expire'],
  registering: ['retransmit', 'expire', 'probe'],
  awaitingAddress: ['retransmit', 'advertise'],
  registered: ['retransmit', 'refresh', 'expire', 'advertise', 'probe'],
  refused: ['retry'],
  leaving: ['linger', 'expire'],
  yielding: ['linger'],
  deregistering: ['retransmit'],
  gone: [],
};
export const timerNames: readonly TimerName[] = [
  'access',
  'retransmit',
  'refresh',
  'expire',
  'retry',
  'linger',
  'advertise',
  'probe',
];
