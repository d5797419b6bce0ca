/** Documents: what a language model of Kleinwelt reads. A story or a single sentence, with its exact log-probability. */

import { ConfigError } from '../src/errors.ts';
import { adjectives } from './lexicon/adjectives.ts';
import { realize } from './realize.ts';
import type { KleinweltDocument, Recall, Sentence } from './sentence.ts';
import type { RecallKind } from './world/cast.ts';
import type { Choices } from './world/choices.ts';
import type { WordPlace } from './world/draft.ts';
import type { Frame, Language } from './world/frame.ts';
import { sentenceFrame } from './world/sentences.ts';
import { fits, hasHeldOut, type Split } from './world/split.ts';
import { type StoryOptions, type StoryPlan, storyPlan } from './world/story.ts';

/** The share of documents that are stories. */
export const storyShare = 0.7;

export interface DocumentOptions {
  /** Chosen, both alike, where it is not given; only then the choice counts. */
  readonly language?: Language;
  /** `train` where it is not given. */
  readonly split?: Split;
}

/** A story (70 %) or a sentence. */
export function sampleDocument(choices: Choices, options: DocumentOptions = {}): KleinweltDocument {
  const { split = 'train' } = options;
  return ofSplit(choices, split, () => {
    const language = options.language ?? choices.pick(languages);
    return choices.chance(storyShare)
      ? storyDocument(choices, language, split, {})
      : sentenceDocument(choices, language, split);
  });
}

const languages: readonly Language[] = ['de', 'en'];

/** A single sentence. */
export function sampleSentence(
  choices: Choices,
  options: DocumentOptions = {},
): Sentence & { readonly logProbability: number } {
  const { split = 'train' } = options;
  const document = ofSplit(choices, split, () =>
    sentenceDocument(choices, options.language ?? choices.pick(languages), split),
  );
  return { ...document.sentences[0]!, logProbability: document.logProbability };
}

/** The meaning of a single sentence, for both languages. */
export function sampleFrame(choices: Choices, split: Split = 'train'): Frame {
  const start = choices.logProbability;
  for (;;) {
    const frame = sentenceFrame({ choices, split });
    if (split === 'combination' ? hasHeldOut(frame) : fits(frame, split, choices)) return frame;
    choices.rewind(start);
  }
}

export interface SampleStoryOptions extends DocumentOptions {
  /**
   * How many words (without punctuation) recall is behind fact, 5 to 100. Stories are drawn until the distance is met within
   * 5 % (at least two words); their log-probability is that of the free story all the same.
   */
  readonly distance?: number;
}

/** A story. Throws `ConfigError` for a distance that is out of range. */
export function sampleStory(choices: Choices, options: SampleStoryOptions = {}): KleinweltDocument {
  const { split = 'train', distance } = options;
  if (distance !== undefined && !(distance >= 5 && distance <= 100)) {
    throw new ConfigError('no story with this distance', { seen: `${distance}`, expected: '5 to 100 words' });
  }
  const start = choices.logProbability;
  for (;;) {
    const language = options.language ?? choices.pick(languages);
    const document = ofSplit(choices, split, () => storyDocument(choices, language, split, shape(choices, distance)));
    const off = Math.abs(document.story!.recall.distanceInWords - (distance ?? 0));
    if (distance === undefined || off <= Math.max(2, distance * 0.05)) return document;
    choices.rewind(start);
  }
}

/** How many events of which length come near a distance. */
function shape(choices: Choices, distance: number | undefined): StoryOptions {
  if (distance === undefined) return {};
  const start = choices.logProbability;
  const most = Math.min(8, Math.max(1, Math.floor((distance - 4) / 5)));
  const least = Math.min(most, Math.max(1, Math.ceil((distance - 6) / 12)));
  const events = least + Math.floor(choices.pick(tenths) * (most - least + 1));
  choices.rewind(start);
  return { events, long: Math.min(1, Math.max(0, (distance / events - 5.5) / 6)) };
}

const tenths = Array.from({ length: 10 }, (_, index) => index / 10);

function ofSplit(choices: Choices, split: Split, make: () => KleinweltDocument): KleinweltDocument {
  const start = choices.logProbability;
  for (;;) {
    const document = make();
    if (split !== 'combination' || document.sentences.some(sentence => hasHeldOut(sentence.frame))) {
      return { ...document, logProbability: choices.logProbability - start };
    }
    choices.rewind(start);
  }
}

function sentenceDocument(choices: Choices, language: Language, split: Split): KleinweltDocument {
  const sentence = realize(sampleFrame(choices, split), language);
  return { language, text: sentence.text, sentences: [sentence], starts: [0], logProbability: 0 };
}

function storyDocument(choices: Choices, language: Language, split: Split, options: StoryOptions): KleinweltDocument {
  return realizeStory(storyPlan({ choices, split }, options), language);
}

/** A story's plan in a language. Its log-probability is the sampler's to know and is 0 here. */
export function realizeStory(plan: StoryPlan, language: Language): KleinweltDocument {
  const sentences: Sentence[] = [];
  const starts: number[] = [];
  const earlier = new Map<number, WordPlace>();
  let text = '';
  for (const [number, frame] of plan.frames.entries()) {
    const sentence = realize(frame, language, number, earlier);
    if (text !== '') text += ' ';
    starts.push(text.length);
    text += sentence.text;
    sentences.push(sentence);
  }
  const { summary, characters, recall } = plan;
  const story = { summary, characters, recall: recallOf(sentences, recall), plan };
  return { language, text, sentences, starts, logProbability: 0, story };
}

function recallOf(sentences: readonly Sentence[], kind: RecallKind): Recall {
  const last = sentences.length - 1;
  const word = recallWord(sentences[last]!, kind);
  const fact = recallWord(sentences[0]!, kind);
  let distanceInWords = 0;
  for (const [number, { words }] of sentences.entries()) {
    for (const [index, { pos }] of words.entries()) {
      const behindFact = number > 0 || index > fact;
      const upToRecall = number < last || index <= word;
      if (behindFact && upToRecall && pos !== 'PUNCT') distanceInWords++;
    }
  }
  const answer = sentences[last]!.words[word]!.text;
  return { sentence: last, word, answer, fact: { sentence: 0, word: fact }, distanceInWords };
}

function recallWord({ words, frame, language }: Sentence, kind: RecallKind): number {
  const key = frame.main.patient?.adjective ?? '';
  const adjective = language === 'en' ? key : (adjectives.get(key)?.de ?? '');
  const fits = {
    adjective: (index: number) => words[index]!.pos === 'ADJ' && words[index]!.lemma === adjective,
    name: (index: number) => words[index]!.entity?.type === 'ANIMAL',
    town: (index: number) => words[index]!.entity?.type === 'LOC',
  }[kind];
  const found = words.findIndex((_, index) => fits(index));
  if (found < 0) throw new ConfigError('a story without its fact', { seen: words.map(word => word.text).join(' ') });
  return found;
}
