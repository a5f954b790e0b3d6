import type { Random } from '../../base/random.js';
import type { Instant } from '../../base/time.js';
import type { Chunk, ChunkOf } from '../../wire/sctp/chunks.js';
import { sctpServices } from '../../wire/sctp/services.js';
import { causeCode, parameterType, type Tlv } from '../../wire/sctp/tlv.js';
import type { Association } from './association.js';
import { CookieJar, type StateCookie } from './cookie.js';
import { initiation, newTag, unknownParameters } from './initiation.js';
import { maximumAssociations, type SctpTiming } from './settings.js';
import type { Parties } from './states.js';

const nothing = new Uint8Array(0);

interface Answer {
  readonly tag: number;
  readonly chunks: readonly Chunk[];
}

type CookieVerdict =
  | { readonly kind: 'discard' }
  | ({ readonly kind: 'answer' } & Answer)
  /** The association there is goes on. */
  | { readonly kind: 'existing' }
  /** A new one, in place of the one there is. */
  | { readonly kind: 'new'; readonly cookie: StateCookie };

const discard = { kind: 'discard' } as const;
const existingGoesOn = { kind: 'existing' } as const;

/** The passive side of the four-way handshake (RFC 9260 §5.1, §5.2): answers INITs and remembers nothing but a key. */
export class Handshake {
  readonly #timing: SctpTiming;
  readonly #random: Random;
  readonly #cookies: CookieJar;

  constructor(timing: SctpTiming, random: Random) {
    this.#timing = timing;
    this.#random = random;
    this.#cookies = new CookieJar(random);
  }

  /** INIT ACK, whatever association there is (§5.2.1, §5.2.2), or why not. */
  initReceived(
    { service, peer }: Parties,
    init: ChunkOf<'init'>,
    existing: Association | undefined,
    associations: number,
    now: Instant,
  ): Answer {
    const { tag } = init;
    const refused = (type: number) => ({
      tag,
      chunks: [{ kind: 'abort', reflected: false, causes: [{ type, data: nothing }] }] as const,
    });
    // §9.2: it is closing; its peer has to know before it may begin anew.
    if (existing?.state === 'shutdownAckSent') return { tag: existing.peerTag, chunks: [{ kind: 'shutdownAck' }] };
    if (init.inboundStreams === 0 || init.outboundStreams === 0) return refused(causeCode.invalidParameter);
    if (!existing && associations >= maximumAssociations) return refused(causeCode.outOfResource);
    const own = this.#ownPart(existing);
    const cookie = {
      ...own,
      port: sctpServices[service].port,
      peer,
      peerTag: tag,
      peerTsn: init.tsn,
      peerWindow: init.window,
    };
    const parameters: Tlv[] = [{ type: parameterType.stateCookie, data: this.#cookies.sign(cookie, now) }];
    for (const data of unknownParameters(init.parameters)) parameters.push({ type: parameterType.unrecognised, data });
    return { tag, chunks: [{ kind: 'initAck', ...initiation(own.localTag, own.localTsn), parameters }] };
  }

  /** In a collision what the own INIT said (§5.2.1), else a new beginning that knows of what was before (§5.2.2). */
  #ownPart(existing: Association | undefined) {
    const isNew = existing?.state === 'cookieWait' || existing?.state === 'cookieEchoed';
    const tied = existing !== undefined && existing.state !== 'cookieWait';
    return {
      localTag: isNew ? existing.localTag : newTag(this.#random),
      localTsn: isNew ? existing.localTsn : this.#random.uint32(),
      localTieTag: tied ? existing.localTag : 0,
      peerTieTag: tied ? existing.peerTag : 0,
    };
  }

  /** §5.1.5, §5.2.4: the cookie is ours, of this peer, and not too old; then Table 12 says what it means. */
  cookieEchoed(
    { service, peer }: Parties,
    octets: Uint8Array,
    tag: number,
    existing: Association | undefined,
    now: Instant,
  ): CookieVerdict {
    const cookie = this.#cookies.open(octets);
    if (cookie?.peer !== peer || cookie.port !== sctpServices[service].port || cookie.localTag !== tag) return discard;
    const localMatches = cookie.localTag === existing?.localTag;
    const peerMatches = cookie.peerTag === existing?.peerTag;
    if (this.#cookies.age(cookie, now) > this.#timing.validCookieLife && !(localMatches && peerMatches))
      return answer(cookie.peerTag, [{ type: causeCode.staleCookie, data: new Uint8Array(4) }]);
    if (!existing) return { kind: 'new', cookie };
    return tableTwelve(cookie, existing, localMatches, peerMatches, now);
  }
}

function tableTwelve(
  cookie: StateCookie,
  existing: Association,
  localMatches: boolean,
  peerMatches: boolean,
  now: Instant,
): CookieVerdict {
  if (localMatches && peerMatches) {
    // Action D.
    existing.establishIfEchoed(now);
    existing.acknowledgeCookie();
    return existingGoesOn;
  }
  if (localMatches) {
    // Action B. Once established, another tag of the peer means that it knows nothing of what it was sent: as A.
    if (existing.state !== 'cookieWait' && existing.state !== 'cookieEchoed') return { kind: 'new', cookie };
    existing.adopt(cookie, now);
    return existingGoesOn;
  }
  const tied = cookie.localTieTag === existing.localTag && cookie.peerTieTag === existing.peerTag;
  if (peerMatches || !tied) return discard;
  // Action A.
  if (existing.state === 'shutdownAckSent')
    return answer(cookie.peerTag, [{ type: causeCode.cookieWhileShuttingDown, data: nothing }], {
      kind: 'shutdownAck',
    });
  return { kind: 'new', cookie };
}

function answer(tag: number, causes: readonly Tlv[], ...before: Chunk[]): CookieVerdict {
  return { kind: 'answer', tag, chunks: [...before, { kind: 'error', causes }] };
}
