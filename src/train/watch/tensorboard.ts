/**
 * Event files that TensorBoard shows: records in TFRecord framing (length, masked CRC-32C of it, bytes, masked CRC-32C of them),
 * each an `Event` message of Protocol Buffers with one scalar for each curve. Formats: TensorFlow's record_writer and event.proto;
 * CRC-32C: Castagnoli et al. 1993.
 */
import { nodeFiles } from '../../formats/index.ts';

export interface TensorboardFile {
  /** Adds the values of a step, by the names of their curves: `train/loss`. */
  write(step: number, values: Readonly<Record<string, number>>, wallTime?: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes a new event file in a folder, in Node. TensorBoard reads all files of a folder as one run, and takes later ones to go on
 * from where they start.
 * @param begun when the run began, in seconds since 1970; it names the file
 */
export async function openTensorboard(folder: string, begun: number = Date.now() / 1000): Promise<TensorboardFile> {
  const { mkdir, open } = await nodeFiles();
  const { hostname } = globalThis.process.getBuiltinModule('node:os');
  await mkdir(folder, { recursive: true });
  const serial = crypto.randomUUID().slice(0, 8);
  const name = `events.out.tfevents.${Math.floor(begun)}.${hostname()}.${serial}`;
  const file = await open(`${folder}/${name}`, 'ax');
  await file.appendFile(eventRecord({ wallTime: begun, fileVersion: 'brain.Event:2' }));
  return {
    async write(step, values, wallTime = Date.now() / 1000) {
      await file.appendFile(eventRecord({ wallTime, step, values }));
    },
    close: () => file.close(),
  };
}

/** An event: the first one of a file says the version, all others have values. */
export interface TensorboardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number | undefined;
  readonly fileVersion?: string | undefined;
  readonly values?: Readonly<Record<string, number>> | undefined;
}

/** The bytes of an event as it stands in a file. */
export function eventRecord({ wallTime, step, fileVersion, values }: TensorboardEvent): Uint8Array {
  const event = message([
    float64(1, wallTime),
    ...(step === undefined ? [] : [varint(2, step)]),
    ...(fileVersion === undefined ? [] : [bytes(3, text(fileVersion))]),
    ...(values
      ? [
          bytes(
            5,
            message(
              Object.entries(values).map(([tag, value]) => bytes(1, message([bytes(1, text(tag)), float32(2, value)]))),
            ),
          ),
        ]
      : []),
  ]);
  const header = new Uint8Array(8);
  new DataView(header.buffer).setBigUint64(0, BigInt(event.length), true);
  return message([header, checksum(header), event, checksum(event)]);
}

// ---- Protocol Buffers: a field is its number and wire type, then its value.
const VARINT = 0;
const SIXTY_FOUR_BITS = 1;
const LENGTH = 2;
const THIRTY_TWO_BITS = 5;

const text = (value: string) => new TextEncoder().encode(value);

function message(fields: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((n, field) => n + field.length, 0));
  let at = 0;
  for (const field of fields) {
    out.set(field, at);
    at += field.length;
  }
  return out;
}
const tagOf = (field: number, wire: number) => base128((field << 3) | wire);
const varint = (field: number, value: number) => message([tagOf(field, VARINT), base128(value)]);
const bytes = (field: number, value: Uint8Array) => message([tagOf(field, LENGTH), base128(value.length), value]);
function float64(field: number, value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setFloat64(0, value, true);
  return message([tagOf(field, SIXTY_FOUR_BITS), out]);
}
function float32(field: number, value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setFloat32(0, value, true);
  return message([tagOf(field, THIRTY_TWO_BITS), out]);
}
/** A whole number from 0 to 2^53, seven bits in a byte, the lowest first. */
function base128(value: number): Uint8Array {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return Uint8Array.from([...out, value]);
}

// ---- checksums
let table: Uint32Array | undefined;
/** The remainders of all bytes for the reversed Castagnoli polynomial. */
function crcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
    return rest;
  });
}
/** CRC-32C of bytes. */
export function crc32c(data: Uint8Array): number {
  table ??= crcTable();
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
/** TFRecord stores it rotated by 15 bits and moved by a constant, as a checksum of bytes that hold checksums is a weak one. */
function checksum(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, ((crc >>> 15) | (crc << 17)) + 0xa282ead8, true);
  return out;
}
