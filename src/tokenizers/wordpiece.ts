/**
 * WordPiece: the longest entry that a word begins with, then the longest one that goes on, and so to its end; a word that
 * gets stuck is unknown as a whole. Schuster & Nakajima 2012; as in BERT (Devlin et al. 2018, tokenization.py) and
 * huggingface/tokenizers models/wordpiece.
 */
import type { Model, ModelToken } from './model.ts';
import { Trie } from './trie.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WordCache } from './word-cache.ts';

/** A WordPiece model as data. */
export interface WordPieceOptions {
  readonly vocab: Vocabulary;
  readonly unknown: string;
  /** In front of entries that go on. */
  readonly continuingPrefix: string;
  /** Words of more characters are unknown. */
  readonly longestWord: number;
}

export class WordPiece implements Model {
  readonly type = 'WordPiece';
  readonly size: number;
  readonly unknownId: number;
  /** What the model was made from. */
  readonly options: WordPieceOptions;
  /** Code units of the longest entry. */
  readonly longestEntry: number;
  readonly #longestWord: number;
  readonly #trie: Trie;
  /** Where the entries that go on hang in the tree; -1 = there are none. */
  readonly #continuing: number;
  readonly #cache = new WordCache();
  /** Tokens of the latest word: `[id, end]` after each other. */
  readonly #found: number[] = [];

  /** Throws TokenizerError when the unknown token is not in the vocabulary. */
  constructor(options: WordPieceOptions) {
    const { vocab, unknown, continuingPrefix, longestWord } = options;
    this.options = options;
    this.size = vocab.size;
    this.unknownId = vocab.required(unknown, 'the unknown token');
    this.#longestWord = longestWord;
    this.#trie = vocab.trie();
    this.longestEntry = vocab.longest;
    this.#continuing = this.#trie.walk(continuingPrefix);
  }
  tokenToId(token: string): number | undefined {
    return this.options.vocab.id(token);
  }
  idToToken(id: number): string | undefined {
    return this.options.vocab.token(id);
  }
  tokenize(piece: string): ModelToken[] {
    if (piece === '') return [];
    if (!this.#match(piece, 0, piece.length)) return [{ id: this.unknownId, start: 0, end: piece.length }];
    const tokens: ModelToken[] = [];
    for (let i = 0, start = 0; i < this.#found.length; i += 2) {
      const end = this.#found[i + 1]!;
      tokens.push({ id: this.#found[i]!, start, end });
      start = end;
    }
    return tokens;
  }
  appendIds(text: string, start: number, end: number, ids: number[]): void {
    if (end === start || this.#cache.append(text, start, end, ids)) return;
    const from = ids.length;
    if (!this.#match(text, start, end)) ids.push(this.unknownId);
    else for (let i = 0; i < this.#found.length; i += 2) ids.push(this.#found[i]!);
    this.#cache.add(text, start, end, ids, from);
  }

  /** Finds the tokens of a word; false when it is unknown. */
  #match(text: string, start: number, end: number): boolean {
    this.#found.length = 0;
    if (end - start > this.#longestWord && longerThan(text, start, end, this.#longestWord)) return false;
    for (let at = start; at < end; ) {
      let node = at === start ? Trie.ROOT : this.#continuing;
      let place = -1;
      let stop = at;
      for (let i = at; i < end && node >= 0; ) {
        node = this.#trie.child(node, text.charCodeAt(i++));
        if (node === 0) break;
        const value = this.#trie.value(node);
        if (value >= 0) {
          place = value;
          stop = i;
        }
      }
      if (place < 0) return false;
      this.#found.push(this.options.vocab.idAt(place), stop - start);
      at = stop;
    }
    return true;
  }
}

/** Whether `[start, end)` has more than `most` characters. */
function longerThan(text: string, start: number, end: number, most: number): boolean {
  let count = 0;
  for (let i = start; i < end && count <= most; count++) i += text.codePointAt(i)! > 0xffff ? 2 : 1;
  return count > most;
}
