/** `pipeline` with the arguments, option names and results of transformers.js, on heed's tasks. */
import { ConfigError, UnsupportedError } from '../errors.ts';
import type { GenerateOptions } from '../generate/index.ts';
import { speechVocabulary } from '../hub/transcribe.ts';
import { pipeline as heedPipeline, type Model } from '../index.ts';
import { type ChatMessage, isMessage } from '../tasks/chat-template.ts';
import { DEFAULT_MODELS } from '../tasks/default-models.ts';
import type { FilledMask } from '../tasks/fill-mask.ts';
import { taskNamed } from '../tasks/index.ts';
import type { Answer } from '../tasks/question-answering.ts';
import type { LabelScore } from '../tasks/scores-to-labels.ts';
import type { TaskAliases, TaskName, TaskOf } from '../tasks/task-map.ts';
import type { TokenEntity } from '../tasks/token-classification.ts';
import type { ZeroShotResult } from '../tasks/zero-shot-classification.ts';
import { callableModel, type PreTrainedModel } from './auto-model.ts';
import { camelOptions, type Options, type SnakeKeys, snakeResult } from './names.ts';
import { loadPretrained, nameOf, type PretrainedOptions, type Source } from './pretrained.ts';
import type { RawImage } from './processor.ts';
import { type WatchOptions, watching } from './streaming.ts';
import { Tensor } from './tensor.ts';
import { callableTokenizer, type PreTrainedTokenizer } from './tokenizer.ts';

type Image = RawImage | string | Blob;
type Audio = Float32Array | string;
/** One input, or a list of them. */
interface Calls<I, One, Many> {
  (input: I, options?: Options): Promise<One>;
  (inputs: readonly I[], options?: Options): Promise<Many>;
}
type List<I, R> = Calls<I, R, R[]>;
/** Texts that are written come as one list, for one input as for several. */
type Written<Name extends string> = Calls<string, { [K in Name]: string }[], { [K in Name]: string }[]>;

interface PipelineCalls {
  'text-classification': Calls<string, LabelScore[], LabelScore[] | LabelScore[][]>;
  'token-classification': List<string, SnakeKeys<TokenEntity>[]>;
  'fill-mask': List<string, SnakeKeys<FilledMask>[]>;
  'question-answering': {
    (question: string, context: string, options?: Options): Promise<Answer | Answer[]>;
    (questions: readonly string[], contexts: readonly string[], options?: Options): Promise<(Answer | Answer[])[]>;
  };
  summarization: Written<'summary_text'>;
  translation: Written<'translation_text'>;
  'text2text-generation': Written<'generated_text'>;
  'text-generation': List<string, { generated_text: string }[]> &
    List<readonly ChatMessage[], { generated_text: ChatMessage[] }[]>;
  'feature-extraction': (texts: string | readonly string[], options?: Options) => Promise<Tensor>;
  'zero-shot-classification': {
    (text: string, labels: string | readonly string[], options?: Options): Promise<ZeroShotResult>;
    (texts: readonly string[], labels: string | readonly string[], options?: Options): Promise<ZeroShotResult[]>;
  };
  'image-classification': List<Image, LabelScore[]>;
  'automatic-speech-recognition': List<
    Audio,
    { text: string; chunks?: { timestamp: [number, number]; text: string }[] }
  >;
}
/** Tasks that transformers.js has not: called as heed's, with snake_case names. */
type OtherCalls = (input: unknown, options?: Options) => Promise<unknown>;

interface PipelineParts {
  readonly task: TaskName;
  readonly model: PreTrainedModel;
  /** Undefined for models that read no text. */
  readonly tokenizer: PreTrainedTokenizer | undefined;
  dispose(): Promise<void>;
}
export type Pipeline<N extends TaskName = TaskName> = (N extends keyof PipelineCalls ? PipelineCalls[N] : OtherCalls) &
  PipelineParts;

const OTHER_NAMES = { asr: 'automatic-speech-recognition', embeddings: 'feature-extraction' } as const;
type OtherName = keyof typeof OTHER_NAMES;
type NameOf<N extends TaskName | keyof TaskAliases | OtherName> = N extends OtherName
  ? (typeof OTHER_NAMES)[N]
  : N extends TaskName | keyof TaskAliases
    ? TaskOf<N>
    : never;

/**
 * A task as a function.
 * @param model an id on the hub, a folder, an address, or files; default: the one that heed names for the task
 * @throws what heed's `pipeline` throws
 */
