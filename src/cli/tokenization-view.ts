/** `heed tokenize --trace`: the way from a text to its tokens, stage by stage. */
import { byteOfChar } from '../tokenizers/byte-alphabet.ts';
import type {
  BpeStretch,
  BpeTrace,
  LookupStep,
  ModelTrace,
  TokenizationTrace,
  Tokenizer,
  TracedAddedToken,
  TracedPiece,
  TracedStretch,
  TracedToken,
  UnigramTrace,
  WordPieceTrace,
} from '../tokenizers/index.ts';
import { cut, padStart, table, widthOf, wrap } from './layout.ts';
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { Paint, Terminal } from './terminal.ts';
import { tokenRows, visible } from './token-rows.ts';

interface Context {
  readonly columns: number;
  readonly paint: Paint;
  readonly say: Say;
  readonly numbers: Numbers;
}

/** The page, without a line end. Equal pieces are shown once. */
export function tokenizationView(
  trace: TokenizationTrace,
  tokenizer: Tokenizer,
  { columns, paint }: Terminal,
  say: Say,
  numbers: Numbers,
): string {
  const context = { columns, paint, say, numbers };
  const stretches = trace.parts.filter(part => part.kind === 'text');
  const inner = trace.parts.flatMap(part => (part.kind === 'text' ? part.parts : [part]));
  const added = inner.filter(part => part.kind === 'added');
  const pieces = inner.filter(part => part.kind === 'piece');
  const stage = (title: string, lines: readonly string[], note = '') =>
    lines.length === 0
      ? []
      : [
          `${paint.bold(title)}  ${paint.dim(note)}`.trimEnd(),
          ...lines.map(line => (line === '' ? '' : `  ${line}`)),
          '',
        ];
  const around = trace.template.flatMap(item => ('ids' in item ? item.tokens.map(paint.magenta) : ['…']));
  return [
    ...stage(say('stageText'), [cut(visible(trace.text), columns - 2)], countOf([...trace.text].length, say, numbers)),
    ...stage(
      say('stageAdded'),
      flow(
        added.map(token => addedText(token, context)),
        context,
      ),
    ),
    ...normalizedStage(stretches, context, stage),
    ...stage(say('stagePieces'), flow(alternating(pieces, context), context), numbers.count(pieces.length)),
    ...stage(say('stageModel'), modelLines(pieces, context), tokenizer.model.type),
    ...stage(say('stageAround'), around.length > 1 ? flow(around, context) : []),
    ...stage(
      say('stageTokens'),
      tokenRows(trace.encoding, trace.text, tokenizer, columns - 2, paint).slice(0, -1),
      numbers.count(trace.encoding.ids.length),
    ),
  ]
    .join('\n')
    .trimEnd();
}

const countOf = (n: number, say: Say, numbers: Numbers) =>
  `${numbers.count(n)} ${say(n === 1 ? 'character' : 'characters')}`;

const addedText = ({ text, id, start, end }: TracedAddedToken, { columns }: Context) =>
  `${cut(visible(text), columns - 24)} ${id} (${start}–${end})`;

const alternating = (pieces: readonly TracedPiece[], { paint, columns }: Context) =>
  pieces.map(({ text }, i) => (i % 2 === 0 ? paint.mark : paint.mark2)(cut(visible(text), columns - 2)));

/** Names parts of a text so that each has room in a line, with an id behind it. */
const fitting =
  ({ columns }: Context) =>
  (text: string) =>
    cut(visible(text), columns - 16);

/** A remark of a line or more behind an indent of four cells. */
const remark = (text: string, { columns, paint }: Context) =>
  wrap(text, columns - 4)
    .split('\n')
    .map(line => paint.dim(line));

/** Words in lines that fit behind an indent of `indent`. */
function flow(words: readonly string[], { columns }: Context, indent = 2): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns - indent) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

type Stage = (title: string, lines: readonly string[], note?: string) => string[];

