/**
 * Reads zip archives: the directory once, then parts of members as they are asked for.
 * Source: PKWARE APPNOTE, sections 4.3 to 4.5. Narrower than it on purpose, so that no two readers can see different members
 * in one file: the directory must end where the end record begins, every name stands once and is a plain relative path, and
 * members lie apart from each other. Encrypted archives and those of several disks are refused.
 */
import { type ErrorFacts, FormatError } from '../errors.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { quoted } from './quoted.ts';
import { type ByteSource, readTarget } from './source.ts';

export interface ZipMember {
  readonly name: string;
  /** In bytes, unpacked. */
  readonly size: number;
  readonly packedSize: number;
  readonly deflated: boolean;
  /** CRC-32 of the unpacked bytes; 0 where the writer did not compute it. */
  readonly crc: number;
  /** Of the local header, which stands in front of the bytes. */
  readonly headerOffset: number;
  /** Where the next member or the directory begins. */
  readonly limit: number;
}

export interface Zip {
  /** By name, in the order of the directory; folders are left out. */
  readonly members: ReadonlyMap<string, ZipMember>;
  /** Part of a member's unpacked bytes, as `ByteSource.read`. Throws FormatError for a damaged member. */
  read(member: ZipMember, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** All bytes of a member, compared with its checksum. Throws FormatError if they are more than `mostBytes`, too. */
  readWhole(member: ZipMember, mostBytes: number): Promise<Uint8Array>;
}

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const LOCAL_HEADER_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END_64_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;

/** A directory of a million members takes this much; a longer one is not read. */
const MAX_DIRECTORY_BYTES = 100_000_000;
/** Deflated members are unpacked as a whole, so they are bounded; large ones are stored by all writers of weights. */
const MAX_DEFLATED_BYTES = 1 << 26;
/** Deflate makes no more than this of a byte. */
const MAX_DEFLATE_RATIO = 1032;

type Fail = (what: string, facts?: ErrorFacts) => never;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * Opens an archive; the source stays the caller's. Reads the end and the directory only. Throws FormatError for an archive
 * that is damaged, cut, or ambiguous in the sense above.
 */
export async function openZip(source: ByteSource): Promise<Zip> {
  const fail: Fail = (what, facts) => {
    throw new FormatError(what, { where: source.name, ...facts });
  };
  const members = parseDirectory(await readDirectory(source, fail), source.name, fail);
  const starts = new Map<ZipMember, number>();
  let unpacked: { readonly member: ZipMember; readonly bytes: Promise<Uint8Array> } | undefined;

  const startOf = async (member: ZipMember) => {
    const start = starts.get(member) ?? (await dataStart(source, member, fail));
    starts.set(member, start);
    return start;
  };
  const inflated = (member: ZipMember) => {
    // Parts of one member are asked for in a row, so the last one is enough.
    if (unpacked?.member !== member) {
      const bytes = startOf(member).then(start => inflateMember(source, member, start, fail));
      unpacked = { member, bytes };
      // What failed is tried again when it is asked for again.
      bytes.catch(() => {
        if (unpacked?.bytes === bytes) unpacked = undefined;
      });
    }
    return unpacked.bytes;
  };
  const read: Zip['read'] = async (member, offset, length, into) => {
    const out = readTarget(
      { name: `${quoted(member.name)} of ${source.name}`, size: member.size },
      offset,
      length,
      into,
    );
    if (!member.deflated) return source.read((await startOf(member)) + offset, length, out);
    out.set((await inflated(member)).subarray(offset, offset + length));
    return out;
  };
  return {
    members,
    read,
    async readWhole(member, mostBytes) {
      if (member.size > mostBytes) {
        fail('member of the zip archive is too large', {
          seen: `${member.size} bytes in ${quoted(member.name)}`,
          expected: `at most ${mostBytes}`,
        });
      }
      const bytes = await read(member, 0, member.size);
      if (!member.deflated) checkCrc(bytes, member, fail);
      return bytes;
    },
  };
}

/** The bytes of the directory and how many entries the end record counts. */
async function readDirectory(source: ByteSource, fail: Fail): Promise<Directory> {
  const tailBytes = Math.min(source.size, MAX_COMMENT_BYTES + END_BYTES + LOCATOR_BYTES + END_64_BYTES);
  const tailStart = source.size - tailBytes;
  const tail = viewOf(await source.read(tailStart, tailBytes));
  let at = tailBytes - END_BYTES;
  // The record is the one whose comment ends with the file.
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END && at + END_BYTES + tail.getUint16(at + 20, true) === tailBytes)
  ) {
    at--;
  }
  if (at < 0) {
    fail('zip archive has no directory at its end', {
      seen: `${source.size} bytes without an end record`,
      fix: 'fetch the file again if its download was interrupted',
    });
  }
  let end = tailStart + at;
  let [count, bytes, offset] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  if (tail.getUint16(at + 4, true) !== 0 || tail.getUint16(at + 6, true) !== 0) fail('zip archive is part of a set');
  if (at >= LOCATOR_BYTES && tail.getUint32(at - LOCATOR_BYTES, true) === END_64_LOCATOR) {
    const locator = end - LOCATOR_BYTES;
    end = u64(tail, at - LOCATOR_BYTES + 8, fail);
    if (end > locator - END_64_BYTES) fail('zip64 end record lies outside the file', { seen: `offset ${end}` });
    const record = viewOf(await source.read(end, END_64_BYTES));
    if (record.getUint32(0, true) !== END_64 || end + 12 + u64(record, 4, fail) !== locator) {
      fail('zip64 end record is damaged', { seen: `its place is said to be byte ${end}` });
    }
    [count, bytes, offset] = [u64(record, 32, fail), u64(record, 40, fail), u64(record, 48, fail)];
  }
  if (offset + bytes !== end) {
    fail('zip directory does not end where the end record begins', {
      seen: `${bytes} bytes from ${offset} on`,
      expected: `an end at byte ${end}`,
    });
  }
  if (bytes > MAX_DIRECTORY_BYTES) {
    fail('zip directory is too large', { seen: `${bytes} bytes`, expected: `at most ${MAX_DIRECTORY_BYTES}` });
  }
  return { view: viewOf(await source.read(offset, bytes)), offset, count };
}

