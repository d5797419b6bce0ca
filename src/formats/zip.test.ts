import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytesOf, u32, type ZipEntry, type ZipOptions, zipBytes } from '../../test/formats/torch-builder.ts';
import { type ByteSource, bytesSource, readTarget } from './source.ts';
import { crc32, openZip } from './zip.ts';

const data = bytesOf('0123456789');
const open = (entries: readonly ZipEntry[], options?: ZipOptions) =>
  openZip(bytesSource(zipBytes(entries, options), 'x'));
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

async function readAll(entries: readonly ZipEntry[], options?: ZipOptions): Promise<Record<string, string>> {
  const zip = await open(entries, options);
  const contents: Record<string, string> = {};
  for (const member of zip.members.values()) contents[member.name] = textOf(await zip.readWhole(member, 10_000));
  return contents;
}

describe('openZip', () => {
  it('computes checksums as the format says', () => expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926));

  it('reads stored and deflated members, in part and as a whole', async () => {
    const zip = await open([
      { name: 'a/', data: bytesOf() },
      { name: 'a/stored', data, padding: 40 },
      { name: 'a/deflated', data, deflated: deflateRawSync(data) },
      { name: 'empty', data: bytesOf() },
    ]);
    expect([...zip.members.keys()]).toEqual(['a/stored', 'a/deflated', 'empty']);
    for (const name of ['a/stored', 'a/deflated']) {
      const member = zip.members.get(name)!;
      expect(textOf(await zip.read(member, 3, 4))).toBe('3456');
      const into = new Uint8Array(6).fill(32);
      expect((await zip.read(member, 8, 2, into)).length).toBe(2);
      expect(textOf(into)).toBe('89    ');
      expect(textOf(await zip.readWhole(member, 10))).toBe('0123456789');
      await expect(zip.readWhole(member, 9)).rejects.toThrow(/too large; seen: 10 bytes/);
      await expect(zip.read(member, 9, 2)).rejects.toThrow(/outside the file.*stored" of x|deflated" of x/);
    }
  });

  it.each<[string, Partial<ZipEntry>, ZipOptions]>([
    ['sizes in zip64 fields', { wide: true }, {}],
    ['a zip64 end record', {}, { wide: true }],
    ['both', { wide: true }, { wide: true }],
    ['data descriptors', { flags: 8 }, {}],
    ['a comment', {}, { comment: 'PK\x05\x06 and so on, longer than an end record' }],
    ['names beyond ASCII', { localName: 'é', name: 'é' }, {}],
    ['a colon in a name, as in the names of runs', { name: 'loss:0.3/a' }, {}],
    ['no checksum', { crc: 0 }, {}],
  ])('reads archives with %s', async (_, entry, options) => {
    const first = { name: 'one', data, ...entry };
    const contents = await readAll([first, { name: 'two', data: bytesOf('2') }], options);
    expect(contents).toEqual({ [first.name]: '0123456789', two: '2' });
  });

  it('reads members beyond 4 GB', async () => {
    const far = 5 * 2 ** 30;
    const tail = zipBytes([
      { name: 'big', data: bytesOf('x'), packedSize: far, size: far, headerOffset: 0, wide: true },
    ]);
    const head = bytesOf('PK\x03\x04', new Uint8Array(22), 3, 0, 0, 0, 'big');
    const body = head.length + far;
    // Of the small archive only the directory is needed; its place is the end of the large member.
    const end = tail.slice(tail.findIndex((_, i) => textOf(tail.subarray(i, i + 4)) === 'PK\x01\x02'));
    end.set(u32(2 ** 32 - 1), end.length - 6);
    const directory = end.slice(0, -22);
    const ending = zipBytes([], { wide: true, count: 1 }).slice();
    new DataView(ending.buffer).setBigUint64(40, BigInt(directory.length), true);
    new DataView(ending.buffer).setBigUint64(48, BigInt(body), true);
    new DataView(ending.buffer).setBigUint64(56 + 8, BigInt(body + directory.length), true);
    const parts: [number, Uint8Array][] = [
      [0, head],
      [body, directory],
      [body + directory.length, ending],
    ];
    const source: ByteSource = {
      name: 'large',
      size: body + directory.length + ending.length,
      async read(offset, length, into) {
        const out = readTarget(source, offset, length, into);
        for (let i = 0; i < length; i++) {
          const [start, bytes] = parts.findLast(([from]) => from <= offset + i)!;
          out[i] = bytes[offset + i - start] ?? (offset + i) % 251;
        }
        return out;
      },
      async close() {},
    };
    const zip = await openZip(source);
    const member = zip.members.get('big')!;
    expect(member.size).toBe(far);
    const at = far - 3;
    expect([...(await zip.read(member, at, 3))]).toEqual([0, 1, 2].map(i => (head.length + at + i) % 251));
  });

  it.each<[string, readonly Partial<ZipEntry>[], ZipOptions, RegExp]>([
    ['a name given twice', [{ name: 'a' }, { name: 'a' }], {}, /name stands twice in the zip archive; seen: "a"/],
    ['a name that goes up', [{ name: '../a' }], {}, /no plain path; seen: "\.\.\/a"/],
    ['an absolute name', [{ name: '/a' }], {}, /no plain path; seen: "\/a"/],
    ['a name with a drive', [{ name: 'c:a' }], {}, /no plain path/],
    ['a name with control characters', [{ name: 'a\n' }], {}, /no plain path; seen: "a\\n"/],
    ['a name with a backslash', [{ name: 'a\\..\\b' }], {}, /no plain path/],
    ['a name with a dot folder', [{ name: 'a/./b' }], {}, /no plain path/],
    ['an empty name', [{ name: '' }], {}, /no plain path/],
    ['an encrypted member', [{ flags: 1 }], {}, /cannot be unpacked; seen: "a" by method 0, encrypted/],
    [
      'another method',
      [{ method: 12 }],
      {},
      /cannot be unpacked; seen: "a" by method 12; expected: stored or deflated/,
    ],
    ['a stored member of two sizes', [{ size: 11 }], {}, /stored member has two sizes; seen: 10 and 11/],
    [
      'members that overlap',
      [{ name: 'a' }, { name: 'b', headerOffset: 5 }],
      {},
      /reaches into what follows it; seen: "a"/,
    ],
    ['members in one place', [{ name: 'a' }, { name: 'b', headerOffset: 0 }], {}, /reaches into what follows it/],
    ['a member that reaches into the directory', [{ size: 50, packedSize: 50 }], {}, /reaches into what follows it/],
    ['a member behind the end', [{ headerOffset: 1e6 }], {}, /reaches into what follows it/],
    [
      'padding that pushes a member too far',
      [{ padding: 5, packedSize: 16, size: 16 }],
      {},
      /reaches into what follows/,
    ],
    ['another name in the local header', [{ localName: 'b' }], {}, /local header differs.*for "a"/],
    ['a wrong checksum', [{ crc: 7 }], {}, /checksum of a member.*seen: a684c7c6 for "a"; expected: 7/],
    ['too few entries', [{}], { count: 2 }, /directory is not complete; seen: 1 entries; expected: 2/],
    ['one of several disks', [{}], { disk: 1 }, /part of a set/],
    [
      'numbers beyond 2^53',
      [{ wide: true, size: 2 ** 60, packedSize: 2 ** 60 }],
      {},
      /zip64 field is missing or too large/,
    ],
    ['deflate that gives less', [{ deflated: deflateRawSync(data), size: 11 }], {}, /holds less than.*seen: 10 bytes/],
    [
      'deflate that gives more',
      [{ deflated: deflateRawSync(data), size: 9 }],
      {},
      /holds more than.*expected: 9 bytes/,
    ],
    ['damaged deflate', [{ deflated: bytesOf(7, 7, 7) }], {}, /deflated member is damaged; seen: "a"/],
    ['an impossible ratio', [{ deflated: bytesOf(3, 0), size: 5000 }], {}, /too large; seen: "a": 5000 bytes out of 2/],
  ])('refuses %s', async (_, entries, options, message) => {
    const full = entries.map(entry => ({ name: 'a', data, ...entry }));
    await expect(readAll(full, options)).rejects.toThrow(message);
    await expect(readAll(full, options)).rejects.toThrow(expect.objectContaining({ name: 'FormatError' }));
  });

  it('refuses a name that is no text', async () => {
    const bytes = zipBytes([{ name: 'a', data }]);
    bytes[bytes.length - 22 - 1] = 0xff;
    await expect(openZip(bytesSource(bytes, 'x'))).rejects.toThrow(/not valid UTF-8 \(in the directory of x\)/);
  });

  it('refuses what is cut or has something in front', async () => {
    const bytes = zipBytes([{ name: 'a', data }]);
    for (let length = 0; length < bytes.length; length++) {
      await expect(openZip(bytesSource(bytes.subarray(0, length), 'x'))).rejects.toThrow(/no directory at its end/);
    }
    await expect(openZip(bytesSource(bytesOf('hello', bytes), 'x'))).rejects.toThrow(
      /does not end where the end record/,
    );
  });
});
