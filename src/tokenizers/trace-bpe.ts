/**
 * How BPE reaches the tokens of a piece: its first symbols, and the merges in their order with the row of symbols after each.
 * The same rules as in bpe.ts (Sennrich et al. 2016), written for reading: a linked list of symbols and a queue.
 */
import { type Bpe, byteToken } from './bpe.ts';
import { toByteChars } from './byte-alphabet.ts';
import { MergeQueue, NO_RANK } from './merge-queue.ts';
import { widthAt } from './offsets.ts';
import type { TracedToken } from './trace.ts';

/** Two neighbours that became one symbol. */
export interface BpeMerge {
  readonly left: string;
  readonly right: string;
  /** Place in the list of merges; the lowest one comes first. */
  readonly rank: number;
  /** The symbol they became. */
  readonly token: string;
  readonly id: number;
  /** Which of the first symbols the left one begins with. */
  readonly at: number;
  /** All symbols after this merge. Left out above 256 first symbols, where the rows together would be too long. */
  readonly symbols?: readonly string[];
}
/** A stretch of a piece that merges do not leave. */
export interface BpeStretch {
  /**
   * Why merges did not matter: a symbol that stands for itself, or an entry of a vocabulary that is asked first. `merges` are
   * then those that lead to the same entry, if there are.
   */
  readonly whole?: 'frozen' | 'entry';
  /** The symbols before the first merge: bytes or characters. */
  readonly symbols: readonly TracedToken[];
  readonly merges: readonly BpeMerge[];
}
export interface BpeTrace {
  readonly kind: 'BPE';
  /** Symbols are bytes, written in the byte alphabet: `Ġ` is a space. */
  readonly bytes: boolean;
  readonly stretches: readonly BpeStretch[];
  readonly tokens: readonly TracedToken[];
}

/** Above this many symbols a merge does not list all of them. */
const MAX_ROW = 256;

/** The merges of a pre-tokenized piece. Takes time O(n log n) for n symbols, and space O(n) above 256 of them. */
export function traceBpe(model: Bpe, piece: string): BpeTrace {
  const stretches: BpeStretch[] = [];
  const tokens: TracedToken[] = [];
  for (const { start, end, frozen } of model.stretches(piece)) {
    const text = piece.slice(start, end);
    if (frozen !== undefined) {
      const symbols = [tokenOf(model, frozen, start, end)];
      stretches.push({ whole: 'frozen', symbols, merges: [] });
      tokens.push(...symbols);
      continue;
    }
    const symbols = firstSymbols(model, text).map(symbol => shifted(symbol, start));
    const { merges, left } = mergeAll(model, symbols);
    const entry = entryOf(model, text);
    if (entry === undefined) {
      stretches.push({ symbols, merges });
      for (const symbol of left) pushUsable(model, symbol, tokens);
      continue;
    }
    const token = tokenOf(model, entry, start, end);
    const reached = left.length === 1 && left[0]!.id === entry;
    stretches.push({ whole: 'entry', ...(reached ? { symbols, merges } : { symbols: [token], merges: [] }) });
    tokens.push(token);
  }
  return { kind: 'BPE', bytes: model.options.bytes, stretches, tokens };
}

const tokenOf = (model: Bpe, id: number, start: number, end: number): TracedToken => ({
  id,
  text: model.idToToken(id)!,
  start,
  end,
});
const shifted = (token: TracedToken, by: number): TracedToken => ({
  ...token,
  start: token.start + by,
  end: token.end + by,
});

/** The entry that a stretch is as a whole, where that comes before all merges. */
function entryOf({ options }: Bpe, text: string): number | undefined {
  return options.ignoreMerges ? options.vocab.id(options.bytes ? toByteChars(text) : text) : undefined;
}