/** The normalized text, and what became of which characters. */
function normalizedStage(stretches: readonly TracedStretch[], context: Context, stage: Stage): string[] {
  const { columns, paint, say } = context;
  const title = say('stageNormalized');
  if (stretches.every(({ text, normalized }) => text === normalized))
    return [`${paint.bold(title)}  ${paint.dim(say('unchanged'))}`, ''];
  const changes = [...new Set(stretches.flatMap(changesOf))].map(change => paint.yellow(change));
  const text = cut(stretches.map(({ normalized }) => visible(normalized)).join(' '), columns - 2);
  return stage(title, [text, ...flow(changes, context)]);
}

/** `Ä→ae` for each stretch of a text that became another one. */
function changesOf({ start, text, normalized, alignment }: TracedStretch): string[] {
  const changes: string[] = [];
  let done = start;
  const note = (from: number, to: number, became: string) => {
    const before = text.slice(from - start, to - start);
    if (before !== became) changes.push(`${visible(before) || '∅'}→${visible(became) || '∅'}`);
  };
  for (let at = 0; at < normalized.length; ) {
    const [from, to] = alignment[at]!;
    let stop = at + 1;
    while (stop < normalized.length && alignment[stop]![0] < to) stop++;
    if (from > done) note(done, from, '');
    note(from, to, normalized.slice(at, stop));
    done = Math.max(done, to);
    at = stop;
  }
  note(done, start + text.length, '');
  return changes;
}

/** Each different piece with what the model did; pieces of one step side by side. */
function modelLines(pieces: readonly TracedPiece[], context: Context): string[] {
  const { paint, columns } = context;
  const byText = new Map(pieces.map(piece => [piece.text, piece]));
  const lines: string[] = [];
  let simple: string[] = [];
  const flush = () => {
    for (const line of flow(simple, context)) lines.push(line);
    simple = [];
  };
  for (const { text, model } of byText.values()) {
    const label = symbolText(model.kind === 'BPE' && model.bytes);
    const name = (token: TracedToken) => cut(label(token.text), columns - 16);
    const tokens = model.tokens.map(token => `${paint.green(name(token))} ${paint.dim(String(token.id))}`);
    const steps = stepLines(model, context);
    const head = [`${paint.bold(cut(visible(text), columns - 8))} →`, ...tokens];
    if (steps.length === 0) {
      simple.push(`${head.join(' ')}  `);
      continue;
    }
    flush();
    for (const line of [...flow(head, context), ...steps.map(step => `  ${step}`), '']) lines.push(line);
  }
  flush();
  if (lines.at(-1) === '') lines.pop();
  return lines.map(line => line.trimEnd());
}

function stepLines(model: ModelTrace, context: Context): string[] {
  switch (model.kind) {
    case 'BPE':
      return mergeLines(model, context);
    case 'WordPiece':
      return matchLines(model, context);
    case 'Unigram':
      return latticeLines(model, context);
    case 'PieceVocab':
      return [...stepLines(model.cut, context), ...lookupLines(model.lookups, context)];
    default:
      return lookupLines(model.lookups, context);
  }
}

/** What was looked up, where not all of it was found. */
function lookupLines(lookups: readonly LookupStep[], context: Context): string[] {
  const show = fitting(context);
  if (lookups.every(({ id }) => id !== undefined)) return [];
  return flow(
    lookups.map(({ text, id }) => (id === undefined ? `✗ ${show(text)}` : `✓ ${show(text)} ${id}`)),
    context,
    4,
  );
}

