/** What the model writes behind the prompt, until a stop, after the task's filters. As in lm-evaluation-harness. */
import { ConfigError } from '../../../errors.ts';
import { brief } from '../../data-row.ts';
import { bleuCounts } from '../../scores/bleu.ts';
import { chrfCounts } from '../../scores/chrf.ts';
import { createFilters, createRemover } from '../filters.ts';
import { bleuOptions, chrfOptions } from '../metrics.ts';
import type { Item } from '../prompts.ts';
import type { MetricConfig, TaskConfig } from '../task-config.ts';
import { type ContinuationSettings, defineKind, type EvaluatedModel } from './output-kind.ts';

interface Facts {
  readonly text: string;
  /** Any of them is right. */
  readonly references: readonly string[];
}

export const generateUntil = defineKind<Facts>({
  type: 'generate_until',
  defaults: ['exact_match'],
  metrics: {
    exact_match: ({ text, references }, settings) =>
      references.some(reference => plain(text, settings) === plain(reference, settings)) ? 1 : 0,
    // Lists: in the JSON of a report a typed array would be an object.
    bleu: ({ text, references }, settings) => [...bleuCounts([text], [references], bleuOptions(settings)).rows[0]!],
    chrf: ({ text, references }, settings) => [...chrfCounts([text], [references], chrfOptions(settings)).rows[0]!],
  },
  async ask(model, items, { config, batchSize, seed, signal }) {
    const filters = createFilters(config.filter_list, config.task);
    const settings = settingsOf(config);
    const written = items.map((): string[] => []);
    for (let repeat = 0; repeat < config.repeats; repeat++)
      for (let from = 0; from < items.length; from += batchSize) {
        const part = items.slice(from, from + batchSize);
        // Each repeat draws anew.
        const own = { ...settings, seed: settings.seed ?? seed + repeat, signal };
        const texts = await continuations(model, part, own, config.task);
        for (const [i, text] of texts.entries()) written[from + i]!.push(text);
      }
    return items.map((item, i) => {
      const references = referencesOf(item, config.task);
      const answers = filters.map(filter => {
        const text = filter.apply(written[i]!);
        return { filter: filter.name, prediction: text, facts: { text, references } };
      });
      return { target: references.join(' | '), answers, details: { written: written[i]! } };
    });
  },
});

async function continuations(
  model: EvaluatedModel,
  items: readonly Item[],
  settings: ContinuationSettings,
  task: string,
): Promise<readonly string[]> {
  if (!model.generate)
    throw new ConfigError('this model writes no text', { expected: 'a language model', where: task });
  for await (const event of model.generate(
    items.map(({ prompt }) => prompt),
    settings,
  ))
    if (event.type === 'done') return (event.sequences ?? []).map(({ ids }) => textOf(model, ids, settings));
  throw new ConfigError('the model ended without a text', { where: task });
}

/** As in the reference the new tokens are a text of their own, which ends before the first stop. */
function textOf(
  { tokenizer }: EvaluatedModel,
  ids: readonly number[],
  { stopStrings = [] }: ContinuationSettings,
): string {
  return stopStrings.reduce(
    (text, stop) => text.split(stop, 1)[0]!,
    tokenizer.decode(ids, { skipSpecialTokens: true }),
  );
}

/** `generation_kwargs` in the words of this library. @throws ConfigError for one that there is none of */
function settingsOf({ generation_kwargs = {}, fewshot_delimiter, task }: TaskConfig): ContinuationSettings {
  const {
    until = [fewshot_delimiter],
    max_gen_toks,
    max_new_tokens,
    do_sample = false,
    temperature,
    top_p,
    top_k,
    num_beams,
    repetition_penalty,
    seed,
    ...others
  } = generation_kwargs as Readonly<Record<string, never>>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw new ConfigError('no such setting of generation_kwargs', {
      seen: `${other}: ${brief(others[other])}`,
      expected: 'until, max_gen_toks, do_sample, temperature, top_p, top_k, num_beams, repetition_penalty, seed',
      where: task,
    });
  const stops: unknown = until;
  return {
    maxNewTokens: max_gen_toks ?? max_new_tokens ?? 256,
    stopStrings: (Array.isArray(stops) ? stops : [stops]).map(String).filter(stop => stop !== ''),
    doSample: do_sample,
    temperature: do_sample ? temperature : undefined,
    topP: do_sample ? top_p : undefined,
    topK: do_sample ? top_k : undefined,
    numBeams: num_beams ?? 1,
    repetitionPenalty: repetition_penalty,
    seed,
    // A prompt that is too long loses its beginning.
    overflow: 'truncate',
  };
}

function referencesOf({ target, choices, id }: Item, task: string): readonly string[] {
  const all = Array.isArray(target) ? target : [target];
  const texts = all.map(each => (typeof each === 'number' && choices ? choices[each] : each));
  if (texts.every(text => text !== undefined && text !== null)) return texts.map(String);
  throw new ConfigError('an item has no target', { seen: brief(target), where: `${task}, item ${id}` });
}

/** A text as `exact_match` compares it. */
function plain(
  text: string,
  { ignore_case, ignore_punctuation, ignore_numbers, regexes_to_ignore = [] }: MetricConfig,
) {
  for (const pattern of regexes_to_ignore as readonly unknown[])
    text = createRemover(String(pattern), 'exact_match')(text);
  if (ignore_case) text = text.toLowerCase();
  if (ignore_punctuation) text = text.replace(/[!-/:-@[-`{-~]/g, '');
  return ignore_numbers ? text.replace(/[0-9]/g, '') : text;
}
