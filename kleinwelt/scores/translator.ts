/** What the encoder-decoder writes, against the one right text. */
import { bleuCounts } from '../../src/evaluate/scores/index.ts';
import type { Model } from '../../src/index.ts';
import {
  dataToTextRows,
  spellingRows,
  summaryRows,
  type Task,
  type TextPairRow,
  translationRows,
} from '../tasks/index.ts';
import { first } from '../tasks/task.ts';
import type { Split } from '../world/split.ts';
import { figure, share } from './intervals.ts';
import type { Score } from './score.ts';

const [SEED, ROWS, BATCH] = [503, 500, 50];

export async function translatorScores(model: Model): Promise<Score[]> {
  const scores: Score[] = [];
  for (const [split, of, goal] of [
    ['test', 'unseen sentences', undefined],
    ['combination', 'unseen combinations of words', 90],
  ] as const)
    for (const language of ['de', 'en'] as const) {
      const { texts, truth } = await written(model, translationRows, split, language);
      const to = language === 'de' ? 'German to English' : 'English to German';
      const { rows, statistic } = bleuCounts(
        texts,
        truth.map(text => [text]),
      );
      scores.push(
        figure({ name: `bleu-${language}-${split}`, what: `BLEU, ${to}, ${of}`, goal }, 'points', rows, statistic),
      );
    }
  const spelling = await written(model, spellingRows, 'test');
  const equal = ({ texts, truth }: typeof spelling) => texts.map((text, i) => text === truth[i]);
  const words = spelling.texts.flatMap((text, i) => wordsRight(text, spelling.truth[i]!, spelling.sources[i]!));
  scores.push(
    share({ name: 'spelling-words', what: 'misspelt words restored', goal: 0.9 }, words),
    share({ name: 'spelling', what: 'sentences with up to three misspelt words wholly restored' }, equal(spelling)),
    share(
      { name: 'data-to-text', what: 'sentences written from data exactly' },
      equal(await written(model, dataToTextRows, 'test')),
    ),
    share(
      { name: 'summary', what: 'stories summarised exactly (story and summary are unseen)' },
      equal(await written(model, summaryRows, 'test')),
    ),
  );
  return scores;
}

async function written(model: Model, task: Task<TextPairRow>, split: Split, language?: 'de' | 'en') {
  const rows = first(task({ seed: SEED, split, language }), ROWS);
  const texts: string[] = [];
  for (let at = 0; at < rows.length; at += BATCH) {
    const sources = rows.slice(at, at + BATCH).map(({ source }) => model.tokenizer.encodeIds(source));
    for await (const event of model.generateIds(sources, { maxNewTokens: 64, temperature: 0 }))
      if (event.type === 'done')
        for (const { ids } of event.sequences)
          texts.push(model.tokenizer.decode([...ids], { skipSpecialTokens: true }).trim());
  }
  return { texts, truth: rows.map(({ target }) => target), sources: rows.map(({ source }) => source) };
}

/** For each misspelt word whether it came out right; of a text with another number of words none did. */
function wordsRight(text: string, truth: string, source: string): boolean[] {
  const [given, right, own] = [source.slice(source.indexOf(': ') + 2), truth, text].map(t => t.split(' '));
  return given!.flatMap((word, i) =>
    word === right![i] ? [] : [own!.length === right!.length && own![i] === right![i]],
  );
}
