/** Pieces of a SentencePiece model that have their ids in a vocabulary of their own, as in Marian and M2M-100 (load-piece-vocab.ts). */
import type { Model, ModelToken } from './model.ts';

/** Length of a language code such as `>>fra<<` that a text begins with, else 0. */
export function codeLength(text: string): number {
  if (!text.startsWith('>>')) return 0;
  const end = text.indexOf('<<');
  return end < 0 ? 0 : end + 2;
}

/** The pieces of one model under the ids of another vocabulary. */
export class PieceVocab implements Model {
  readonly type = 'PieceVocab';
  readonly size: number;
  readonly unknownId: number;
  /** Cuts texts into pieces, which have other ids there. */
  readonly pieces: Model;
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #tokens: ReadonlyMap<number, string>;
  /** Whether a language code may stand in front of a text. */
  readonly #codes: boolean;

  constructor(
    pieces: Model,
    vocab: ReadonlyMap<string, number>,
    decoded: ReadonlyMap<string, number>,
    options: { unknownId: number; codes: boolean },
  ) {
    this.size = vocab.size;
    this.unknownId = options.unknownId;
    this.pieces = pieces;
    this.#vocab = vocab;
    this.#tokens = new Map(Array.from(decoded, ([token, id]) => [id, token]));
    this.#codes = options.codes;
  }

  tokenToId(token: string): number | undefined {
    return this.#vocab.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens.get(id);
  }

  /** Length of the language code that a text begins with, else 0. */
  codeLength(text: string): number {
    return this.#codes ? codeLength(text) : 0;
  }

  /** What no piece covers is looked up as well: the other language may have it. */
  tokenize(text: string): ModelToken[] {
    const length = this.codeLength(text);
    const looked = (token: string, start: number, end: number): ModelToken => {
      const id = this.#vocab.get(token);
      return { id: id ?? this.unknownId, start, end, text: token };
    };
    const code = length > 0 ? [looked(text.slice(0, length), 0, length)] : [];
    const pieces = this.pieces.tokenize(text.slice(length));
    return [
      ...code,
      ...pieces.map(({ id, text: shown, start, end }) =>
        looked(shown ?? this.pieces.idToToken(id) ?? '', start + length, end + length),
      ),
    ];
  }

  appendIds(text: string, start: number, end: number, ids: number[]): void {
    for (const { id } of this.tokenize(text.slice(start, end))) ids.push(id);
  }
}
