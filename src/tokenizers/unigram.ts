/**
 * Unigram: of all ways to cut a piece into entries of the vocabulary, the one with the highest sum of log-probabilities, found
 * by Viterbi's algorithm (Kudo 2018). Two libraries define it, and they differ in the last bits: huggingface/tokenizers
 * models/unigram adds in 64 bits, google/sentencepiece unigram_model.cc keeps its sums in 32. Where two paths differ only in
 * their rounding, as in `-----`, versions of the latter disagree with each other. Positions are UTF-16 code units.
 */
import { TokenizerError } from '../errors.ts';
import { byteToken } from './bpe.ts';
import type { Model, ModelToken } from './model.ts';
import { widthAt } from './offsets.ts';
import { PackedTexts } from './packed-texts.ts';
import { Trie } from './trie.ts';

/** Sums over a long text stay finite, also in single precision: of an infinite one there is no best path. */
const MOST_SCORE = 1e28;

/** Whose arithmetic and whose places for byte tokens to follow. */
export type UnigramLibrary = 'tokenizers' | 'sentencepiece';

/** A Unigram model as data. */
export interface UnigramOptions {
  /** The entries; their ids are their places. Of an entry that stands twice `tokenizers` uses the later id, the other refuses it. */
  readonly pieces: PackedTexts | readonly string[];
  /** The log-probability of each entry; NaN for one that no text becomes: control tokens of a SentencePiece model. */
  readonly scores: ArrayLike<number>;
  /** Undefined: a character that no entry covers is an error. */
  readonly unknown: number | undefined;
  /** What an unknown character adds to the sum. */
  readonly unknownScore: number;
  /** Unknown text becomes its UTF-8 bytes, `<0xHH>`, where the vocabulary has them. */
  readonly byteFallback: boolean;
  readonly library: UnigramLibrary;
}

/** An entry of the vocabulary where it could stand in a piece. */
export interface LatticeEdge {
  readonly id: number;
  readonly text: string;
  /** Code units of the piece. */
  readonly start: number;
  readonly end: number;
  /** Log-probability. */
  readonly score: number;
  /** Sum of the best path from the beginning of the piece that ends with this edge. */
  readonly total: number;
  /** Whether the best path of the whole piece goes along here. */
  readonly best: boolean;
}

/** How far below the least likely entry an unknown character is. */
export const UNKNOWN_PENALTY = 10;
/** Code for text without an entry; ids are never negative. */
const NO_ENTRY = -1;
const MAX_CACHED_WORDS = 50_000;
const MAX_CACHED_LENGTH = 64;
/** Scratch space up to this size is kept for the next piece, however short that is. */
const KEPT_UNITS = 1 << 16;

/** A Unigram model. Keeps the tokens of up to 50,000 short pieces. */
export class Unigram implements Model {
  readonly type = 'Unigram';
  readonly size: number;
  readonly unknownId: number | undefined;
  readonly #options: Omit<UnigramOptions, 'pieces'>;
  readonly #pieces: PackedTexts;
  readonly #trie: Trie;
  readonly #scores: Float64Array;
  /** Ids of the entries that stand in no text. */
  readonly #hidden = new Map<string, number>();
  /** Id of each byte, -1 if it has none. */
  readonly #byteIds: Int32Array | undefined;
  /** The sum of the best path to each position near the current one, in a ring; -Infinity where none is known. */
  readonly #totals: Float64Array | Float32Array;
  readonly #longest: number;
  /** Length of the last token of the best path to each position; after the search, of the token that begins there. */
  #lengths: Uint8Array | Uint32Array;
  readonly #cache = new Map<string, readonly number[]>();

