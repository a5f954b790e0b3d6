import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatAddress, parseAddress } from '../../src/base/address.js';
import { bytesToHex } from '../../src/base/text.js';
import { second } from '../../src/base/time.js';
import type { Scheme } from '../../src/protocol/scheme.js';
import { schemes } from '../../src/protocol/schemes.js';
import { nestedIn } from '../../src/protocol/security/nested.js';
import { innermost } from '../../src/sim/index.js';
import { decodeFrame, encodeFrame } from '../../src/wire/ethernet.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { findOption } from '../../src/wire/mobility/options.js';
import { linkType } from '../../src/wire/pcapng/blocks.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { concatenate, pcapngHeader, pcapngPacket } from '../../src/wire/pcapng/writer.js';
import { homeAddress, NestedWorld } from '../support/nested-updates.js';
import { scapy, scapyTest } from '../support/scapy.js';
import { sent } from '../support/signalling.js';
import { captured } from './captured.js';
import { mac } from './samples.js';
import { assertCleanCapture, tsharkFields, withoutTshark } from './tshark.js';

const folder = mkdtempSync(join(tmpdir(), 'anchorage-nested-'));
after(() => rmSync(folder, { recursive: true }));

/** What a mobile sends that enters below two agents, and what its home agent answers. */
function handover(): Packet[] {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'rfc4285' });
  const outer = world.register(second);
  const [middle] = sent(world.lower.receive(outer, second));
  const [inner] = sent(world.upper.receive(middle, second));
  return [outer, ...sent(world.home.receive(inner, second))];
}

/** A packet and all that is nested in it, outermost first. */
function levels(packet: Packet): Packet[] {
  const nested = nestedIn(packet);
  return nested ? [packet, ...levels(nested)] : [packet];
}

function capture(packets: readonly Packet[], name: string): string {
  const file = join(folder, `${name}.pcapng`);
  const blocks = packets.map((packet, i) =>
    pcapngPacket(0, { seconds: 1, nanoseconds: i }, encodeFrame({ source: mac, destination: mac, packet })),
  );
  const header = pcapngHeader([{ name: 'core', linkType: linkType.ethernet }], 'oracle');
  writeFileSync(file, concatenate([header, ...blocks]));
  return file;
}

/** The first of each is the outermost packet's own: of what follows its Mobility Header tshark says nothing. */
const fields = [
  'ipv6.src',
  'ipv6.dst',
  'mip6.proto',
  'mip6.mhtype',
  'mip6.bu.seqnr',
  'mip6.bu.lifetime',
  'mip6.ba.seqnr',
  'mip6.ba.status',
  'mip6.acoa.acoa',
  '_ws.expert.message',
] as const;

function meant(packet: Packet): Record<(typeof fields)[number], string[]> {
  assert.ok(packet.payload.kind === 'mobility');
  const { message, nested } = packet.payload;
  const options = 'options' in message ? message.options : [];
  const careOf = findOption(options, 'alternateCareOfAddress')?.careOfAddress;
  const [update, answer] = [
    message.kind === 'bindingUpdate' && message,
    message.kind === 'bindingAcknowledgement' && message,
  ];
  return {
    'ipv6.src': [formatAddress(packet.source)],
    'ipv6.dst': [formatAddress(packet.destination)],
    'mip6.proto': [nested ? '41' : '59'],
    'mip6.mhtype': [update ? '5' : '6'],
    'mip6.bu.seqnr': update ? [String(update.sequence)] : [],
    'mip6.bu.lifetime': update ? [String(update.lifetimeS / 4)] : [],
    'mip6.ba.seqnr': answer ? [String(answer.sequence)] : [],
    'mip6.ba.status': answer ? [String(answer.status)] : [],
    'mip6.acoa.acoa': careOf === undefined ? [] : [formatAddress(careOf)],
    '_ws.expert.message': [],
  };
}

test('wire.md §13, draft-dommety §2.2.2: tshark reads the outer messages of nested ones, and each of those fed to it by itself', {
  skip: withoutTshark,
}, () => {
  const packets = handover().flatMap(levels);
  assert.equal(packets.length, 5);
  const file = capture(packets, 'nested');
  assert.equal(assertCleanCapture(file), packets.length);
  assert.deepEqual(tsharkFields(file, fields), packets.map(meant));
});

const agentSchemes = schemes.filter(({ name }) => ['lma6-2', 'lma6-3', 'lma6-4'].includes(name));

/** What a run put on its links, once each, out of all tunnels. */
function sentIn(scenario: string, scheme: Scheme, protection: string): Packet[] {
  const packets = new Map<string, Packet>();
  for (const { bytes } of readCapture(readFileSync(captured(scenario, scheme, protection).file))) {
    const packet = innermost(decodeFrame(bytes).packet);
    if (packet.payload.kind !== 'mobility' && packet.payload.kind !== 'icmpv6') continue;
    packets.set(bytesToHex(encodePacket({ ...packet, hopLimit: 64 })), packet);
  }
  return [...packets.values()];
}

