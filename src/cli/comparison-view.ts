/** `heed tokenize --compare`: the same text cut by several tokenizers, side by side. */
import type { Encoding, Tokenizer } from '../tokenizers/index.ts';
import { cut, padEnd, table, widthOf } from './layout.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';
import { tokenRows } from './token-rows.ts';

/** One of the tokenizers and what it makes of the text. */
export interface Compared {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly encoding: Encoding;
}

const NARROWEST = 22;
const GAP = 3;

/** Characters (code points) and UTF-8 bytes of a text for each token; null where there is no token. */
export function perToken(text: string, tokens: number): { characters: number | null; bytes: number | null } {
  if (tokens === 0) return { characters: null, bytes: null };
  return { characters: [...text].length / tokens, bytes: new TextEncoder().encode(text).length / tokens };
}

/** A table of numbers; below it the pieces, in columns where there is room for all of them. */
export function comparisonView(
  compared: readonly Compared[],
  text: string,
  terminal: Terminal,
  say: Say,
  numbers: Numbers,
  onlyCounts: boolean,
): string {
  const lines = countTable(compared, text, terminal, say, numbers);
  if (!onlyCounts && text !== '') lines.push('', ...pieceColumns(compared, text, terminal));
  return lines.join('\n').trimEnd();
}

function countTable(
  compared: readonly Compared[],
  text: string,
  { columns, paint }: Terminal,
  say: Say,
  numbers: Numbers,
): string[] {
  const share = (x: number | null) => (x === null ? '–' : numbers.fixed(x, 2));
  const right = { align: 'right' } as const;
  const rows = compared.map(({ name, tokenizer, encoding }) => {
    const { characters, bytes } = perToken(text, encoding.ids.length);
    return {
      name,
      tokenizer,
      count: numbers.count(encoding.ids.length),
      characters: share(characters),
      bytes: share(bytes),
    };
  });
  // What matters least goes first where it is narrow.
  const fields = [
    { title: say('tokenizer'), of: (row: (typeof rows)[number]) => row.name, from: 0, column: { shrinks: true } },
    { title: say('kind'), of: (row: (typeof rows)[number]) => row.tokenizer.model.type, from: 64, column: {} },
    {
      title: say('vocabulary'),
      of: (row: (typeof rows)[number]) => numbers.count(row.tokenizer.vocabSize),
      from: 76,
      column: right,
    },
    { title: say('tokens'), of: (row: (typeof rows)[number]) => row.count, from: 0, column: right },
    { title: say('charactersEach'), of: (row: (typeof rows)[number]) => row.characters, from: 0, column: right },
    { title: say('bytesEach'), of: (row: (typeof rows)[number]) => row.bytes, from: 52, column: right },
  ].filter(({ from }) => columns >= from);
  const [head, ...body] = table(
    [fields.map(({ title }) => title), ...rows.map(row => fields.map(({ of }) => of(row)))],
    fields.map(({ column }) => column),
    columns,
  );
  return [paint.bold(head!), ...body];
}

/** The tokens of each, next to each other, or below each other where a column would be too narrow. */
function pieceColumns(compared: readonly Compared[], text: string, { columns, paint }: Terminal): string[] {
  const width = Math.floor((columns + GAP) / compared.length) - GAP;
  const short = [...new Set(compared.map(({ name }) => shortName(name)))];
  const blockOf = ({ name, encoding, tokenizer }: Compared, room: number) => [
    paint.bold(cut(short.length === compared.length ? shortName(name) : name, room)),
    ...tokenRows(encoding, text, tokenizer, room, paint),
  ];
  const blocks = compared.map(entry => blockOf(entry, width));
  const fits = width >= NARROWEST && blocks.every(block => block.every(line => widthOf(line) <= width));
  if (!fits) return compared.flatMap(entry => blockOf(entry, columns));
  const height = Math.max(...blocks.map(block => block.length));
  return Array.from({ length: height }, (_, i) =>
    blocks
      .map(block => padEnd(block[i] ?? '', width))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** The end of a path, which tells tokenizers of one folder apart. */
const shortName = (name: string) => name.replace(/\/+$/, '').split('/').slice(-1)[0] || name;