/** Names symbols: of those that are bytes their text, or the bytes in hexadecimal where they are no text by themselves. */
function symbolText(bytes: boolean): (symbol: string) => string {
  return symbol => {
    const codes = Array.from(symbol, char => byteOfChar(char.charCodeAt(0)));
    if (!bytes || codes.includes(-1)) return visible(symbol);
    const values = Uint8Array.from(codes);
    try {
      return visible(strict.decode(values));
    } catch {
      return `<${Array.from(values, value => value.toString(16).toUpperCase().padStart(2, '0')).join(' ')}>`;
    }
  };
}
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The symbols after each merge, the new one marked, its rank in front. */
function mergeLines({ stretches, bytes }: BpeTrace, context: Context): string[] {
  const { paint, say, numbers } = context;
  const label = symbolText(bytes);
  const drawn = stretches.flatMap(({ merges }) => merges.filter(({ symbols }) => symbols !== undefined));
  const rankWidth = drawn.reduce((most, { rank }) => Math.max(most, String(rank).length), widthOf(say('rank')));
  const room = context.columns - rankWidth - 6;
  const row = (rank: string, text: string) => `${paint.dim(padStart(rank, rankWidth))}  ${text}`;
  return stretches.flatMap(stretch => {
    const { whole, symbols, merges } = stretch;
    const [first] = symbols;
    if (whole === 'entry' && merges.length === 0 && first!.end > first!.start + 1)
      return remark(say('wholeEntry'), context);
    const start = cut(symbols.map(({ text }) => label(text)).join(' '), room);
    if (merges.length === 0) return symbols.length > 1 ? [start] : [];
    if (merges[0]!.symbols === undefined)
      return remark(`${numbers.count(symbols.length)} → ${say('tooManySymbols')}`, context);
    return [
      row(say('rank'), start),
      ...mergeRows(stretch, label, room, paint).map((text, i) => row(String(merges[i]!.rank), text)),
    ];
  });
}

/** A row of symbols for each merge. Where it is too long, what is far from the new symbol is left out. */
function mergeRows({ symbols, merges }: BpeStretch, label: (symbol: string) => string, room: number, paint: Paint) {
  const places = symbols.map((_, i) => i);
  return merges.map(({ at, symbols: row = [] }) => {
    const index = places.indexOf(at);
    places.splice(index + 1, 1);
    const texts = row.map(label);
    const marked = cut(`[${texts[index]}]`, room - 4);
    let [from, to, width] = [index, index + 1, widthOf(marked)];
    // Both sides grow by turns; four cells are for an ellipsis on each.
    for (let grown = true; grown; ) {
      grown = false;
      const [before, after] = [texts[from - 1], texts[to]];
      if (before !== undefined && width + widthOf(before) + 1 <= room - 4) {
        width += widthOf(before) + 1;
        from--;
        grown = true;
      }
      if (after !== undefined && width + widthOf(after) + 1 <= room - 4) {
        width += widthOf(after) + 1;
        to++;
        grown = true;
      }
    }
    return [
      ...(from > 0 ? ['…'] : []),
      ...texts.slice(from, index),
      paint.green(marked),
      ...texts.slice(index + 1, to),
      ...(to < texts.length ? ['…'] : []),
    ].join(' ');
  });
}

/** For each place of a word the candidates up to the entry. */
function matchLines({ matches, tooLong }: WordPieceTrace, context: Context): string[] {
  const { paint, say } = context;
  const show = fitting(context);
  if (tooLong) return remark(say('wordTooLong'), context);
  if (matches.length === 1 && matches[0]!.found && matches[0]!.failed.length === 0) return [];
  return matches.flatMap(({ failed, found }) =>
    flow(
      [
        ...failed.map(text => paint.dim(`✗ ${show(text)}`)),
        found ? `${paint.green(`✓ ${show(found.text)}`)} ${paint.dim(String(found.id))}` : paint.red(say('noEntry')),
      ],
      context,
      4,
    ),
  );
}

/** A line for each edge of the lattice; those of the best path are marked. */
function latticeLines({ lattice }: UnigramTrace, context: Context): string[] {
  const { paint, say, numbers, columns } = context;
  if (lattice.length === 1) return [];
  const right = { align: 'right' } as const;
  const number = (x: number) => numbers.fixed(x, 3);
  // The place of an entry in the piece shows in its indent, where there is room.
  const indented = columns >= 100 && lattice.at(-1)!.end <= 40;
  const titles = [' ', say('place'), say('piece'), say('score'), say('bestSum')];
  const rows = lattice.map(({ start, end, text, score, total, best }) => [
    best ? '●' : ' ',
    `${start}–${end}`,
    (indented ? ' '.repeat(start) : '') + fitting(context)(text),
    number(score),
    number(total),
  ]);
  const shown = columns < 52 ? 4 : 5;
  const lines = table(
    [titles, ...rows].map(row => row.slice(0, shown)),
    [{}, right, { shrinks: true }, right, right],
    columns - 4,
  );
  return lines.map((line, i) => (i === 0 ? paint.dim(line) : lattice[i - 1]!.best ? paint.green(line) : line));
}
