import { type Address, formatAddress, tryParseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesEqual } from '../../base/text.js';
import { type Instant, seconds } from '../../base/time.js';
import { defaultHopLimit, type Packet, type UdpDatagram } from '../../wire/ipv6/packet.js';
import { type RadiusAttribute, vendorSpecific } from '../../wire/radius/attributes.js';
import { encodeAnswer, isAuthenticRequest } from '../../wire/radius/authentication.js';
import { decodeRadius, type RadiusMessage, radiusPort } from '../../wire/radius/messages.js';
import type { Engine, Environment, Input, Output, Row, StoredRecord } from '../contract.js';
import { Recent } from '../security/recent.js';
import { Directory } from './directory.js';
import { IssuedKeysMemory } from './issued-keys.js';
import { asksForKeys, type KeyQuestion, keysAttributes, questionOf } from './key-attributes.js';
import { applicantOf, profileAttributes } from './profile-attributes.js';
import type { ServedClient, ServerConfig } from './server-config.js';

/** How long an answer is kept for who asks again (RFC 5080 §2.2.2). */
const remembered = seconds(30);

const accessPrefix = 'access/';

const discardCauses = ['discardedUnknownClient', 'discardedUnauthentic', 'discardedMalformed'] as const;

/** What the server says to one request. */
type Verdict =
  | { readonly kind: 'accepted'; readonly attributes: RadiusAttribute[]; readonly outputs: Output[] }
  | { readonly kind: 'rejected'; readonly reason: string; readonly identity?: string };

/**
 * The local AAA server (draft-singh §2, Appendix C) over RADIUS: it knows the mobiles, says which stations have access, and makes
 * the keys that PMIP clients and anchors protect registrations with.
 */
