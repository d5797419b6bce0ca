/**
 * A trained SentencePiece model as a tokenizer.json that cuts texts as that library does. Characters are BPE without merges. One
 * thing such a file cannot say: neighbouring unknown words are one token there, and one each here.
 */
import type { SentencePiece, SentencePieceAlgorithm } from '../../formats/sentencepiece.ts';
import type { JsonObject } from '../json-fields.ts';

/** Runs of spaces become one, those at both ends go; what SentencePiece calls remove_extra_whitespaces. */
const SINGLE_SPACES: readonly JsonObject[] = [
  { type: 'Strip', strip_left: true, strip_right: true },
  { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
];

/** The parts of a tokenizer.json for pieces that were trained with the default rules for white space; `before`: what comes first. */
export function sentencePieceJson(
  pieces: readonly SentencePiece[],
  algorithm: SentencePieceAlgorithm,
  before: JsonObject | null,
) {
  const ids: Readonly<Record<string, number>> = Object.fromEntries(pieces.map(({ piece }, id) => [piece, id]));
  const byteFallback = pieces.some(({ type }) => type === 'byte');
  const bpe = (merges: readonly (readonly [string, string])[]): JsonObject => ({
    type: 'BPE',
    dropout: null,
    unk_token: '<unk>',
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    ignore_merges: false,
    vocab: ids,
    merges,
  });
  const models: Readonly<Record<SentencePieceAlgorithm, () => JsonObject>> = {
    unigram: () => ({
      type: 'Unigram',
      unk_id: 0,
      vocab: pieces.map(({ piece, score }) => [piece, score]),
      byte_fallback: byteFallback,
    }),
    bpe: () => bpe(mergesOf(pieces)),
    char: () => bpe([]),
    word: () => ({ type: 'WordLevel', vocab: ids, unk_token: '<unk>' }),
  };
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  return {
    model: models[algorithm](),
    ids: new Map(Object.entries(ids)),
    normalizer: { type: 'Sequence', normalizers: [...(before ? [before] : []), ...SINGLE_SPACES] },
    preTokenizer: metaspace,
    postProcessor: null,
    decoder: {
      type: 'Sequence',
      decoders: [...(byteFallback ? [{ type: 'ByteFallback' }] : []), metaspace],
    },
  };
}

/**
 * The pairs of pieces that make a piece, in the order in which SentencePiece joins them: by the score of what they make. Of several
 * pairs that make one it takes the leftmost in the text; here, as where the reference converts such models, the one of lower ids.
 */
function mergesOf(pieces: readonly SentencePiece[]): [string, string][] {
  const text = new Map(pieces.flatMap(({ piece, type }, id) => (type === 'normal' ? [[piece, id] as const] : [])));
  const byScore = pieces.filter(({ type }) => type === 'normal').sort((a, b) => b.score - a.score);
  return byScore.flatMap(({ piece }) => {
    const chars = [...piece];
    const pairs = chars
      .slice(1)
      .map((_, i): [string, string] => [chars.slice(0, i + 1).join(''), chars.slice(i + 1).join('')]);
    const id = (token: string) => text.get(token) ?? -1;
    return pairs
      .filter(pair => pair.every(side => text.has(side)))
      .sort((a, b) => id(a[0]) - id(b[0]) || id(a[1]) - id(b[1]));
  });
}
