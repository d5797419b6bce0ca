/**
 * Sentences as CoNLL-U, the format of Universal Dependencies (universaldependencies.org/format.html). In MISC stand what it has no
 * column for: `Entity=B-PER` (inside: `I-PER`) and `Antecedent=s:w`, the sentence in the document and the word in it, from 1.
 */

import type { KleinweltDocument, Sentence, Word } from './sentence.ts';

/** The documents, each with `# newdoc`; sentences have `# sent_id`, `# text` and end with an empty line. */
export function* conlluLines(documents: Iterable<KleinweltDocument>, name = 'kleinwelt'): Generator<string> {
  let number = 0;
  for (const { language, sentences } of documents) {
    const id = `${name}-${language}-${++number}`;
    yield `# newdoc id = ${id}`;
    for (const [i, sentence] of sentences.entries()) yield* sentenceLines(sentence, `${id}-${i + 1}`);
  }
}

function* sentenceLines({ text, words }: Sentence, id: string): Generator<string> {
  yield `# sent_id = ${id}`;
  yield `# text = ${text}`;
  for (const [i, word] of words.entries()) yield wordLine(word, i + 1, words[i + 1]);
  yield '';
}

/** ID, FORM, LEMMA, UPOS, XPOS, FEATS, HEAD, DEPREL, DEPS, MISC. */
function wordLine(word: Word, id: number, next: Word | undefined): string {
  const { text, lemma, pos, features, head, relation, entity, antecedent } = word;
  const misc = [
    ...(antecedent ? [`Antecedent=${antecedent.sentence + 1}:${antecedent.word + 1}`] : []),
    ...(entity ? [`Entity=${entity.begin ? 'B' : 'I'}-${entity.type}`] : []),
    ...(next && next.start === word.end ? ['SpaceAfter=No'] : []),
  ];
  // Nothing is compared in Kleinwelt.
  const all = pos === 'ADJ' ? { ...features, Degree: 'Pos' } : features;
  return [id, text, lemma, pos, '_', pairs(all), head + 1, relation, '_', misc.join('|') || '_'].join('\t');
}

/** `Case=Acc|Number=Sing`, in the order that the format asks for: by name, without regard to capitals. */
function pairs(features: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(features).sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  return sorted.map(([name, value]) => `${name}=${value}`).join('|') || '_';
}
