import { readFileSync } from 'node:fs';
import { DecodeError } from '../base/errors.js';
import { hexToBytes } from '../base/text.js';
import type { WallTime } from '../base/time.js';
import { type Dissection, dissect, type Field, type Layer } from '../wire/dissect.js';
import { linkType } from '../wire/pcapng/blocks.js';
import { readCapture } from '../wire/pcapng/reader.js';

export interface DecodeArguments {
  /** A pcapng or pcap file. */
  readonly file?: string;
  /** The octets of an IPv6 packet or an Ethernet frame; blanks, colons and a leading 0x are passed over. */
  readonly hex?: string;
  readonly json: boolean;
}

/** 0: everything decoded, every checksum good. 1: something did not. 2: there was nothing to decode. */
export type DecodeExit = 0 | 1 | 2;

/** `anchorage decode`: every header, option and checksum verdict, as text or as a JSON array. `out` gets whole lines. */
export function decodeCommand(args: DecodeArguments, out: (text: string) => void): DecodeExit {
  const input = open(args);
  if ('problem' in input) {
    out(args.json ? `${JSON.stringify({ error: input.problem })}\n` : `${input.problem}\n`);
    return 2;
  }
  const print = args.json ? jsonPrinter(out) : textPrinter(out);
  let good = true;
  try {
    for (const record of input.records) {
      print.record(record);
      good &&= isGood(record);
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    print.failure(error.message);
    good = false;
  }
  print.end();
  return good ? 0 : 1;
}

interface DecodedFrame {
  readonly number: number;
  readonly octets: number;
  readonly interface?: string;
  readonly time?: WallTime;
  readonly comment?: string;
  readonly dissection: Dissection;
}

function open(args: DecodeArguments): { records: Iterable<DecodedFrame> } | { problem: string } {
  if ((args.file === undefined) === (args.hex === undefined)) return { problem: 'either a file or --hex is wanted' };
  if (args.file !== undefined) {
    try {
      return { records: recordsOf(readFileSync(args.file)) };
    } catch (error) {
      return { problem: `${args.file}: ${(error as Error).message}` };
    }
  }
  const digits = (args.hex as string).replace(/^\s*0x/i, '').replace(/[\s:]/g, '');
  if (digits === '' || digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits))
    return { problem: 'not an even number of hexadecimal digits' };
  const bytes = hexToBytes(digits);
  return { records: [{ number: 1, octets: bytes.length, dissection: dissect(bytes, linkOf(bytes)) }] };
}

/** A frame says in its EtherType that it is one; what does not and begins with a 6 is a packet. */
function linkOf(bytes: Uint8Array): number {
  const frame = bytes[12] === 0x86 && bytes[13] === 0xdd && bytes[14] >> 4 === 6;
  return !frame && bytes[0] >> 4 === 6 ? linkType.ipv6 : linkType.ethernet;
}

function* recordsOf(file: Uint8Array): Generator<DecodedFrame> {
  let number = 0;
  for (const packet of readCapture(file)) {
    number++;
    yield {
      number,
      octets: packet.originalOctets,
      interface: packet.interface.name,
      time: packet.time,
      comment: packet.comment,
      dissection: dissect(packet.bytes, packet.interface.linkType),
    };
  }
}

function isGood({ dissection }: DecodedFrame): boolean {
  return dissection.error === undefined && dissection.layers.every(layer => layer.checksum?.good !== false);
}

interface Printer {
  record(record: DecodedFrame): void;
  failure(message: string): void;
  end(): void;
}

function jsonPrinter(out: (text: string) => void): Printer {
  let separator = '[\n';
  const item = (value: unknown) => {
    out(`${separator}${JSON.stringify(value)}`);
    separator = ',\n';
  };
  return {
    record: ({ dissection, ...record }) => item({ ...record, ...dissection }),
    failure: error => item({ error }),
    end: () => out(separator === '[\n' ? '[]\n' : '\n]\n'),
  };
}

function textPrinter(out: (text: string) => void): Printer {
  return {
    record(record) {
      out(`${heading(record)}\n`);
      for (const layer of record.dissection.layers) out(layerText(layer));
      const { error } = record.dissection;
      if (error)
        out(
          `  malformed: ${error.path && `${error.path}: `}${error.reason} (${error.code} at octet ${error.offset})\n`,
        );
    },
    failure: message => out(`malformed capture: ${message}\n`),
    end: () => {},
  };
}

function heading({ number, octets, time, comment, interface: from }: DecodedFrame): string {
  const parts = [`frame ${number}`, `${octets} octets`];
  if (time) parts.push(`${time.seconds}.${String(time.nanoseconds).padStart(9, '0')} s`);
  if (from !== undefined) parts.push(from);
  if (comment !== undefined) parts.push(comment);
  return parts.join(' · ');
}

function layerText({ name, offset, checksum, fields }: Layer): string {
  const lines = [`  ${name} (octet ${offset})`];
  if (checksum) {
    const { good, found, computed } = checksum;
    lines.push(`    checksum: ${hex16(found)}, ${good ? 'good' : `bad: ${hex16(computed)} is right`}`);
  }
  for (const field of fields) addFieldLines(field, 4, lines);
  return `${lines.join('\n')}\n`;
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

function addFieldLines({ name, value, meaning, fields }: Field, indent: number, lines: string[]): void {
  const text = value === undefined ? '' : ` ${printable(String(value))}`;
  lines.push(`${' '.repeat(indent)}${name}:${text}${meaning === undefined ? '' : ` (${meaning})`}`);
  for (const field of fields ?? []) addFieldLines(field, indent + 2, lines);
}

/** Identities come from strangers: nothing of theirs may steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, character => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}