export class AaaServer implements Engine {
  readonly interests = { protocols: [], accessLinks: [], udpPorts: [radiusPort] };
  readonly views: Engine['views'];
  readonly #config: ServerConfig;
  readonly #clients: ReadonlyMap<Address, ServedClient>;
  readonly #directory: Directory;
  readonly #mobiles: ReadonlyMap<string, ServerConfig['mobiles'][number]>;
  readonly #keys: IssuedKeysMemory;
  /** Gateways that a mobile was given access through. */
  readonly #gateways = new Map<string, Set<Address>>();
  readonly #answers = new Recent<{ readonly authenticator: Uint8Array; readonly packet: Packet }>(remembered);
  readonly #counters = {
    requests: 0,
    repeated: 0,
    accepted: 0,
    rejected: 0,
    keysIssued: 0,
    keysTold: 0,
    discardedUnknownClient: 0,
    discardedUnauthentic: 0,
    discardedMalformed: 0,
  };

  constructor(config: ServerConfig, environment: Environment) {
    this.#config = config;
    this.#clients = new Map(config.clients.map(client => [client.address, client]));
    this.#directory = new Directory({ profiles: config.mobiles, nearestAnchor: config.nearestAnchor });
    this.#mobiles = new Map(config.mobiles.map(mobile => [mobile.identity, mobile]));
    this.#keys = new IssuedKeysMemory(environment);
    this.views = {
      clients: () => this.#clientRows(),
      profiles: () => this.#directory.rows(),
      keys: () => this.#keys.rows(),
    };
  }

  get deadline(): undefined {
    return undefined;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters };
  }

  handle(input: Input, now: Instant): Output[] {
    if (input.kind === 'restored') this.#restore([...input.records]);
    if (input.kind !== 'packet') return [];
    const { packet } = input;
    return packet.payload.kind === 'udp' && packet.payload.destinationPort === radiusPort
      ? this.#received(packet, packet.payload, now)
      : [];
  }

  #received(packet: Packet, datagram: UdpDatagram, now: Instant): Output[] {
    const client = this.#clients.get(packet.source);
    if (!client) return this.#discard(packet, 'discardedUnknownClient', 'a RADIUS client that is none of ours');
    const request = requestIn(datagram.data);
    if (!request) return this.#discard(packet, 'discardedMalformed', 'no Access-Request');
    if (!isAuthenticRequest(datagram.data, client.secret))
      return this.#discard(packet, 'discardedUnauthentic', 'an Access-Request without a good Message-Authenticator');
    this.#counters.requests++;
    const exchange = `${packet.source} ${datagram.sourcePort} ${request.identifier}`;
    const before = this.#answers.get(exchange, now);
    if (before && bytesEqual(before.authenticator, request.authenticator)) {
      this.#counters.repeated++;
      return [{ kind: 'send', packet: before.packet }];
    }
    const { answer, outputs } = this.#answer(client, request);
    const octets = encodeAnswer(answer, request.authenticator, client.secret);
    const reply = answerTo(packet, datagram, octets);
    this.#answers.set(exchange, { authenticator: request.authenticator, packet: reply }, now);
    return [...outputs, { kind: 'send', packet: reply }];
  }

  #answer(client: ServedClient, request: RadiusMessage): { answer: RadiusMessage; outputs: Output[] } {
    const verdict = this.#judge(client, request);
    if (verdict.kind === 'accepted') {
      this.#counters.accepted++;
      const { attributes, outputs } = verdict;
      return { answer: { ...request, kind: 'accessAccept', attributes }, outputs };
    }
    this.#counters.rejected++;
    const { reason, identity } = verdict;
    const event = { event: 'refused', peer: client.address, status: accessReject, reason } as const;
    return {
      answer: { ...request, kind: 'accessReject', attributes: [{ kind: 'replyMessage', text: reason }] },
      outputs: [{ kind: 'trace', event: identity === undefined ? event : { ...event, identity } }],
    };
  }

  #judge(client: ServedClient, request: RadiusMessage): Verdict {
    const { attributes } = request;
    if (!asksForKeys(attributes)) return this.#access(client, attributes);
    const question = questionOf(attributes);
    if (!question) return { kind: 'rejected', reason: 'a key request that does not say for what' };
    const needed = question.kind === 'mobile' || question.kind === 'client' ? 'keys' : 'anchor';
    if (!client.may.includes(needed)) return { kind: 'rejected', reason: `may not ask for that: not '${needed}'` };
    switch (question.kind) {
      case 'mobile':
        return this.#forMobile(client, question, request);
      case 'client':
        return this.#issue(client, { mobile: undefined, anchor: question.anchor }, request);
      case 'spi':
        return this.#tell(client, question, request);
      case 'clients':
        return this.#authorised(question.mobile);
    }
  }

  #access(client: ServedClient, attributes: readonly RadiusAttribute[]): Verdict {
    if (!client.may.includes('access')) return { kind: 'rejected', reason: "may not ask for that: not 'access'" };
    const applicant = applicantOf(attributes);
    if (!applicant)
      return { kind: 'rejected', reason: 'neither User-Name nor a link-layer address in Calling-Station-Id' };
    const outcome = this.#directory.outcome(applicant, client.address);
    if (outcome.kind === 'rejected') return outcome;
    const { profile } = outcome;
    const outputs = this.#through(profile.identity, client.address);
    return { kind: 'accepted', attributes: profileAttributes(profile), outputs };
  }

  #through(identity: string, gateway: Address): Output[] {
    const gateways = this.#gateways.get(identity) ?? new Set();
    if (gateways.has(gateway)) return [];
    this.#gateways.set(identity, gateways.add(gateway));
    return [{ kind: 'store', key: accessPrefix + identity, value: [...gateways].map(formatAddress) }];
  }

  /** The key is given only to who may register the mobile. */
  #forMobile(
    client: ServedClient,
    { mobile, anchor }: Extract<KeyQuestion, { kind: 'mobile' }>,
    request: RadiusMessage,
  ): Verdict {
    const known = this.#mobiles.get(mobile);
    if (!known) return { kind: 'rejected', reason: 'unknown mobile', identity: mobile };
    if (!this.#clientsOf(mobile).includes(client.address))
      return { kind: 'rejected', reason: 'this PMIP client may not register it', identity: mobile };
    if (known.anchor !== undefined && known.anchor !== anchor)
      return { kind: 'rejected', reason: `its anchor is ${formatAddress(known.anchor)}`, identity: mobile };
    return this.#issue(client, { mobile, anchor }, request);
  }

  #issue(
    client: ServedClient,
    { mobile, anchor }: { readonly mobile: string | undefined; readonly anchor: Address },
    request: RadiusMessage,
  ): Verdict {
    if (!this.#clients.get(anchor)?.may.includes('anchor'))
      return { kind: 'rejected', reason: `${formatAddress(anchor)} is no anchor of ours` };
    const purpose = { mobile, client: client.address, anchor, cipher: this.#config.cipher };
    const { keys, outputs } = this.#keys.issue(purpose);
    this.#counters.keysIssued++;
    const attributes = keysAttributes(keys, 'client', request.authenticator, client.secret);
    return { kind: 'accepted', attributes, outputs };
  }

  /** That the server tells the key is what tells the anchor that the client may register the mobile. */
  #tell(
    client: ServedClient,
    { spi, client: from }: Extract<KeyQuestion, { kind: 'spi' }>,
    request: RadiusMessage,
  ): Verdict {
    const taken = this.#keys.take(spi, client.address, from);
    if (!taken) return { kind: 'rejected', reason: `no keys for SPI ${spi} of ${formatAddress(from)}` };
    const { keys, outputs } = taken;
    this.#counters.keysTold++;
    const attributes = keysAttributes(keys, 'anchor', request.authenticator, client.secret);
    const home = keys.mobile === undefined ? undefined : this.#mobiles.get(keys.mobile)?.address;
    if (home !== undefined) attributes.push({ kind: 'framedIpv6Address', address: home });
    return { kind: 'accepted', attributes, outputs };
  }

  #authorised(mobile: string): Verdict {
    if (!this.#mobiles.has(mobile)) return { kind: 'rejected', reason: 'unknown mobile', identity: mobile };
    const own = this.#clientsOf(mobile).map(address => ({ kind: 'pmipClient', address }) as const);
    const attributes = vendorSpecific({ kind: 'own', attributes: own });
    return { kind: 'accepted', attributes: [{ kind: 'userName', name: mobile }, ...attributes], outputs: [] };
  }

  #clientsOf(mobile: string): readonly Address[] {
    const clients = this.#mobiles.get(mobile)?.pmipClients ?? [];
    return clients === 'access' ? [...(this.#gateways.get(mobile) ?? [])] : clients;
  }

  #discard({ source }: Packet, cause: (typeof discardCauses)[number], reason: string): Output[] {
    this.#counters[cause]++;
    return [{ kind: 'trace', event: { event: 'discarded', peer: source, reason } }];
  }

  #restore(records: readonly StoredRecord[]): void {
    this.#keys.restore(records);
    for (const { key, value } of records)
      if (key.startsWith(accessPrefix))
        this.#gateways.set(
          key.slice(accessPrefix.length),
          new Set((value as string[]).flatMap(text => tryParseAddress(text) ?? [])),
        );
  }

  *#clientRows(): Generator<Row> {
    for (const { name, address, may } of this.#clients.values())
      yield { name, address: formatAddress(address), may: may.join(' ') };
  }
}

/** The code of a refusal (RFC 2865 §4.3). */
const accessReject = 3;

function requestIn(octets: Uint8Array): RadiusMessage | undefined {
  try {
    const message = decodeRadius(octets);
    return message.kind === 'accessRequest' ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function answerTo({ source, destination }: Packet, { sourcePort, destinationPort }: UdpDatagram, data: Uint8Array) {
  const payload = { kind: 'udp', sourcePort: destinationPort, destinationPort: sourcePort, data } as const;
  return { source: destination, destination: source, hopLimit: defaultHopLimit, payload };
}