export async function pipeline<N extends TaskName | keyof TaskAliases | OtherName>(
  name: N,
  model?: Source | null,
  options: PretrainedOptions = {},
): Promise<Pipeline<NameOf<N>>> {
  const asked = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name as OtherName] : (name as TaskName);
  const { name: task } = await taskNamed(asked);
  const source = model ?? DEFAULT_MODELS[task];
  const loaded = await loadPretrained(source, options);
  try {
    const { tokenizer, origin } = loaded.parts;
    const parts: Omit<PipelineParts, 'dispose'> = {
      task,
      model: callableModel(loaded),
      tokenizer: tokenizer && (await callableTokenizer(tokenizer, origin?.files)),
    };
    const pipe = await heedPipeline(asked, loaded);
    const dispose = async () => {
      pipe.dispose();
      loaded.dispose();
    };
    const shape = SHAPES[task] ?? {};
    const call = (...given: readonly unknown[]) => called(pipe as unknown as Run, loaded, shape, given);
    options.progress_callback?.({ status: 'ready', task, model: nameOf(source) });
    return Object.assign(call, parts, { dispose }) as unknown as Pipeline<NameOf<N>>;
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

type Run = (input: unknown, options: object) => Promise<unknown>;

/** How the arguments, options and results of a task differ from heed's in more than names. */
interface Shape {
  /** How many arguments stand before the options, and the input or inputs that they are. */
  readonly arguments?: readonly [count: number, inputOf: (...given: never[]) => unknown];
  /** More options by heed's names. */
  readonly options?: (options: Options, model: Model, given: readonly unknown[]) => Options;
  readonly result?: (result: never, isList: boolean, options: Options, model: Model) => unknown;
  /** Whether a list is one input. */
  readonly isOne?: (input: unknown) => boolean;
}

async function called(run: Run, model: Model, shape: Shape, given: readonly unknown[]): Promise<unknown> {
  const [count, inputOf] = shape.arguments ?? [1, (input: never) => input];
  const { streamer, stopping_criteria, ...options } = (given[count] ?? {}) as Options & WatchOptions;
  const input = inputOf(...(given.slice(0, count) as never[]));
  const isList = Array.isArray(input) && !shape.isOne?.(input);
  if (streamer && isList && input.length > 1)
    throw new ConfigError('a streamer follows one text', { seen: `${input.length} texts` });
  const own = { ...camelOptions(options), ...shape.options?.(options, model, given) };
  const result = await run(input, { ...own, ...watching({ streamer, stopping_criteria }, own as GenerateOptions) });
  streamer?.end();
  const named = snakeResult(result);
  return shape.result ? shape.result(named as never, isList, options, model) : named;
}

/** Texts that were written for each input, as one list. */
const flat = (result: readonly unknown[], isList: boolean) => (isList ? result.flat() : result);
const all = ({ top_k }: Options): Options => (top_k === null ? { topK: Number.POSITIVE_INFINITY } : {});
/** There a temperature, or what else says how to draw, does not ask for drawing. */
const drawing = ({ do_sample }: Options, { parts }: Model): Options => ({
  doSample: do_sample ?? parts.defaults.doSample ?? false,
});
/** There a token of a text is shown as it is read, and not as the vocabulary spells it. */
const readable = ({ tokenizer }: Model, rows: readonly TokenRow[]): TokenRow[] =>
  rows.map(row => {
    const id = row.entity === undefined ? undefined : tokenizer.tokenToId(row.word);
    return id === undefined ? row : { ...row, word: tokenizer.decode([id]) };
  });
type TokenRow = { readonly word: string; readonly entity?: string };

const SHAPES: Readonly<Partial<Record<TaskName, Shape>>> = {
  'text-classification': {
    options: all,
    result: (result: unknown[], isList, { top_k = 1 }) => (isList && top_k === 1 ? result.flat() : result),
  },
  'image-classification': { options: all },
  'token-classification': {
    result: (result: TokenRow[] | TokenRow[][], isList, _, model) =>
      isList ? (result as TokenRow[][]).map(rows => readable(model, rows)) : readable(model, result as TokenRow[]),
  },
  'question-answering': {
    arguments: [
      2,
      (question: string | readonly string[], context: string | readonly string[]) =>
        typeof question === 'string'
          ? { question, context }
          : question.map((one, i) => ({ question: one, context: typeof context === 'string' ? context : context[i] })),
    ],
  },
  'zero-shot-classification': {
    arguments: [2, (texts: unknown) => texts],
    // One text is one label there, whatever commas are in it.
    options: (_, __, [, labels]) => ({ candidateLabels: [labels].flat() }),
  },
  summarization: { options: drawing, result: flat },
  translation: { options: drawing, result: flat },
  'text2text-generation': { options: drawing, result: flat },
  'text-generation': {
    options: (options, model) => ({
      ...drawing(options, model),
      // There the model's turn is opened behind whoever spoke last.
      continueFinalMessage: options.continue_final_message ?? false,
    }),
    isOne: input => Array.isArray(input) && input.length > 0 && input.every(isMessage),
  },
  'feature-extraction': {
    options: ({ pooling = 'none' }) => ({ pooling: POOLING_NAMES[pooling as string] ?? pooling }),
    result: (result: Float32Array[] | Float32Array[][], isList, { pooling = 'none' }) =>
      stacked((isList ? result : [result]) as Float32Array[][], pooling !== 'none'),
  },
  'automatic-speech-recognition': {
    options({ language, return_timestamps }, model) {
      if (return_timestamps === 'word')
        throw new UnsupportedError('heed has no times of single words', { fix: 'return_timestamps: true' });
      return typeof language === 'string' ? { language: languageCode(language, model) } : {};
    },
  },
};

const POOLING_NAMES: Readonly<Record<string, string>> = {
  ...{ first_token: 'cls', last_token: 'lasttoken', eos: 'lasttoken' },
};

/** Vectors of each text as `[B, T, C]`, zeros where a text has fewer; pooled ones as `[B, C]`. */
function stacked(texts: readonly (readonly Float32Array[])[], isPooled: boolean): Tensor {
  const T = Math.max(...texts.map(rows => rows.length));
  const C = texts[0]![0]!.length;
  const data = new Float32Array(texts.length * T * C);
  for (const [b, rows] of texts.entries()) for (const [t, row] of rows.entries()) data.set(row, (b * T + t) * C);
  return new Tensor('float32', data, isPooled ? [texts.length, C] : [texts.length, T, C]);
}

/** `french` as `fr`: of the languages that the model hears the one of this English name. */
function languageCode(language: string, model: Model): string {
  const codes = Object.keys(speechVocabulary(model.tokenizer, model.vocabSize).languages);
  if (codes.includes(language)) return language;
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  const meant = (code: string) => names.of(code)?.toLowerCase() === language.toLowerCase();
  // What a tokenizer calls a language may be no code at all.
  return codes.find(code => /^[a-z]{2,3}$/.test(code) && meant(code)) ?? language;
}
