/**
 * How WordPiece reaches the tokens of a word: at each place the candidates from the longest one down, up to the first that is
 * an entry (Devlin et al. 2018, tokenization.py).
 */
import { widthAt } from './offsets.ts';
import type { TracedToken } from './trace.ts';
import type { WordPiece } from './wordpiece.ts';

/** The search at one place of a word. */
export interface WordPieceMatch {
  /** Code units of the word. */
  readonly start: number;
  /** Candidates that are no entries, the longest first. What is longer than every entry is not tried. */
  readonly failed: readonly string[];
  /** The entry; undefined: the search ended without one, and the whole word is unknown. */
  readonly found: TracedToken | undefined;
}
export interface WordPieceTrace {
  readonly kind: 'WordPiece';
  /** The word has more characters than the model takes, and was not looked at. */
  readonly tooLong: boolean;
  readonly matches: readonly WordPieceMatch[];
  readonly tokens: readonly TracedToken[];
}

/** The matches of a pre-tokenized word. Takes O(n m) for a word of n characters and a longest entry of m. */
export function traceWordPiece(model: WordPiece, word: string): WordPieceTrace {
  const { longestWord, unknown } = model.options;
  const tooLong = [...word].length > longestWord;
  const matches: WordPieceMatch[] = [];
  for (let start = 0; start < word.length && !tooLong; ) {
    const match = matchAt(model, word, start);
    matches.push(match);
    if (!match.found) break;
    start = match.found.end;
  }
  const found = matches.map(match => match.found);
  const tokens =
    tooLong || found.includes(undefined)
      ? [{ id: model.unknownId, text: unknown, start: 0, end: word.length }]
      : found.filter(token => token !== undefined);
  return { kind: 'WordPiece', tooLong, matches, tokens };
}

function matchAt(model: WordPiece, word: string, start: number): WordPieceMatch {
  const prefix = start === 0 ? '' : model.options.continuingPrefix;
  const ends: number[] = [];
  for (let end = start; end < word.length && end - start + prefix.length < model.longestEntry; ) {
    end += widthAt(word, end);
    ends.push(end);
  }
  const failed: string[] = [];
  for (const end of ends.reverse()) {
    const text = prefix + word.slice(start, end);
    const id = model.tokenToId(text);
    if (id !== undefined) return { start, failed, found: { id, text, start, end } };
    failed.push(text);
  }
  return { start, failed, found: undefined };
}