/** What merging starts from: the ids of the bytes or of the characters; for unknown ones their bytes, or the unknown token. */
function firstSymbols(model: Bpe, text: string): TracedToken[] {
  const { vocab, bytes, byteFallback, fuseUnknown, continuingPrefix = '', endSuffix = '' } = model.options;
  const symbols: TracedToken[] = [];
  const pushUnknown = (start: number, end: number) => {
    const last = symbols.at(-1);
    if (model.unknownId === undefined) return;
    const fused = fuseUnknown && last?.id === model.unknownId ? symbols.pop()!.start : start;
    symbols.push(tokenOf(model, model.unknownId, fused, end));
  };
  for (let start = 0; start < text.length; ) {
    const end = start + widthAt(text, start);
    const char = text.slice(start, end);
    const written = (start > 0 ? continuingPrefix : '') + char + (end === text.length ? endSuffix : '');
    const known = bytes ? undefined : vocab.id(written);
    const fallback = bytes ? [...toByteChars(char)] : Array.from(utf8.encode(char), byteToken);
    const ids = fallback.map(byte => vocab.id(byte));
    if (known !== undefined) symbols.push(tokenOf(model, known, start, end));
    else if (bytes || (byteFallback && !ids.includes(undefined)))
      for (const id of ids) {
        if (id === undefined) pushUnknown(start, end);
        else symbols.push(tokenOf(model, id, start, end));
      }
    else pushUnknown(start, end);
    start = end;
  }
  return symbols;
}
const utf8 = new TextEncoder();

/** Joins the pair of lowest rank, the leftmost of equal ones, until no pair has a rank. */
function mergeAll(
  model: Bpe,
  symbols: readonly TracedToken[],
): { readonly merges: BpeMerge[]; readonly left: TracedToken[] } {
  const { merges: table } = model.options;
  const { length } = symbols;
  /** The symbol that begins at a place, and the places of its neighbours. */
  const row = [...symbols];
  const next = symbols.map((_, at) => at + 1);
  const previous = symbols.map((_, at) => at - 1);
  const current = () => {
    const list: TracedToken[] = [];
    for (let at = 0; at < length; at = next[at]!) list.push(row[at]!);
    return list;
  };
  const pairAt = (at: number) => (next[at]! < length ? table.find(row[at]!.id, row[next[at]!]!.id) : -1);
  const rankOf = (at: number) => (pairAt(at) < 0 ? NO_RANK : table.rankAt(pairAt(at)));
  const queue = new MergeQueue();
  queue.reset(length, rankOf);
  const merges: BpeMerge[] = [];
  for (let rank = queue.lowest(); rank !== NO_RANK; rank = queue.lowest()) {
    const at = queue.first();
    const absorbed = next[at]!;
    const [left, right] = [row[at]!, row[absorbed]!];
    const joined = tokenOf(model, table.resultAt(pairAt(at)), left.start, right.end);
    row[at] = joined;
    next[at] = next[absorbed]!;
    if (next[at]! < length) previous[next[at]!] = at;
    const before = Math.max(previous[at]!, 0);
    queue.put(absorbed, NO_RANK);
    queue.put(at, rankOf(at));
    queue.put(before, rankOf(before));
    queue.settle(before, at, absorbed);
    merges.push({
      left: left.text,
      right: right.text,
      rank,
      token: joined.text,
      id: joined.id,
      at,
      ...(length <= MAX_ROW && { symbols: current().map(({ text }) => text) }),
    });
  }
  return { merges, left: current() };
}

/** A symbol, or its parts where the vocabulary has it only as a step of merging. */
function pushUsable(model: Bpe, symbol: TracedToken, tokens: TracedToken[]): void {
  let { start } = symbol;
  const open = [symbol.id];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const parts = model.partsOfUnused(id);
    if (parts) for (const part of parts.toReversed()) open.push(part);
    else {
      const end = open.length === 0 ? symbol.end : start + model.idToToken(id)!.length;
      tokens.push(tokenOf(model, id, start, end));
      start = end;
    }
  }
}
