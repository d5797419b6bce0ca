/** The reference's cases of logits processors, and what the processors here make of them. */
import { type HistoryInit, SequenceHistory } from '../../src/generate/history.ts';
import { type GenerateOptions, resolveOptions } from '../../src/generate/options.ts';
import { buildProcessors } from '../../src/generate/processors.ts';
import { topK } from '../../src/generate/truncation.ts';

export interface ProcessorCase {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly out: readonly (readonly (number | '-inf')[])[];
  readonly probs?: readonly (readonly number[])[];
}
export interface ProcessorFile {
  readonly scores: readonly (readonly number[])[];
  readonly input_ids: readonly (readonly number[])[];
  readonly cases: readonly ProcessorCase[];
}

/** Settings of the golden file that are not an option under its camelCase name. */
const TRANSLATE: Record<string, (value: never) => GenerateOptions> = {
  no_repeat_ngram_size: (noRepeatNgramSize: number) => ({ noRepeatNgramSize }),
  sequence_bias: (pairs: [number[], number][]) => ({ sequenceBias: pairs.map(([ids, bias]) => ({ ids, bias })) }),
  encoder_input_ids: () => ({}),
  input_ids_seq_length: () => ({}),
  prompt_length: () => ({}),
  max_length: () => ({}),
  order: () => ({}),
};

function toOptions(settings: Record<string, unknown>): GenerateOptions {
  const parts = Object.entries(settings).map(([key, value]) => {
    const translate = TRANSLATE[key];
    if (translate) return translate(value as never);
    return { [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]: value };
  });
  return Object.assign({}, ...parts);
}

function historyOf(ids: readonly number[], settings: Record<string, unknown>): SequenceHistory {
  const promptLength = (settings.prompt_length ?? settings.input_ids_seq_length ?? ids.length) as number;
  const init: HistoryInit = {
    ids: ids.slice(0, promptLength),
    maxLength: settings.max_length as number | undefined,
    encoderIds: (settings.encoder_input_ids as number[][] | undefined)?.[0],
  };
  const history = new SequenceHistory(init);
  for (const id of ids.slice(promptLength)) history.push(id);
  return history;
}

/** The scores of every row after the processors of a case. */
export function processed({ settings }: ProcessorCase, { scores, input_ids }: ProcessorFile): Float32Array[] {
  const { min_tokens_to_keep: keep, ...rest } = settings;
  const processors = keep
    ? [topK(settings.top_k as number, keep as number)]
    : buildProcessors(resolveOptions(toOptions(rest)));
  return scores.map((row, r) => {
    const out = Float32Array.from(row);
    for (const process of processors) process(out, historyOf(input_ids[r]!, settings));
    return out;
  });
}

export function softmax(scores: ArrayLike<number>): number[] {
  const values = Array.from(scores);
  const weights = values.map(score => Math.exp(score - Math.max(...values)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / sum);
}