interface Directory {
  readonly view: DataView;
  readonly offset: number;
  readonly count: number;
}

function u64(view: DataView, offset: number, fail: Fail): number {
  const value = view.getBigUint64(offset, true);
  return value <= Number.MAX_SAFE_INTEGER
    ? Number(value)
    : fail('number in the zip archive is too large', { seen: `${value}` });
}

function parseDirectory(
  { view, offset: directory, count }: Directory,
  where: string,
  fail: Fail,
): Map<string, ZipMember> {
  const found: ZipMember[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at < view.byteLength) {
    if (at + ENTRY_BYTES > view.byteLength || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      fail('entry of the zip directory is damaged', { seen: `byte ${at} of the directory` });
    }
    const end =
      at + ENTRY_BYTES + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (end > view.byteLength) fail('entry of the zip directory reaches past its end', { seen: `byte ${at}` });
    const member = parseEntry(view, at, directory, where, fail);
    if (names.has(member.name)) fail('name stands twice in the zip archive', { seen: quoted(member.name) });
    names.add(member.name);
    found.push(member);
    at = end;
  }
  if (found.length !== count) {
    fail('zip directory is not complete', { seen: `${found.length} entries`, expected: `${count}` });
  }
  const limits = checkApart(found, directory, fail);
  const members = found.map(member => ({ ...member, limit: limits.get(member)! }));
  return new Map(members.filter(({ name }) => !name.endsWith('/')).map(member => [member.name, member]));
}

function parseEntry(view: DataView, at: number, directory: number, where: string, fail: Fail): ZipMember {
  const nameBytes = view.getUint16(at + 28, true);
  const name = decodeUtf8(
    new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_BYTES, nameBytes),
    `the directory of ${where}`,
  );
  const parts = name.replace(/\/$/, '').split('/');
  if (/[\\\p{Cc}]|^[a-z]:/iu.test(name) || parts.some(part => ['', '.', '..'].includes(part))) {
    fail('name in the zip archive is no plain path', { seen: quoted(name), expected: 'folders and a file name' });
  }
  const method = view.getUint16(at + 10, true);
  if (view.getUint16(at + 8, true) & 1 || (method !== 0 && method !== 8)) {
    fail('member of the zip archive cannot be unpacked', {
      seen: `${quoted(name)} by method ${method}${view.getUint16(at + 8, true) & 1 ? ', encrypted' : ''}`,
      expected: 'stored or deflated',
    });
  }
  const wide = zip64Fields(view, at + ENTRY_BYTES + nameBytes, view.getUint16(at + 30, true));
  // In this order, and only those that do not fit their 32 bits.
  const field = (offset: number) => {
    const value = view.getUint32(at + offset, true);
    if (value !== 0xffffffff) return value;
    return wide.next().value ?? fail('zip64 field is missing or too large', { seen: quoted(name) });
  };
  const [size, packedSize, headerOffset] = [field(24), field(20), field(42)];
  const deflated = method === 8;
  if (!deflated && size !== packedSize) {
    fail('stored member has two sizes', { seen: `${packedSize} and ${size} bytes for ${quoted(name)}` });
  }
  return { name, size, packedSize, deflated, crc: view.getUint32(at + 16, true), headerOffset, limit: directory };
}

