/**
 * What summaries, translations and other answers of encoder-decoders have in common: a prefix that tells the model what to do, the
 * checkpoint's settings for it, and texts that become sources. Raffel et al. 2019, "Exploring the Limits of Transfer Learning with a
 * Unified Text-to-Text Transformer", names the prefixes; `task_specific_params` in config.json hold them.
 */
import { ConfigError } from '../errors.ts';
import { type GenerateOptions, optionsFromConfig, type TextEvent } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import { type GenerateCallOptions, generateTexts } from './generate-batches.ts';
import { flag, type OptionCheck } from './option-checks.ts';
import { type AnyTask, type Calls, defineTask, isText, type Streams } from './task.ts';
import { sourceLimit } from './text-batches.ts';

export type SourceTextOptions = GenerateCallOptions & {
  /** Texts that are too long for the model lose their end. Default false: they are refused. */
  readonly truncation?: boolean | undefined;
};
/** One result for a text, or as many as `numReturnSequences` asks for. */
export type SourceTextCalls<O extends SourceTextOptions, R> = Calls<string, O, R[]> & Streams<string, O, TextEvent>;

/** How a text becomes a source. */
export interface SourceForm {
  readonly tokenizer: Tokenizer;
  /** In front of each text. */
  readonly prefix: string;
  /** The checkpoint's settings for what is asked. */
  readonly settings: GenerateOptions;
}

/** A task of this kind. `O` are its options. */
interface SourceTextTask<R, O extends SourceTextOptions> {
  readonly name: string;
  /** Options of the task alone. */
  readonly options?: Readonly<Record<string, OptionCheck>>;
  /** How texts become sources, and the options without those of the task alone. Default: as config.json says. */
  readonly prepare?: (model: Model, options: O) => Promise<Prepared>;
  readonly resultOf: (text: string) => R;
}
interface Prepared {
  readonly form: SourceForm;
  readonly options: SourceTextOptions;
}

/** A task of encoder-decoders that makes texts of texts. */
export function sourceTextTask<R, O extends SourceTextOptions = SourceTextOptions>(
  task: SourceTextTask<R, O>,
): AnyTask {
  const { name, options: checks, resultOf } = task;
  const prepare = task.prepare ?? (async (model: Model, options: O) => ({ form: sourceForm(model, name), options }));
  return defineTask<string, SourceTextOptions, R[], TextEvent>({
    name,
    heads: ['seq2seqLM'],
    modality: 'text',
    expects: 'a text',
    isInput: isText,
    options: { truncation: flag, ...checks },
    generates: true,
    async run(model, texts, all) {
      const { form, options } = await prepare(model, all as O);
      const { truncation, ...generation } = options;
      const sources = texts.map(text => sourceIds(model, text, form, truncation));
      const answers = await generateTexts(model, sources, settled(form, generation));
      return answers.map(sequences => sequences.map(({ text }) => resultOf(text)));
    },
    async *stream(model, text, all) {
      const { form, options } = await prepare(model, all as O);
      const { truncation, ...generation } = options;
      yield* model.generate([sourceIds(model, text, form, truncation)], settled(form, generation));
    },
  });
}

/** What config.json says about a task; nothing of most models. @throws ConfigError for settings that cannot be */
export function sourceForm(model: Model, name: string): SourceForm {
  const { json = {} } = model.parts.origin ?? {};
  const own = taskParams(model, name);
  const where = `task_specific_params.${name} of config.json`;
  const prefix = (own && prefixIn(own, where)) ?? prefixIn(json, 'config.json') ?? '';
  return { tokenizer: model.tokenizer, prefix, settings: own === undefined ? {} : optionsFromConfig(own, where) };
}

/** Whether config.json says something about a task. */
export const hasTaskParams = (model: Model, name: string): boolean => taskParams(model, name) !== undefined;

function taskParams(model: Model, name: string): Readonly<Record<string, unknown>> | undefined {
  const all = model.parts.origin?.json.task_specific_params ?? {};
  return Object.hasOwn(all, name) ? ((all as Readonly<Record<string, never>>)[name] ?? undefined) : undefined;
}

function prefixIn({ prefix }: Readonly<Record<string, unknown>>, where: string): string | undefined {
  if (prefix === undefined || prefix === null) return undefined;
  if (typeof prefix === 'string') return prefix;
  throw new ConfigError('a prefix that is no text', { seen: JSON.stringify(prefix).slice(0, 80), where });
}

function sourceIds(model: Model, text: string, { tokenizer, prefix }: SourceForm, truncation = false): number[] {
  const maxLength = truncation ? sourceLimit(model) : undefined;
  return tokenizer.encodeIds(prefix + text, maxLength === undefined ? {} : { maxLength });
}

/** The caller's options over the checkpoint's for this task; a length of the caller stands for itself. */
function settled<O extends GenerateOptions>({ settings }: SourceForm, options: O): O {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const hasLength = options.maxNewTokens !== undefined || options.maxLength !== undefined;
  return { ...settings, ...(hasLength && { maxNewTokens: undefined, maxLength: undefined }), ...given } as O;
}
