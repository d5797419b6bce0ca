import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { loadTokenizer } from '../tokenizers/index.ts';
import { perToken } from './comparison-view.ts';
import { widthOf } from './layout.ts';
import { runCli } from './run-cli.ts';
import { createPaint, type Terminal } from './terminal.ts';

const data = (name: string) => fileURLToPath(new URL(`../../test/tokenizers/data/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-tokenize-'));
afterAll(() => rmSync(folder, { recursive: true }));
const UNIGRAM = join(folder, 'tokenizer.json');
const pieces = [
  ['<unk>', 0],
  ['▁', -2],
  ['▁Haus', -5],
  ['boot', -4],
  ['b', -3],
  ['oo', -3],
  ['t', -1],
  ['H', -4],
];
writeFileSync(
  UNIGRAM,
  JSON.stringify({
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
    model: { type: 'Unigram', unk_id: 0, vocab: pieces },
  }),
);

const on =
  (terminal: Partial<Terminal> & { input?: string }) =>
  async (...argv: string[]) => {
    const fake = fakeTerminal(terminal);
    const code = await runCli(['tokenize', ...argv], fake, new AbortController().signal);
    return { code, out: fake.out(), err: fake.err(), lines: fake.out().trimEnd().split('\n') };
  };
const tokenize = on({});
const TEXT = 'Das Hausboot schläft. 🚤 中文 Donaudampfschifffahrtsgesellschaft 1234';
const KINDS = ['roberta-style', 'llama3-style', 'bert-german-cased-style', 'llama2-style', 'wordlevel', 'gpt1-style'];

describe('--trace', () => {
  it('draws merges as rows, the new symbol in brackets', async () => {
    const { lines } = await tokenize(data('roberta-style'), ' Hausboot', '--trace');
    const at = lines.findIndex(line => line.startsWith('  ·Hausboot →'));
    expect(lines[at + 1]).toMatch(/^ +rank {2}· H a u s b o o t$/);
    expect(lines[at + 2]).toMatch(/^ +\d+ {2}· H a \[us\] b o o t$/);
    expect(lines.some(line => /^ +\d+ {2}\[·Hausboot\]$/.test(line))).toBe(true);
  });
  it('shows the bytes of half a character', async () => {
    const { out } = await tokenize(data('llama3-style'), 'schläft', '--trace');
    expect(out).toContain('<C3> <A4>');
    expect(out).toContain('[ä]');
  });
  it('shows failed attempts and the entry that is found', async () => {
    const { out } = await tokenize(data('bert-german-cased-style'), 'Hausbootfahrt 中', '--trace', '--lang', 'de');
    expect(out).toMatch(/✗ Hausbootfahrt .*✓ Hausboot \d+/s);
    expect(out).toMatch(/^ +✓ ##fahrt \d+$/m);
    expect(out).toContain('kein Eintrag: unbekannt');
  });
  it('marks the best path of a lattice', async () => {
    const { lines } = await tokenize(UNIGRAM, 'Hausboot', '--trace');
    const rows = lines.filter(line => /\d–\d/.test(line)).map(line => line.trim().split(/\s+/));
    expect(rows.filter(([mark]) => mark === '●').map(row => row.slice(1))).toEqual([
      ['0–5', '▁Haus', '-5.000', '-5.000'],
      ['5–9', 'boot', '-4.000', '-9.000'],
    ]);
    expect(rows).toContainEqual(['0–1', '▁', '-2.000', '-2.000']);
    expect(rows).toContainEqual(['6–8', 'oo', '-3.000', '-11.000']);
  });
  it('gives the trace itself as JSON', async () => {
    const tokenizer = await loadTokenizer(data('wordlevel'));
    const { out } = await tokenize(data('wordlevel'), TEXT, '--trace', '--json');
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(tokenizer.trace(TEXT))));
  });
  it.each(
    [...KINDS.map(data), UNIGRAM].flatMap(path =>
      [40, 80, 140].map(columns => [basename(path), columns, path] as const),
    ),
  )('of %s fits into %i columns, and colours change nothing but colours', async (_, columns, path) => {
    const plain = await on({ columns })(path, TEXT, '--trace');
    expect(plain.code).toBe(0);
    for (const line of plain.lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
    const coloured = await on({ columns, paint: createPaint(true) })(path, TEXT, '--trace');
    expect(coloured.out).toContain('\x1b[');
    expect(coloured.out.replace(/\x1b\[[\d;]*m/g, '')).toBe(plain.out);
  });
  it('draws no merges of a piece that is too long for that', async () => {
    const { out, lines } = await tokenize(data('roberta-style'), 'en'.repeat(150), '--trace');
    expect(out).toContain('300 → too long to draw: --json lists the merges');
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  });
});

describe('--compare', () => {
  const three = ['roberta-style', 'bert-german-cased-style', 'llama2-style'].map(data);
  it('is a table, and columns where they fit', async () => {
    const { lines } = await on({ columns: 140 })('Hausbootfahrt', '--compare', ...three);
    expect(lines[0]).toMatch(/^Tokenizer +kind +vocabulary +tokens +chars\/token +bytes\/token$/);
    expect(lines[2]).toMatch(/^\S+bert-german-cased-style +WordPiece +1,125 +2 +6\.50 +6\.50$/);
    expect(lines[5]).toMatch(/^roberta-style +bert-german-cased-style +llama2-style$/);
    expect(lines[6]).toMatch(/^H +aus +boot +fahrt +Hausboot fahrt +Hausboot f +ah +rt$/);
    expect(lines[7]).toMatch(/^[\d ]+$/);
  });
  it.each([40, 64, 80, 140])('fits into %i columns', async columns => {
    const { lines, code } = await on({ columns, input: TEXT })('--compare', ...three);
    expect(code).toBe(0);
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
    for (const name of ['roberta-style', 'bert-german-cased-style', 'llama2-style'])
      expect(lines.slice(4).join('\n')).toContain(name);
  });
  it('counts characters as code points, and leaves out what is put around a text', async () => {
    const { out } = await tokenize('🚤', '--compare', data('roberta-style'), '--json');
    const { ids } = (await loadTokenizer(data('roberta-style'))).encode('🚤', { addSpecialTokens: false });
    expect(JSON.parse(out)).toMatchObject([
      {
        kind: 'BPE',
        vocabulary: 800,
        count: ids.length,
        ids,
        charactersPerToken: 1 / ids.length,
        bytesPerToken: 4 / ids.length,
      },
    ]);
    expect(perToken('', 0)).toEqual({ characters: null, bytes: null });
  });
  it('with --count is the table alone', async () => {
    const { lines } = await tokenize('Hausboot', '--count', '--compare', ...three);
    expect(lines).toHaveLength(4);
    const { out } = await tokenize('Hausboot', '--count', '--json', '--compare', ...three);
    for (const entry of JSON.parse(out) as object[]) expect(entry).not.toHaveProperty('ids');
  });
});

describe('which tokenizer', () => {
  it.each([
    [['a', 'b', '--compare', 'c'], '--compare names the tokenizer, so the only argument is the text: leave a out'],
    [['a', 'b', '--encoding', 'gpt-4o'], '--encoding names the tokenizer'],
    [['a', '--ranks', 'x.tiktoken'], '--ranks is the file of --encoding'],
    [['x', '--trace', '--compare', 'a', 'b'], '--compare and --trace contradict each other'],
    [['x', '--trace', '--count'], '--trace and --count contradict each other'],
    [['x', '--encoding', 'gpt-4', '--compare', 'a'], '--compare and --encoding contradict each other'],
    [[], 'TOKENIZER is missing'],
  ])('%j is refused', async (argv, message) => {
    const { code, err } = await tokenize(...argv);
    expect(code).toBe(2);
    expect(err.replace(/\s+/g, ' ')).toContain(message);
  });
  it('of a closed model says what it needs', async () => {
    const wrong = await tokenize('x', '--encoding', 'claude-3');
    expect([wrong.code, wrong.err.includes('the encoding of this model is not known')]).toEqual([1, true]);
    const own = join(data('o200k-style'), 'own.tiktoken');
    const ranks = await tokenize('x', '--encoding', 'gpt-4o', '--ranks', own);
    expect(ranks.code).toBe(1);
    expect(ranks.err).toContain('a rank file is not that of the encoding');
  });
});
