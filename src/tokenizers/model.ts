/** What every tokenizer model offers: pieces of text in, token ids out. */

/** A token of a piece; `start` and `end` are code units of the piece, on character boundaries. */
export interface ModelToken {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** The token's text where it is not the vocabulary's entry, e.g. the text behind an unknown token. */
  readonly text?: string;
}

/** A vocabulary and the rule that cuts a pre-tokenized piece into its entries. */
export interface Model {
  /** As in the `model.type` of tokenizer.json. */
  readonly type: string;
  /** Number of entries. */
  readonly size: number;
  /** The token for text without a better one. */
  readonly unknownId: number | undefined;
  tokenize(piece: string): ModelToken[];
  /** Appends only the ids of `tokenize(text.slice(start, end))`. */
  appendIds(text: string, start: number, end: number, ids: number[]): void;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
}
