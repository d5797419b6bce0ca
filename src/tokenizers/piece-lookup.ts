/**
 * SentencePiece's two plain algorithms: each word, or each character, is an entry of the vocabulary or unknown.
 * google/sentencepiece word_model.cc, char_model.cc; unknown neighbours become one token.
 */
import { byteToken } from './bpe.ts';
import type { Model, ModelToken } from './model.ts';
import type { Scan } from './split-patterns.ts';

/** A vocabulary of whole pieces as data. */
export interface PieceLookupOptions {
  readonly type: 'Word' | 'Char';
  readonly pieces: readonly string[];
  /** Id of each piece that text becomes. */
  readonly vocab: ReadonlyMap<string, number>;
  readonly unknown: number;
  /** Unknown text becomes its UTF-8 bytes, `<0xHH>`, where the vocabulary has them. */
  readonly byteFallback: boolean;
  /** Cuts a text into what is looked up. */
  readonly scan: Scan;
}

export class PieceLookup implements Model {
  readonly type: 'Word' | 'Char';
  readonly size: number;
  readonly unknownId: number;
  readonly #options: PieceLookupOptions;

  constructor(options: PieceLookupOptions) {
    this.type = options.type;
    this.size = options.pieces.length;
    this.unknownId = options.unknown;
    this.#options = options;
  }

  /** What the model was made from. */
  get options(): PieceLookupOptions {
    return this.#options;
  }

  tokenToId(token: string): number | undefined {
    const id = this.#options.vocab.get(token) ?? this.#options.pieces.indexOf(token);
    return id < 0 ? undefined : id;
  }

  idToToken(id: number): string | undefined {
    return this.#options.pieces[id];
  }

  tokenize(piece: string): ModelToken[] {
    const tokens: ModelToken[] = [];
    this.#each(piece, 0, piece.length, (id, start, end) => {
      if (id === this.unknownId) tokens.push({ id, start, end, text: piece.slice(start, end) });
      else tokens.push({ id, start, end });
    });
    return tokens;
  }

  appendIds(text: string, start: number, end: number, ids: number[]): void {
    this.#each(text, start, end, id => ids.push(id));
  }

  #each(text: string, from: number, to: number, sink: (id: number, start: number, end: number) => void): void {
    const { scan, vocab } = this.#options;
    let unknown = -1;
    const flush = (end: number) => {
      if (unknown >= 0) sink(this.unknownId, unknown, end);
      unknown = -1;
    };
    scan(text, from, to, (start, end) => {
      const piece = text.slice(start, end);
      const id = vocab.get(piece);
      const bytes = id === undefined ? this.#bytesOf(piece) : undefined;
      if (id === undefined && !bytes) {
        if (unknown < 0) unknown = start;
        return;
      }
      flush(start);
      if (id !== undefined) sink(id, start, end);
      bytes?.forEach((byte, i) => {
        sink(byte, start, i === bytes.length - 1 ? end : start);
      });
    });
    flush(to);
  }

  /** Id of each byte, -1 = none; made when the first is asked for. */
  #byteIds: Int32Array | undefined;

  /** Ids of the bytes of a piece, if the vocabulary has all of them. */
  #bytesOf(piece: string): number[] | undefined {
    if (!this.#options.byteFallback) return undefined;
    this.#byteIds ??= Int32Array.from({ length: 256 }, (_, byte) => this.tokenToId(byteToken(byte)) ?? -1);
    const table = this.#byteIds;
    const ids = Array.from(encoder.encode(piece), byte => table[byte]!);
    return ids.includes(-1) ? undefined : ids;
  }
}

const encoder = new TextEncoder();