  /** Throws TokenizerError for an unknown token that is no entry, and for a score that is no log-probability. */
  constructor(options: UnigramOptions) {
    const { pieces, ...rest } = options;
    const { unknown, library } = rest;
    this.#options = rest;
    this.#pieces = pieces instanceof PackedTexts ? pieces : PackedTexts.of(pieces);
    this.size = pieces.length;
    this.unknownId = unknown;
    if (unknown !== undefined && unknown >= pieces.length)
      throw new TokenizerError('the unknown token is not in the vocabulary', {
        seen: `id ${unknown}`,
        expected: `below ${pieces.length}`,
        where: 'model',
      });
    this.#scores = options.scores instanceof Float64Array ? options.scores : new Float64Array(options.scores);
    const { units, ends } = this.#pieces;
    const places: number[] = [];
    let longest = 2;
    for (let id = 0, start = 0; id < pieces.length; id++) {
      const end = ends[id]!;
      const score = this.#scores[id]!;
      if (Math.abs(score) > MOST_SCORE)
        throw new TokenizerError('the score of a piece is no log-probability', {
          seen: `${score}`,
          expected: `at most ${MOST_SCORE} on either side of 0`,
          where: `piece ${id}`,
        });
      // What ends within a character is in no text, and would be looked for in the middle of one.
      const inside = end > start && (units.charCodeAt(end - 1) & 0xfc00) === 0xd800;
      if (Number.isNaN(score) || end === start || inside) this.#hidden.set(units.slice(start, end), id);
      else {
        places.push(id);
        if (end - start > longest) longest = end - start;
      }
      start = end;
    }
    this.#trie = new Trie(this.#pieces, Int32Array.from(places), (before, place) => {
      if (library === 'sentencepiece')
        throw new TokenizerError('a piece stands twice in the vocabulary', {
          seen: JSON.stringify(this.#pieces.at(place)),
          where: `pieces ${before} and ${place}`,
        });
    });
    this.#longest = longest;
    let ring = 4;
    while (ring <= longest) ring *= 2;
    this.#totals = this.#newTotals(ring);
    this.#lengths = this.#newLengths(1024);
    if (options.byteFallback)
      this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => this.tokenToId(byteToken(byte)) ?? NO_ENTRY);
  }

  /** What the model was made from, but for the entries. */
  get options(): Omit<UnigramOptions, 'pieces'> {
    return this.#options;
  }

  tokenToId(token: string): number | undefined {
    const id = this.#entry(token, 0, token.length);
    return id === NO_ENTRY ? this.#hidden.get(token) : id;
  }

  idToToken(id: number): string | undefined {
    return this.#pieces.at(id);
  }

  tokenize(piece: string): ModelToken[] {
    const word = this.#word(piece);
    const tokens: ModelToken[] = [];
    for (let i = 0; i < word.length; i += 3) {
      const [id, start, end] = [word[i]!, word[i + 1]!, word[i + 2]!];
      if (id === this.unknownId) tokens.push({ id, start, end, text: piece.slice(start, end) });
      else tokens.push({ id, start, end });
    }
    return tokens;
  }

  appendIds(text: string, start: number, end: number, ids: number[]): void {
    if (end - start > MAX_CACHED_LENGTH) {
      this.#cut(text, start, end, id => ids.push(id));
      return;
    }
    const word = this.#word(text.slice(start, end));
    for (let i = 0; i < word.length; i += 3) ids.push(word[i]!);
  }

  /**
   * Every entry at every place of a piece where it fits, by start and length, with the best path marked: how the tokens came
   * about. Unknown characters are edges with the unknown token. Throws TokenizerError as `tokenize` does.
   */
  lattice(piece: string): LatticeEdge[] {
    const lengths = Array.from(this.#search(piece, 0, piece.length).subarray(0, piece.length));
    const totals = this.#newTotals(piece.length + 1).fill(Number.NEGATIVE_INFINITY, 1);
    const edges: LatticeEdge[] = [];
    let next = 0;
    for (let start = 0; start < piece.length; start += widthAt(piece, start)) {
      const step = (id: number, end: number, score: number) => {
        const total = totals[start]! + score;
        if (total > totals[end]!) totals[end] = total;
        const best = start === next && end - start === lengths[start]!;
        edges.push({ id, text: piece.slice(start, end), start, end, score, total, best });
      };
      const char = start + widthAt(piece, start);
      let whole = false;
      let node = Trie.ROOT;
      for (let end = start; end < piece.length; ) {
        node = this.#trie.child(node, piece.charCodeAt(end++));
        if (node === 0) break;
        const id = this.#trie.value(node);
        if (id < 0) continue;
        if (end === char) whole = true;
        step(id, end, this.#scores[id]!);
      }
      if (!whole) step(this.unknownId!, char, this.#options.unknownScore);
      if (start === next) next += lengths[start]!;
    }
    return edges;
  }

  /** The id of the entry that is `text[start, end)`, or -1. */
  #entry(text: string, start: number, end: number): number {
    let node = Trie.ROOT;
    for (let i = start; i < end; i++) {
      node = this.#trie.child(node, text.charCodeAt(i));
      if (node === 0) return NO_ENTRY;
    }
    return this.#trie.value(node);
  }

  /** The tokens of a piece, `[id, start, end]` after each other. */
  #word(piece: string): readonly number[] {
    const known = this.#cache.get(piece);
    if (known) return known;
    const word: number[] = [];
    this.#cut(piece, 0, piece.length, (id, from, to) => word.push(id, from, to));
    if (piece.length > MAX_CACHED_LENGTH) return word;
    if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear();
    this.#cache.set(piece, word);
    return word;
  }

  #newTotals(count: number): Float64Array | Float32Array {
    return this.#options.library === 'sentencepiece' ? new Float32Array(count) : new Float64Array(count);
  }

  #newLengths(units: number): Uint8Array | Uint32Array {
    return this.#longest < 256 ? new Uint8Array(units) : new Uint32Array(units);
  }

  /**
   * Finds the best path of `text[start, end)`; the result holds, for each place where a token begins, its length. One length
   * per unit is all that is kept, since a long text without a space has paths that stay apart from its first unit to its last.
   */
  #search(text: string, start: number, end: number): Uint8Array | Uint32Array {
    const count = end - start;
    if (this.#lengths.length <= count || this.#lengths.length > Math.max(KEPT_UNITS, 4 * count))
      this.#lengths = this.#newLengths(count + 1024);
    const lengths = this.#lengths;
    const totals = this.#totals;
    const mask = totals.length - 1;
    const scores = this.#scores;
    const trie = this.#trie;
    const { unknownScore } = this.#options;
    totals.fill(Number.NEGATIVE_INFINITY);
    totals[start & mask] = 0;
    for (let at = start; at < end; ) {
      const total = totals[at & mask]!;
      totals[at & mask] = Number.NEGATIVE_INFINITY;
      const char = at + widthAt(text, at);
      let whole = false;
      let node = Trie.ROOT;
      for (let stop = at; stop < end; ) {
        node = trie.child(node, text.charCodeAt(stop++));
        if (node === 0) break;
        const id = trie.value(node);
        if (id < 0) continue;
        if (stop === char) whole = true;
        const sum = total + scores[id]!;
        if (sum > totals[stop & mask]!) {
          totals[stop & mask] = sum;
          lengths[stop - start] = stop - at;
        }
      }
      if (!whole) {
        if (this.unknownId === undefined)
          throw new TokenizerError('a text has a character that is not in the vocabulary, which has no unknown token', {
            seen: JSON.stringify(text.slice(at, char)),
          });
        const sum = total + unknownScore;
        if (sum > totals[char & mask]!) {
          totals[char & mask] = sum;
          lengths[char - start] = char - at;
        }
      }
      at = char;
    }
    let next = 0;
    for (let at = count; at > 0; ) {
      const length = lengths[at]!;
      lengths[at] = next;
      next = length;
      at -= length;
    }
    lengths[0] = next;
    return lengths;
  }

  /** Gives the tokens of `text[start, end)`. */
  #cut(text: string, start: number, end: number, sink: TokenSink): void {
    const lengths = this.#search(text, start, end);
    /** Where a run of unknown characters began, or -1. */
    let unknown = -1;
    for (let at = start; at < end; ) {
      const stop = at + lengths[at - start]!;
      const id = this.#entry(text, at, stop);
      if (id === NO_ENTRY || id === this.unknownId) {
        if (unknown < 0) unknown = at;
      } else {
        if (unknown >= 0) this.#giveUnknown(text, unknown, at, sink);
        unknown = -1;
        sink(id, at, stop);
      }
      at = stop;
    }
    if (unknown >= 0) this.#giveUnknown(text, unknown, end, sink);
  }

  /** A run of unknown characters: its bytes, or one token. */
  #giveUnknown(text: string, from: number, to: number, sink: TokenSink): void {
    const own = this.#entry(text, from, to);
    if (own !== NO_ENTRY) sink(own, from, to);
    else if (!this.#giveBytes(text, from, to, sink)) sink(this.unknownId!, from, to);
  }

  /** Gives the `<0xHH>` tokens of a run, if the vocabulary has all of them. */
  #giveBytes(text: string, from: number, to: number, sink: TokenSink): boolean {
    const byteIds = this.#byteIds;
    if (!byteIds) return false;
    const bytes = encoder.encode(text.slice(from, to));
    if (bytes.some(byte => byteIds[byte] === NO_ENTRY)) return false;
    if (this.#options.library === 'tokenizers') {
      for (const byte of bytes) sink(byteIds[byte]!, from, to);
      return true;
    }
    // Only the last byte of a character takes its place; the others are empty.
    for (let at = from; at < to; ) {
      const end = at + widthAt(text, at);
      const own = encoder.encode(text.slice(at, end));
      for (const [i, byte] of own.entries()) sink(byteIds[byte]!, at, i === own.length - 1 ? end : at);
      at = end;
    }
    return true;
  }
}

/** Receives the tokens of a text in order, with their places in it. */
type TokenSink = (id: number, from: number, to: number) => void;

const encoder = new TextEncoder();
