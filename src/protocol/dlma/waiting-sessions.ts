import { formatAddress } from '../../base/address.js';
import { formatPrefix, type Prefix, prefixEquals } from '../../base/prefix.js';
import type { SessionRequest } from '../anchor/sessions.js';
import type { Row } from '../contract.js';

/** A session that begins when location management says so. */
export interface WaitingSession {
  readonly identity: string;
  readonly key: string;
  /** The gateway's latest. */
  request: SessionRequest;
  /** What location management is asked about; empty: any. */
  homes: readonly Prefix[];
  /** When the mobile came to the gateway whose request that is. */
  timestampMs: number;
  /** When it went to another D-LMA, as that one says. */
  overtakenMs: number;
  /** Nobody waits any more; location management does not know that yet. */
  over: boolean;
}

/** Sessions of mobiles that wait: one of an interface. */
export class WaitingSessions {
  readonly #byIdentity = new Map<string, WaitingSession[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Generator<WaitingSession> {
    for (const sessions of this.#byIdentity.values()) yield* sessions;
  }

  of(identity: string): readonly WaitingSession[] {
    return this.#byIdentity.get(identity) ?? [];
  }

  find(request: SessionRequest): WaitingSession | undefined {
    const key = keyOf(request);
    return this.of(request.identity).find(session => session.key === key);
  }

  add(request: SessionRequest, timestampMs: number): WaitingSession {
    const { identity, homes } = request;
    const key = keyOf(request);
    const session = { identity, key, request, homes, timestampMs, overtakenMs: 0, over: false };
    this.#byIdentity.set(identity, [...this.of(identity), session]);
    this.#size++;
    return session;
  }

  remove(session: WaitingSession): void {
    if (session.over) return;
    session.over = true;
    this.#size--;
    const others = this.of(session.identity).filter(other => other !== session);
    if (others.length > 0) this.#byIdentity.set(session.identity, others);
    else this.#byIdentity.delete(session.identity);
  }
}

/** An interface of a mobile has one session (RFC 5213 §5.4.1.2); one that does not say which it is, one for each home. */
function keyOf({ update, homes }: SessionRequest): string {
  const { accessTechnology, linkIdentifier } = update.options;
  return `${accessTechnology} ${linkIdentifier ?? homes.map(({ address }) => address).join()}`;
}

/** Whether those are the same homes, in whatever order. */
export function isSame(some: readonly Prefix[], others: readonly Prefix[]): boolean {
  return some.length === others.length && some.every(home => others.some(other => prefixEquals(home, other)));
}

export function* waitingRows(sessions: WaitingSessions): Generator<Row> {
  for (const { identity, homes, request } of sessions)
    yield { identity, home: homes.map(formatPrefix).join(' '), careOf: formatAddress(request.update.careOf) };
}