for (const scheme of agentSchemes)
  for (const scenario of ['comparison.yaml', 'ipv4-core.yaml'])
    test(`wire.md §13: tshark reads level by level what ${scheme.name} nests in ${scenario}, and its advertisements`, {
      skip: withoutTshark,
    }, () => {
      const packets = sentIn(scenario, scheme, 'rfc4285');
      const nested = packets.filter(nestedIn);
      const kinds = nested.map(({ payload }) => payload.kind === 'mobility' && payload.message.kind);
      assert.deepEqual([...new Set(kinds)].sort(), ['bindingAcknowledgement', 'bindingUpdate']);
      const all = nested.flatMap(levels);
      const file = capture(all, `${scheme.name}-${scenario}`);
      assert.equal(assertCleanCapture(file), all.length);
      assert.deepEqual(tsharkFields(file, fields), all.map(meant));
      const advertisements = packets.filter(tellsOfAgents);
      const told = capture(advertisements, `${scheme.name}-${scenario}-advertisements`);
      assert.equal(assertCleanCapture(told), advertisements.length);
      assertOnlyExperimental(told);
    });

function tellsOfAgents({ payload }: Packet): boolean {
  const message = payload.kind === 'icmpv6' ? payload.message : undefined;
  return message?.kind === 'routerAdvertisement' && message.options.some(({ kind }) => kind === 'localMobilityAgents');
}

test('wire.md §13, draft-dommety §2.2.1: of advertisements of agents tshark says no worse than that it does not know experimental options', {
  skip: withoutTshark,
}, () => {
  const agent = parseAddress('2001:db8:a::1');
  const advertisement: Packet = {
    source: parseAddress('fe80::1'),
    destination: parseAddress('ff02::1'),
    hopLimit: 255,
    payload: {
      kind: 'icmpv6',
      message: {
        kind: 'routerAdvertisement',
        code: 0,
        currentHopLimit: 64,
        flags: { managed: false, other: false, homeAgent: false },
        routerLifetimeS: 1800,
        reachableTimeMs: 0,
        retransTimerMs: 0,
        options: [
          {
            kind: 'localMobilityAgents',
            sequence: 258,
            lifetimeS: 600,
            flags: { ownCareOfAddressNeeded: false, ipv4Tunnel: true },
            addresses: [agent, parseAddress('::ffff:192.0.2.1'), homeAddress],
          },
          { kind: 'anchoring', zone: 5 },
        ],
      },
    },
  };
  const file = capture([advertisement], 'advertisement');
  assert.equal(assertCleanCapture(file), 1);
  assertOnlyExperimental(file);
});

/** RFC 4727 gives these numbers to whoever tries something: tshark notes that it cannot say what. */
function assertOnlyExperimental(file: string): void {
  const note = 0x40_0000;
  let options = 0;
  for (const frame of tsharkFields(file, ['icmpv6.opt.type', '_ws.expert.severity', '_ws.expert.message'])) {
    const experimental = frame['icmpv6.opt.type'].filter(type => type === '253' || type === '254');
    options += experimental.length;
    assert.deepEqual(
      frame['_ws.expert.severity'].map(Number),
      experimental.map(() => note),
    );
    for (const [i, message] of frame['_ws.expert.message'].entries())
      assert.match(message, new RegExp(`Option \\(${experimental[i]}\\) code not implemented`));
  }
  assert.ok(options > 0);
}

scapyTest(
  'draft-dommety §2.2.2: scapy reads nested messages level by level, and builds the same octets from within',
  () => {
    const packets = handover();
    const verdicts = scapy(
      `
def level(packet):
    header = packet[IPv6].payload
    inside = raw(header.payload)
    ends = [packet.src, packet.dst, header.mhtype, header.seq, header.nh]
    return [ends] + (level(IPv6(inside)) if inside else [])

def built(packet):
    header = packet[IPv6].payload
    inside = raw(header.payload)
    alone = header.copy()
    alone.remove_payload()
    del alone.len, alone.cksum
    outer = raw(IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim) / alone)
    if inside:
        inside = built(IPv6(inside))
        outer = outer[:4] + (len(outer) - 40 + len(inside)).to_bytes(2, 'big') + outer[6:]
    return outer + inside

print(json.dumps([{'levels': level(IPv6(bytes.fromhex(each))), 'built': built(IPv6(bytes.fromhex(each))).hex()} for each in input]))`,
      packets.map(packet => bytesToHex(encodePacket(packet))),
    ) as { levels: unknown; built: string }[];
    assert.deepEqual(
      verdicts,
      packets.map(packet => ({ levels: levels(packet).map(asScapyReads), built: bytesToHex(encodePacket(packet)) })),
    );
  },
);

function asScapyReads(packet: Packet): unknown[] {
  assert.ok(packet.payload.kind === 'mobility' && 'sequence' in packet.payload.message);
  const { message, nested } = packet.payload;
  const type = message.kind === 'bindingUpdate' ? 5 : 6;
  return [formatAddress(packet.source), formatAddress(packet.destination), type, message.sequence, nested ? 41 : 59];
}
