/**
 * Zero-shot classification: labels that the model was never trained on, each put into a sentence that the text may entail. Yin,
 * Hay, Roth 2019, "Benchmarking Zero-shot Text Classification". Runs on models of natural language inference.
 */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { softmax } from '../util/softmax.ts';
import { flag, text, textOrTexts } from './option-checks.ts';
import { classLogits, type PairOptions } from './pair-logits.ts';
import { labelsOf, topPlaces } from './scores-to-labels.ts';
import { type Calls, defineTask, isText } from './task.ts';

export interface ZeroShotOptions extends PairOptions {
  /** The labels, as a list or with commas between them. */
  readonly candidateLabels: string | readonly string[];
  /** The sentence about the text; the label stands for `{}`. Default `This example is {}.` */
  readonly hypothesisTemplate?: string | undefined;
  /** Each label for itself, so that several can be true. Default false: scores of all labels sum to 1. */
  readonly multiLabel?: boolean | undefined;
}
/** The labels with the highest score first. */
export interface ZeroShotResult {
  readonly sequence: string;
  readonly labels: string[];
  readonly scores: number[];
}
export type ZeroShotClassification = Calls<string, ZeroShotOptions, ZeroShotResult>;

const TEMPLATE = 'This example is {}.';

export const task = defineTask<string, ZeroShotOptions, ZeroShotResult>({
  name: 'zero-shot-classification',
  heads: ['sequenceClassification'],
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: { candidateLabels: textOrTexts, hypothesisTemplate: text, multiLabel: flag, truncation: flag },
  async run(model, texts, options) {
    const { candidateLabels, hypothesisTemplate = TEMPLATE, multiLabel = false } = options;
    const labels = listOf(candidateLabels);
    if (!hypothesisTemplate.includes('{}'))
      throw new ConfigError('a template without a place for the label', {
        seen: JSON.stringify(hypothesisTemplate),
        expected: '{} where the label goes',
        where: 'hypothesisTemplate',
      });
    const { entails, contradicts } = inferenceClasses(model);
    const pairs = texts.flatMap(text =>
      labels.map(label => ({ text, textPair: hypothesisTemplate.replaceAll('{}', () => label) })),
    );
    const logits = await classLogits(model, pairs, options, 'only_first');
    return texts.map((sequence, i) => {
      const rows = logits.slice(i * labels.length, (i + 1) * labels.length);
      const scores =
        multiLabel || labels.length === 1
          ? rows.map(row => softmax([row[contradicts]!, row[entails]!])[1]!)
          : softmax(rows.map(row => row[entails]!));
      const order = topPlaces(scores, labels.length);
      return { sequence, labels: order.map(k => labels[k]!), scores: order.map(k => scores[k]!) };
    });
  },
});

function listOf(labels: ZeroShotOptions['candidateLabels'] | undefined): string[] {
  const list = typeof labels === 'string' ? labels.split(',').map(label => label.trim()) : [...(labels ?? [])];
  if (list.length > 0 && list.every(label => label.trim() !== '')) return list;
  throw new ConfigError('labels to choose from', {
    seen: JSON.stringify(labels),
    expected: 'at least one, none empty',
  });
}

/** @throws ConfigError for a classifier that does not say which of its classes is entailment */
function inferenceClasses(model: Model): { entails: number; contradicts: number } {
  const labels = labelsOf(model);
  const entails = labels.findIndex(label => /^entail/i.test(label));
  if (entails >= 0 && labels.length > 1) return { entails, contradicts: entails === 0 ? labels.length - 1 : 0 };
  throw new ConfigError('this classifier is not one of natural language inference', {
    seen: `the labels ${labels.join(', ')}`,
    expected: 'one that begins with "entail"',
    fix: 'take a model that was trained on such data, such as MNLI',
  });
}
