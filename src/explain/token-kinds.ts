/** Which tokens of a row are punctuation, and which only mark where something begins or ends. */
import type { CorpusRow } from './corpus.ts';
import type { ExplainedModel } from './explained-model.ts';

export interface TokenKinds {
  /** `.`, `,`, `„` ... by themselves. */
  isPunctuation(id: number): boolean;
  /** [CLS], [SEP], <s> ...: added around a text, or one of the vocabulary's special tokens. */
  isSeparator(row: CorpusRow, place: number): boolean;
  isSpecial(id: number): boolean;
}

export function tokenKinds(model: ExplainedModel): TokenKinds {
  const { tokenizer } = model.parts;
  const punctuation = new Map<number, boolean>();
  const isSpecial = (id: number) => tokenizer?.allSpecialIds.has(id) ?? false;
  return {
    isPunctuation(id) {
      let known = punctuation.get(id);
      if (known === undefined) {
        known = tokenizer !== undefined && !isSpecial(id) && /^[\p{P}\p{S}]+$/u.test(tokenizer.decode([id]).trim());
        punctuation.set(id, known);
      }
      return known;
    },
    isSeparator: (row, place) => row.added[place] === 1 || isSpecial(row.ids[place]!),
    isSpecial,
  };
}