/** The 64-bit numbers of the extra field that has them, those that a number can hold. */
function* zip64Fields(view: DataView, start: number, length: number): Generator<number, undefined> {
  const end = start + length;
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const stop = Math.min(end, at + 4 + view.getUint16(at + 2, true));
    for (let field = at + 4; field + 8 <= stop; field += 8) {
      const value = view.getBigUint64(field, true);
      if (value > Number.MAX_SAFE_INTEGER) return;
      yield Number(value);
    }
    return;
  }
}

/** Where each member's room ends. Throws FormatError if one reaches into the next or into the directory. */
function checkApart(members: readonly ZipMember[], directory: number, fail: Fail): Map<ZipMember, number> {
  const limits = new Map<ZipMember, number>();
  let limit = directory;
  for (const member of [...members].sort((a, b) => b.headerOffset - a.headerOffset)) {
    // Padding and the name are in the local header, so the true end lies further on; it is checked when that is read.
    if (member.headerOffset + LOCAL_HEADER_BYTES + member.packedSize > limit) {
      fail('member of the zip archive reaches into what follows it', {
        seen: `${quoted(member.name)}: ${member.packedSize} bytes, header at ${member.headerOffset}`,
        expected: `an end before byte ${limit}`,
      });
    }
    limits.set(member, limit);
    limit = member.headerOffset;
  }
  return limits;
}

/** Where a member's bytes begin: behind its local header, which may be padded and must tell the same as the directory. */
async function dataStart(source: ByteSource, member: ZipMember, fail: Fail): Promise<number> {
  const { headerOffset, limit, name, packedSize, deflated } = member;
  const wanted = new TextEncoder().encode(name);
  const bytes = await source.read(headerOffset, Math.min(LOCAL_HEADER_BYTES + wanted.length, limit - headerOffset));
  const view = viewOf(bytes);
  const same =
    view.getUint32(0, true) === LOCAL_HEADER &&
    view.getUint16(8, true) === (deflated ? 8 : 0) &&
    view.getUint16(26, true) === wanted.length &&
    wanted.every((byte, i) => bytes[LOCAL_HEADER_BYTES + i] === byte);
  if (!same) fail('local header differs from the zip directory', { seen: `byte ${headerOffset}, for ${quoted(name)}` });
  const start = headerOffset + LOCAL_HEADER_BYTES + wanted.length + view.getUint16(28, true);
  if (start + packedSize > limit) {
    fail('member of the zip archive reaches into what follows it', {
      seen: `${quoted(name)}: ${packedSize} bytes from ${start} on`,
      expected: `an end at byte ${limit} or before`,
    });
  }
  return start;
}

async function inflateMember(source: ByteSource, member: ZipMember, start: number, fail: Fail): Promise<Uint8Array> {
  const { name, size, packedSize } = member;
  if (size > MAX_DEFLATED_BYTES || size > packedSize * MAX_DEFLATE_RATIO) {
    fail('deflated member is too large', {
      seen: `${quoted(name)}: ${size} bytes out of ${packedSize}`,
      expected: `at most ${MAX_DEFLATED_BYTES}, and at most ${MAX_DEFLATE_RATIO} to one`,
      fix: 'pack the archive without compression, as torch.save does',
    });
  }
  const packed = new Blob([(await source.read(start, packedSize)) as Uint8Array<ArrayBuffer>]);
  const reader = packed.stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const out = new Uint8Array(size);
  let filled = 0;
  for (;;) {
    const { done, value } = await reader
      .read()
      .catch((cause: unknown) =>
        fail('deflated member is damaged', { seen: `${quoted(name)}: ${String(cause)}`, cause }),
      );
    if (done) break;
    if (value.length > size - filled) {
      await reader.cancel();
      fail('deflated member holds more than the zip directory says', { seen: quoted(name), expected: `${size} bytes` });
    }
    out.set(value, filled);
    filled += value.length;
  }
  if (filled < size) {
    fail('deflated member holds less than the zip directory says', {
      seen: `${filled} bytes in ${quoted(name)}`,
      expected: `${size}`,
    });
  }
  checkCrc(out, member, fail);
  return out;
}

function checkCrc(bytes: Uint8Array, { name, crc }: ZipMember, fail: Fail): void {
  // PyTorch writes 0 where it was told not to spend time on checksums.
  if (crc === 0) return;
  const seen = crc32(bytes);
  if (seen !== crc) {
    fail('checksum of a member of the zip archive is wrong', {
      seen: `${seen.toString(16)} for ${quoted(name)}`,
      expected: crc.toString(16),
      fix: 'fetch the file again',
    });
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 as zip archives use it (polynomial 0x04c11db7, reflected). */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
