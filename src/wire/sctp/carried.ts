import { DecodeError } from '../../base/errors.js';
import type { Plain } from '../codec/fields.js';
import { cxtpPayloadProtocol, decodeCxtp, plainCxtp } from '../cxtp/messages.js';
import { messageName } from '../names.js';
import { decodePmip, plainPmip, pmipPayloadProtocol } from '../pmip/messages.js';
import { type Chunk, chunkName, plainChunk } from './chunks.js';
import type { SctpPacket } from './packet.js';

type PlainObject = { readonly [name: string]: Plain };

/** A message that a DATA chunk carries whole. */
export interface CarriedMessage {
  readonly kind: string;
  /** The documents' name: 'Trigger'. */
  readonly name: string;
  readonly fields: PlainObject;
}

/** What a chunk carries, where it is the whole of a message of a service that is known here. */
export function carriedMessage(chunk: Chunk): CarriedMessage | undefined {
  if (chunk.kind !== 'data' || !chunk.beginning || !chunk.ending) return undefined;
  try {
    const found = decoded(chunk.payloadProtocol, chunk.data);
    return found && { ...found, name: messageName(found.kind) };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function decoded(payloadProtocol: number, data: Uint8Array): { kind: string; fields: PlainObject } | undefined {
  if (payloadProtocol === pmipPayloadProtocol) {
    const message = decodePmip(data);
    return { kind: message.kind, fields: plainPmip(message) };
  }
  if (payloadProtocol !== cxtpPayloadProtocol) return undefined;
  const message = decodeCxtp(data);
  return { kind: message.kind, fields: plainCxtp(message) };
}

/** The packet in words: the messages it carries, or its chunks where it carries none. */
export function describeSctp({ tag, chunks }: SctpPacket): { readonly name: string; readonly fields: PlainObject } {
  const messages = chunks.flatMap(chunk => carriedMessage(chunk) ?? []);
  const names = messages.length > 0 ? messages.map(({ name }) => name) : [`SCTP ${chunks.map(chunkName).join(', ')}`];
  return { name: names.join(', '), fields: { tag, chunks: chunks.map(describeChunk) } };
}

function describeChunk(chunk: Chunk): PlainObject {
  const message = carriedMessage(chunk);
  const { data: _, ...others } = plainChunk(chunk);
  const { kind } = chunk;
  return message ? { kind, ...others, [message.kind]: message.fields } : { kind, ...plainChunk(chunk) };
}
