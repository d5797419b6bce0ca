/**
 * How far back the decoder and the recurrent network remember: the last sentence of a story repeats a word of its first one, 5 to 100
 * words before. The right word against nine of its kind in the same form.
 */
import { type LongRangeItem, longRange } from '../../src/evaluate/long-range.ts';
import type { Model } from '../../src/index.ts';
import { createRng } from '../../src/util/rng.ts';
import { sampleStory } from '../document.ts';
import type { KleinweltDocument } from '../sentence.ts';
import { createChoices } from '../world/choices.ts';
import type { ComparedPoint } from './comparison-chart.ts';

const DISTANCES = [5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100] as const;
const [SEED, EACH, OTHERS] = [505, 200, 9];
const STREAM = 74;

/** Items for every distance: the text before the word, the word, nine others that could stand there. */
export function recallItems(each = EACH): LongRangeItem[] {
  const told = DISTANCES.flatMap((distance, d) =>
    Array.from({ length: each }, (_, i) => {
      const language = i % 2 === 0 ? 'de' : 'en';
      return { distance, story: sampleStory(createChoices(SEED, STREAM, d, i), { language, split: 'test', distance }) };
    }),
  );
  const pools = new Map<string, Set<string>>();
  for (const { story } of told) {
    const pool = pools.get(kindOf(story)) ?? new Set();
    pools.set(kindOf(story), pool.add(story.story!.recall.answer));
  }
  return told.flatMap(({ distance, story }, i) => {
    const { sentence, word, answer } = story.story!.recall;
    const others = [...pools.get(kindOf(story))!]
      .filter(other => other !== answer && !story.text.includes(other))
      .sort();
    const rng = createRng(SEED, i);
    const distractors: string[] = [];
    while (others.length > 0 && distractors.length < OTHERS)
      distractors.push(...others.splice(rng.below(others.length), 1));
    const end = story.starts[sentence]! + story.sentences[sentence]!.words[word]!.start;
    const context = story.text.slice(0, end).trimEnd();
    const spaced = (text: string) => ` ${text}`;
    return distractors.length < OTHERS
      ? []
      : [{ context, answer: spaced(answer), distractors: distractors.map(spaced), distance }];
  });
}

/** Words that could stand in each other's place: of one language, one kind, one form. */
function kindOf({ language, sentences, story }: KleinweltDocument): string {
  const { sentence, word, answer } = story!.recall;
  const { pos, entity } = sentences[sentence]!.words[word]!;
  return [language, pos, entity?.type, pos === 'ADJ' && language === 'de' ? answer.slice(-2) : ''].join(' ');
}

export async function recallByDistance(model: Model, items: readonly LongRangeItem[]): Promise<ComparedPoint[]> {
  const { bins } = await longRange(model, items);
  return bins.map(({ from, accuracy: { value, low, high } }) => ({ x: from, value, low, high }));
}
