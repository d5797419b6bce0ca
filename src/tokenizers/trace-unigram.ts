/**
 * How Unigram reaches the tokens of a piece: every entry at every place where it fits, and the best path through them (Kudo
 * 2018), which `Unigram.lattice` gives; here its unknown stretches become tokens.
 */
import { byteToken } from './bpe.ts';
import { widthAt } from './offsets.ts';
import type { TracedToken } from './trace.ts';
import type { LatticeEdge, Unigram } from './unigram.ts';

export interface UnigramTrace {
  readonly kind: 'Unigram';
  /** By start, then length. */
  readonly lattice: readonly LatticeEdge[];
  /** Log-probability of the best path. */
  readonly score: number;
  readonly tokens: readonly TracedToken[];
}

/** The lattice of a pre-tokenized piece. Throws TokenizerError as `tokenize` does. */
export function traceUnigram(model: Unigram, piece: string): UnigramTrace {
  const lattice = model.lattice(piece);
  const path = lattice.filter(edge => edge.best);
  const tokens: TracedToken[] = [];
  for (let i = 0; i < path.length; ) {
    const { id, text, start, end } = path[i++]!;
    if (id !== model.unknownId) {
      tokens.push({ id, text, start, end });
      continue;
    }
    let stop = end;
    while (path[i]?.id === model.unknownId) stop = path[i++]!.end;
    for (const token of unknownTokens(model, piece.slice(start, stop), start)) tokens.push(token);
  }
  return { kind: 'Unigram', lattice, score: path.at(-1)?.total ?? 0, tokens };
}

/** Neighbouring unknown characters are one token, or their bytes. */
function unknownTokens(model: Unigram, run: string, start: number): TracedToken[] {
  const { scores, byteFallback, library } = model.options;
  const end = start + run.length;
  const own = model.tokenToId(run);
  if (own !== undefined && !Number.isNaN(scores[own])) return [{ id: own, text: run, start, end }];
  // One library gives each byte the place of the whole run, the other one its last byte that of its character.
  const bytes: TracedToken[] = [];
  const push = (text: string, from: number, to: number, atEnd: boolean) =>
    utf8.encode(text).forEach((byte, i, all) => {
      const stop = !atEnd || i === all.length - 1 ? to : from;
      bytes.push({ id: model.tokenToId(byteToken(byte)) ?? -1, text: byteToken(byte), start: from, end: stop });
    });
  if (library === 'tokenizers') push(run, start, end, false);
  else
    for (let at = 0; at < run.length; at += widthAt(run, at)) {
      const char = run.slice(at, at + widthAt(run, at));
      push(char, start + at, start + at + char.length, true);
    }
  if (byteFallback && bytes.every(({ id }) => id >= 0)) return bytes;
  return [{ id: model.unknownId!, text: run, start, end }];
}
const utf8 = new TextEncoder();
