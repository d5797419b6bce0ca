/**
 * What summaries, translations and other answers of encoder-decoders have in common: a prefix that tells the model what to do, the
 * checkpoint's settings for it, and texts that become sources. Raffel et al. 2019, "Exploring the Limits of Transfer Learning with a
 * Unified Text-to-Text Transformer", names the prefixes; `task_specific_params` in config.json hold them.
 */
import type { GeneratedText, GenerateOptions, TextEvent } from '../generate/index.ts';
import { optionsFromConfig } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import { type GenerateCallOptions, generateTexts } from './generate-batches.ts';
import { flag } from './option-checks.ts';
import type { StreamOptions } from './task.ts';
import { sourceLimit } from './text-batches.ts';

export type SourceTextOptions = GenerateCallOptions & {
  /** Texts that are too long for the model lose their end. Default false: they are refused. */
  readonly truncation?: boolean | undefined;
};
export const SOURCE_OPTIONS = { truncation: flag };

/** How a text becomes a source. */
export interface SourceForm {
  readonly tokenizer: Tokenizer;
  /** In front of each text. */
  readonly prefix: string;
  /** The checkpoint's settings for what is asked. */
  readonly settings: GenerateOptions;
}

/** What config.json says about a task; nothing of most models. @throws ConfigError for settings that cannot be */
export function taskParams(model: Model, name: string): Pick<SourceForm, 'prefix' | 'settings'> | undefined {
  const all = model.parts.origin?.json.task_specific_params as Record<string, unknown> | null | undefined;
  const params = all && Object.hasOwn(all, name) ? all[name] : undefined;
  if (typeof params !== 'object' || params === null) return undefined;
  const { prefix } = params as { readonly prefix?: unknown };
  const settings = optionsFromConfig(params, `task_specific_params.${name} of config.json`);
  return { prefix: typeof prefix === 'string' ? prefix : '', settings };
}
/** The form for a model's own tokenizer. */
export const sourceForm = (model: Model, name: string): SourceForm => ({
  tokenizer: model.tokenizer,
  ...(taskParams(model, name) ?? { prefix: '', settings: {} }),
});

/** All sequences for each text. */
export function answersTo(
  model: Model,
  texts: readonly string[],
  form: SourceForm,
  options: SourceTextOptions,
): Promise<GeneratedText[][]> {
  const { truncation, ...rest } = options;
  const sources = texts.map(text => sourceIds(model, text, form, truncation));
  return generateTexts(model, sources, settled(form, rest));
}
/** The events of one text. */
export function streamAnswer(
  model: Model,
  text: string,
  form: SourceForm,
  { truncation, ...rest }: StreamOptions<SourceTextOptions>,
): AsyncGenerator<TextEvent, void, undefined> {
  return model.generate([sourceIds(model, text, form, truncation)], settled(form, rest));
}

function sourceIds(model: Model, text: string, { tokenizer, prefix }: SourceForm, truncation = false): number[] {
  const maxLength = truncation ? sourceLimit(model) : undefined;
  return tokenizer.encodeIds(prefix + text, maxLength === undefined ? {} : { maxLength });
}

/** The caller's options over the checkpoint's for this task; a length of the caller stands for itself. */
function settled<O extends GenerateOptions>({ settings }: SourceForm, options: O): O {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const hasLength = options.maxNewTokens !== undefined || options.maxLength !== undefined;
  const { maxLength, maxNewTokens, ...others } = settings;
  const length = hasLength ? {} : { maxLength, maxNewTokens };
  const asked = Object.fromEntries(Object.entries({ ...others, ...length }).filter(([, value]) => value !== undefined));
  return { ...asked, ...given } as O;
}
