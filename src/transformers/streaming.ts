/** Watching a generation: streamers, which get tokens as they come, and criteria that end it. */
import { ConfigError } from '../errors.ts';
import type { GenerateOptions } from '../generate/index.ts';
import { inNode } from '../hub/hub-settings.ts';
import type { PreTrainedTokenizer } from './tokenizer.ts';

/** What `generate` hands tokens to: first the prompt, then each new one. */
export interface Streamer {
  put(value: bigint[][]): void;
  end(): void;
}
/** Says of each sequence whether it ends here. */
export interface StoppingCriterion {
  _call(input_ids: readonly (readonly number[])[]): readonly boolean[];
}
/** What a program's own criteria extend. */
export abstract class StoppingCriteria implements StoppingCriterion {
  abstract _call(input_ids: readonly (readonly number[])[]): readonly boolean[];
}

export interface TextStreamerOptions {
  /** Default false. */
  readonly skip_prompt?: boolean | undefined;
  /** Default true. */
  readonly skip_special_tokens?: boolean | undefined;
  /** Gets the text, piece by piece. Default: it is written to the console. */
  readonly callback_function?: ((text: string) => void) | null | undefined;
  /** Gets the ids of each step. */
  readonly token_callback_function?: ((tokens: bigint[]) => void) | null | undefined;
  readonly decode_kwargs?: { readonly skip_special_tokens?: boolean } | undefined;
}

/** Text as it becomes certain, in whole characters. */
export class TextStreamer implements Streamer {
  readonly #options: TextStreamerOptions;
  readonly #tokenizer: PreTrainedTokenizer;
  #decoder: { push(id: number): string; flush(): string };
  #isPrompt = true;

  constructor(tokenizer: PreTrainedTokenizer, options: TextStreamerOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#decoder = this.#fresh();
  }
  put(value: bigint[][]): void {
    if (value.length > 1) throw new ConfigError('a streamer follows one sequence', { seen: `${value.length}` });
    const ids = value[0]!;
    // The first id of a text may lose its space: the decoder has to know the prompt, shown or not.
    const text = ids.map(id => this.#decoder.push(Number(id))).join('');
    const isShown = !(this.#isPrompt && this.#options.skip_prompt);
    this.#isPrompt = false;
    if (!isShown) return;
    this.#options.token_callback_function?.(ids);
    this.#show(text);
  }
  end(): void {
    this.#show(this.#decoder.flush());
    if (!this.#options.callback_function && inNode()) process.stdout.write('\n');
    this.#decoder = this.#fresh();
    this.#isPrompt = true;
  }
  #fresh() {
    const { decode_kwargs, skip_special_tokens = decode_kwargs?.skip_special_tokens ?? true } = this.#options;
    return this.#tokenizer.tokenizer.stream({ skipSpecialTokens: skip_special_tokens });
  }
  #show(text: string): void {
    if (text === '') return;
    const { callback_function } = this.#options;
    if (callback_function) callback_function(text);
    else if (inNode()) process.stdout.write(text);
    else console.log(text);
  }
}

/** Ends a generation when a program says so. */
export class InterruptableStoppingCriteria extends StoppingCriteria {
  interrupted = false;
  interrupt(): void {
    this.interrupted = true;
  }
  reset(): void {
    this.interrupted = false;
  }
  _call(input_ids: readonly (readonly number[])[]): boolean[] {
    return input_ids.map(() => this.interrupted);
  }
}
/** Criteria of which one is enough. */
export class StoppingCriteriaList extends StoppingCriteria {
  readonly criteria: StoppingCriterion[] = [];
  push(item: StoppingCriterion): void {
    this.criteria.push(item);
  }
  extend(items: readonly StoppingCriterion[]): void {
    this.criteria.push(...items);
  }
  _call(input_ids: readonly (readonly number[])[]): boolean[] {
    return input_ids.map(ids => this.criteria.some(one => one._call([ids])[0]));
  }
}

export interface WatchOptions {
  readonly streamer?: Streamer | null | undefined;
  readonly stopping_criteria?: StoppingCriterion | readonly StoppingCriterion[] | null | undefined;
}
/**
 * Options of a generation under which a streamer and criteria see its tokens. End tokens are not shown to them.
 * @throws ConfigError for a streamer with beams
 */
export function watching({ streamer, stopping_criteria }: WatchOptions, options: GenerateOptions): GenerateOptions {
  const criteria = stopping_criteria ? [stopping_criteria].flat() : [];
  if (!streamer && criteria.length === 0) return {};
  const { numBeams = 1, numReturnSequences = 1 } = options;
  if (streamer && (numBeams > 1 || numReturnSequences > 1))
    throw new ConfigError('a streamer follows one sequence', { fix: 'leave num_beams and num_return_sequences out' });
  const prompts: (readonly number[])[] = [];
  return {
    // Of several beams, which a checkpoint may ask for, none is the text until the end.
    ...(streamer && { numBeams, numReturnSequences }),
    processors: [
      (_, { ids, prompt, promptLength, generatedLength }) => {
        if (generatedLength > 0) return;
        prompts[prompt] ??= ids.slice(0, promptLength);
        streamer?.put([ids.slice(0, promptLength).map(BigInt)]);
      },
    ],
    stopWhen: (ids, sequence) => {
      streamer?.put([[BigInt(ids.at(-1)!)]]);
      const all = [...(prompts[Math.floor(sequence / numReturnSequences)] ?? []), ...ids];
      return criteria.some(one => one._call([all])[0]);
    },
  };
}
