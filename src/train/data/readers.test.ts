import { describe, expect, it } from 'vitest';
import { type ByteSource, bytesSource } from '../../formats/index.ts';
import { lines } from './lines.ts';
import { type ReadCsvOptions, readCsv } from './read-csv.ts';
import { readJsonl } from './read-jsonl.ts';
import { readRows } from './read-rows.ts';
import { readText } from './read-text.ts';
import type { Row } from './row.ts';

const file = (text: string | Uint8Array, name = 'file') =>
  bytesSource(typeof text === 'string' ? new TextEncoder().encode(text) : text, name);
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
const fields = async (rows: AsyncIterable<Row>) => (await all(rows)).map(row => row.fields);
const csv = (text: string, options?: ReadCsvOptions) => fields(readCsv(file(text, 'a.csv'), options));

describe('lines', () => {
  it('have numbers and ends, and no byte order mark', async () => {
    expect(await all(lines(file('\ufeffa\r\n\nb\n \u00e4')))).toEqual([
      { text: 'a', end: '\r\n', number: 1 },
      { text: '', end: '\n', number: 2 },
      { text: 'b', end: '\n', number: 3 },
      { text: ' ä', end: '', number: 4 },
    ]);
    expect(await all(lines(file('')))).toEqual([]);
    expect((await all(lines(file('a\rb\n')))).map(line => line.text)).toEqual(['a\rb']);
  });
  it('are the same across pieces of a large file, of which little is read at once', async () => {
    const whole = Array.from({ length: 300_000 }, (_, i) => `line ${i} ${'ü'.repeat(i % 7)}`);
    const inner = file(whole.join('\n'));
    let most = 0;
    const source: ByteSource = {
      ...inner,
      read: (offset, length) => {
        most = Math.max(most, length);
        return inner.read(offset, length);
      },
    };
    const read = await all(lines(source));
    expect(read.map(line => line.text)).toEqual(whole);
    expect(read.at(-1)!.number).toBe(300_000);
    expect(inner.size).toBeGreaterThan(5 * most);
  });
  it('that are not UTF-8 or never end are refused with their number', async () => {
    const bad = new Uint8Array([...new TextEncoder().encode('ok\nfine\nb'), 0xe4, 0x72, 10]);
    await expect(all(lines(file(bad, 'latin1.txt')))).rejects.toThrow(/not valid UTF-8.*latin1.txt, line 3/);
    // The end of a file in the middle of a character.
    await expect(all(lines(file(new Uint8Array([0x61, 10, 0xc3]))))).rejects.toThrow(/line 2/);
    const long = file(new Uint8Array(3 << 20).fill(97), 'long.txt');
    await expect(all(lines(long, 1 << 20))).rejects.toThrow(/line is too long.*long.txt, line 1/);
  });
});

describe('text files', () => {
  const text = 'One.\nTwo.\n\n\nThree.\r\n';
  it('are read by line, paragraph or document', async () => {
    const by = async (sampleBy: 'line' | 'paragraph' | 'document', keepLinebreaks = false) =>
      (await fields(readText(file(text), { sampleBy, keepLinebreaks }))).map(row => row.text);
    expect(await by('line')).toEqual(['One.', 'Two.', '', '', 'Three.']);
    expect(await by('paragraph')).toEqual(['One.\nTwo.', 'Three.']);
    expect(await by('document')).toEqual(['One.\nTwo.\n\n\nThree.']);
    for (const kept of ['line', 'paragraph', 'document'] as const) expect((await by(kept, true)).join('')).toBe(text);
    expect(await by('paragraph', true)).toEqual(['One.\nTwo.\n\n\n', 'Three.\r\n']);
  });
  it('may have any number of empty lines inside', async () => {
    const text = `a${'\n'.repeat(300_000)}b\r\n`;
    const [row] = await fields(readText(file(text), { sampleBy: 'document' }));
    expect(row!.text).toBe(text.slice(0, -2));
  });
  it('name the line where a row starts', async () => {
    const rows = await all(readText(file('\n\nx\ny\n\nz', 'f.txt'), { sampleBy: 'paragraph' }));
    expect(rows.map(row => row.where)).toEqual(['f.txt, line 3', 'f.txt, line 6']);
    await expect(all(readText(file('x'), { sampleBy: 'word' as 'line' }))).rejects.toThrow(/no such sampleBy/);
  });
});

describe('JSON lines', () => {
  it('are objects, one a line', async () => {
    expect(await fields(readJsonl(file('{"a": 1}\r\n\n  {"a": "x\\n"}')))).toEqual([{ a: 1 }, { a: 'x\n' }]);
  });
  it('that are none are refused with their number', async () => {
    await expect(all(readJsonl(file('{}\n{"a": }', 'd.jsonl')))).rejects.toThrow(/not JSON.*d.jsonl, line 2/);
    await expect(all(readJsonl(file('[1]', 'd.jsonl')))).rejects.toThrow(/no JSON object.*line 1/);
  });
});

describe('comma-separated values', () => {
  it('follow RFC 4180', async () => {
    expect(await csv('\ufefftext,label\r\n"a, ""b""\r\nc",1\r\n\r\nplain,\r\n"",""\r\n')).toEqual([
      { text: 'a, "b"\r\nc', label: '1' },
      { text: 'plain', label: '' },
      { text: '', label: '' },
    ]);
    expect(await csv('a\n"x"\n""""\n","')).toEqual([{ a: 'x' }, { a: '"' }, { a: ',' }]);
    expect(await csv('a,b\n"1","2\n3\n\n4"\n5,6')).toEqual([
      { a: '1', b: '2\n3\n\n4' },
      { a: '5', b: '6' },
    ]);
  });
  it('may have tabs, names of their own, or no quotes', async () => {
    expect(await csv('1\t2', { delimiter: '\t', columns: ['x', 'y'] })).toEqual([{ x: '1', y: '2' }]);
    expect(await csv('a\tb\n5" pipe\t"x', { delimiter: '\t', quotes: false })).toEqual([{ a: '5" pipe', b: '"x' }]);
    expect(await csv(',a\n0,x')).toEqual([{ 'Unnamed: 0': '0', a: 'x' }]);
    const rows = readRows(file('a\tb\nc\td', 'folder.csv/data.TSV'));
    expect(await fields(rows)).toEqual([{ a: 'c', b: 'd' }]);
    expect(() => readRows(file('', 'a.parquet'))).toThrow(/no reader.*\.csv/);
  });
  it.each([
    ['a,b\n1,2\n1,2,3', /another number of fields.*seen: 3.*expected: 2: a, b.*line 3/],
    ['a,b\n1', /seen: 1/],
    ['a,b\n"1\n2",3\nx,"y\nz', /quote is not closed.*starts in line 4/],
    ['a\n5" pipe', /quote inside an unquoted field.*line 2/],
    ['a,b\n"x"y,1', /text behind a closing quote.*line 2/],
    ['a,a\n1,2', /different names.*a twice/],
  ])('refuse %j', async (text, message) => {
    await expect(csv(text)).rejects.toThrow(message);
  });
  it('are read in time that grows with their length', async () => {
    const quoted = `a\n"${'x\n'.repeat(200_000)}"`;
    expect(await csv(quoted)).toEqual([{ a: 'x\n'.repeat(200_000) }]);
  });
});
