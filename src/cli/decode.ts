import { readFileSync } from 'node:fs';
import { DecodeError } from '../base/errors.js';
import { hexToBytes } from '../base/text.js';
import type { WallTime } from '../base/time.js';
import { type Dissection, dissect, type Field, type Layer } from '../wire/dissect.js';
import { linkType } from '../wire/pcapng/blocks.js';
import { readCapture } from '../wire/pcapng/reader.js';
import { exit, UsageError } from './outcome.js';

export interface DecodeArguments {
  /** A pcapng or pcap file. */
  readonly file?: string;
  /** The octets of an IPv6 packet or an Ethernet frame; blanks, colons and a leading 0x are passed over. */
  readonly hex?: string;
  readonly json: boolean;
}

/**
 * `anchorage decode`: every header, option and checksum verdict, as text or as a JSON array. `out` gets whole lines, `complain`
 * why a capture could not be read to its end. Returns the exit code: whether everything decoded and every checksum is good.
 * Throws UsageError where there is nothing to read.
 */
export function decodeCommand(
  args: DecodeArguments,
  out: (text: string) => void,
  complain: (text: string) => void,
): number {
  const records = open(args);
  const print = args.json ? jsonPrinter(out) : textPrinter(out);
  let good = true;
  try {
    for (const record of records) {
      print.record(record);
      good &&= isGood(record);
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    complain(`${args.file}: ${error.message}\n`);
    good = false;
  }
  print.end();
  return good ? exit.ok : exit.failed;
}

interface DecodedFrame {
  readonly number: number;
  /** On the link. */
  readonly octets: number;
  /** In the capture, where it cut the frame. */
  readonly capturedOctets?: number;
  readonly interface?: string;
  readonly time?: WallTime;
  readonly comment?: string;
  readonly dissection: Dissection;
}

function open(args: DecodeArguments): Iterable<DecodedFrame> {
  if ((args.file === undefined) === (args.hex === undefined))
    throw new UsageError(['either a file or --hex is wanted']);
  if (args.file !== undefined) return recordsOf(readCaptureFile(args.file));
  const digits = (args.hex as string).replace(/^\s*0x/i, '').replace(/[\s:]/g, '');
  if (digits === '' || digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits))
    throw new UsageError(['--hex: an even number of hexadecimal digits']);
  const bytes = hexToBytes(digits);
  return [{ number: 1, octets: bytes.length, dissection: dissect(bytes, linkOf(bytes)) }];
}

function readCaptureFile(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError([`${file}: a pcapng or pcap file: ${(error as Error).message}`]);
  }
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
      ...(packet.bytes.length < packet.originalOctets && { capturedOctets: packet.bytes.length }),
      interface: packet.interface.name,
      time: packet.time,
      comment: packet.comment,
      dissection: dissect(packet.bytes, packet.interface.linkType),
    };
  }
}

/** A frame that the capture cut may well end too early. */
function isGood({ dissection, capturedOctets }: DecodedFrame): boolean {
  const { error, layers } = dissection;
  const whole = error === undefined || (error.code === 'truncated' && capturedOctets !== undefined);
  return whole && layers.every(layer => layer.checksum?.good !== false);
}

interface Printer {
  record(record: DecodedFrame): void;
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
          `  ${verdict(record)}: ${error.path && `${error.path}: `}${error.reason} (${error.code} at octet ${error.offset})\n`,
        );
    },
    end: () => {},
  };
}

function verdict(record: DecodedFrame): string {
  return isGood(record) ? 'cut by the capture' : 'malformed';
}

function heading({ number, octets, capturedOctets, time, comment, interface: from }: DecodedFrame): string {
  const parts = [`frame ${number}`, `${octets} octets`];
  if (capturedOctets !== undefined) parts.push(`${capturedOctets} captured`);
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
