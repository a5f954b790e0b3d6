import assert from 'node:assert/strict';
import { type Address, parseAddress } from '../../src/base/address.js';
import { seededRandom } from '../../src/base/random.js';
import { type Instant, seconds, wallClockFrom } from '../../src/base/time.js';
import type { Output } from '../../src/protocol/contract.js';
import { Correspondent, type CorrespondentSettings } from '../../src/protocol/mip6/correspondent.js';
import { fromMobile, mobilityPacket } from '../../src/protocol/mobile/packets.js';
import { authorized, bindingManagementKey } from '../../src/protocol/mobile/tokens.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';

export const home = parseAddress('2001:db8:1::7');
export const careOf = parseAddress('2001:db8:2::7');
export const elsewhere = parseAddress('2001:db8:4::7');
export const own = parseAddress('2001:db8:3::1');
export const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A correspondent and a mobile that knows what it may know. */
export class CorrespondentWorld {
  readonly engine: Correspondent;
  now: Instant = 0;
  outputs: Output[] = [];

  constructor(maximumBindings = 10, seed = 3, more: Partial<CorrespondentSettings> = {}) {
    const environment = { random: seededRandom(seed), clock: wallClockFrom(1_767_225_600) };
    this.engine = new Correspondent({ maximumBindings, answersPerSecond: 100, ...more }, environment);
  }

  receive(packet: Packet): readonly MobilityMessage[] {
    this.outputs = this.engine.handle({ kind: 'packet', packet }, this.now);
    return this.outputs.flatMap(output =>
      output.kind === 'send' && output.packet.payload.kind === 'mobility' ? [output.packet.payload.message] : [],
    );
  }

  tick(atS: number): string[] {
    this.now = seconds(atS);
    return this.engine.handle({ kind: 'tick' }, this.now).map(({ kind }) => kind);
  }

  sent(): Packet | undefined {
    for (const output of this.outputs) if (output.kind === 'send') return output.packet;
    return undefined;
  }

  test(source: Address, kind: 'homeTestInit' | 'careOfTestInit') {
    const [answer] = this.receive(mobilityPacket(source, own, { kind, cookie, options: [] }));
    assert.ok(answer?.kind === 'homeTest' || answer?.kind === 'careOfTest');
    return answer;
  }

  /** What return routability gives a mobile at `careOf`. */
  routability(home: Address, careOf: Address): Routability {
    const homeTest = this.test(home, 'homeTestInit');
    const careOfTest = this.test(careOf, 'careOfTestInit');
    return {
      key: bindingManagementKey(homeTest.keygenToken, careOfTest.keygenToken),
      deletionKey: bindingManagementKey(homeTest.keygenToken, undefined),
      homeNonceIndex: homeTest.nonceIndex,
      careOfNonceIndex: careOfTest.nonceIndex,
    };
  }

  update(r: Routability, fields: Partial<BindingUpdate> = {}, place: Place = {}): BindingAcknowledgement | undefined {
    const [answer] = this.receive(updatePacket(r, fields, place));
    return answer?.kind === 'bindingAcknowledgement' ? answer : undefined;
  }
}

export interface Routability {
  readonly key: Uint8Array;
  readonly deletionKey: Uint8Array;
  readonly homeNonceIndex: number;
  readonly careOfNonceIndex: number;
}
export interface Place {
  readonly careOf?: Address;
  readonly home?: Address;
  readonly signedFor?: Address;
}

/** An update as a local mobility agent at `careOf` sends it on: from the home address (draft-dommety §3.1). */
export function throughAgent(r: Routability, fields: Partial<BindingUpdate> = {}): Packet {
  const { homeNonceIndex, careOfNonceIndex } = r;
  const options: MobilityOption[] = [
    { kind: 'nonceIndices', homeNonceIndex, careOfNonceIndex },
    { kind: 'alternateCareOfAddress', careOfAddress: careOf },
    ...(fields.options ?? []),
  ];
  const { headers: _, ...packet } = updatePacket(r, { ...fields, options }, {});
  return { ...packet, source: home };
}

export function updatePacket(r: Routability, fields: Partial<BindingUpdate>, place: Place): Packet {
  const at = place.careOf ?? careOf;
  const message: BindingUpdate = {
    kind: 'bindingUpdate',
    sequence: 1,
    flags: bindingUpdateFlags({ acknowledge: true }),
    lifetimeS: 400,
    options: [{ kind: 'nonceIndices', homeNonceIndex: r.homeNonceIndex, careOfNonceIndex: r.careOfNonceIndex }],
    ...fields,
  };
  const deletes = message.lifetimeS === 0;
  const ends = { careOf: place.signedFor ?? (deletes ? home : at), correspondent: own };
  return fromMobile(at, place.home ?? home, own, authorized(message, deletes ? r.deletionKey : r.key, ends));
}
