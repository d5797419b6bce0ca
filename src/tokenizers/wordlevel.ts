/** WordLevel: every piece is a token, or the unknown one. As in huggingface/tokenizers models/wordlevel. */
import { TokenizerError } from '../errors.ts';
import type { Model, ModelToken } from './model.ts';
import type { Vocabulary } from './vocabulary.ts';

export class WordLevel implements Model {
  readonly type = 'WordLevel';
  readonly size: number;
  /** Undefined when the vocabulary has no unknown token: other pieces are then an error. */
  readonly unknownId: number | undefined;
  readonly #vocabulary: Vocabulary;

  constructor(vocab: Vocabulary, unknown: string) {
    this.#vocabulary = vocab;
    this.size = vocab.size;
    this.unknownId = vocab.id(unknown);
  }
  tokenToId(token: string): number | undefined {
    return this.#vocabulary.id(token);
  }
  idToToken(id: number): string | undefined {
    return this.#vocabulary.token(id);
  }
  /** Throws TokenizerError for a piece that is no token, if there is no unknown one. */
  tokenize(piece: string): ModelToken[] {
    return [{ id: this.#idOf(piece), start: 0, end: piece.length }];
  }
  appendIds(text: string, start: number, end: number, ids: number[]): void {
    ids.push(this.#idOf(text.slice(start, end)));
  }

  #idOf(piece: string): number {
    const id = this.#vocabulary.id(piece) ?? this.unknownId;
    if (id !== undefined) return id;
    throw new TokenizerError('a word is not in the vocabulary, which has no unknown token', {
      seen: JSON.stringify(piece.slice(0, 60)),
      fix: 'name a token of the vocabulary as unk_token',
      where: 'model',
    });
  }
}
