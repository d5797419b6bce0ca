/// <reference lib="esnext.disposable" preserve="true" />
/** A loaded checkpoint: run it, look inside, generate with it. */
import { ConfigError, HeedError, type TokenizerError } from '../errors.ts';
import {
  type Decoder,
  type Denoiser,
  type DiffuseEvent,
  type DiffuseOptions,
  diffuse,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateTextOptions,
  generate,
  generateText,
  mergeOptions,
  PromptCache,
  type TextEvent,
  tokenTexts,
} from '../generate/index.ts';
import { GENERATES, type Outputs } from '../models/architecture.ts';
import {
  encode,
  forward,
  headOf,
  type LoadedModel,
  type ModelGraph,
  type ModelInputs,
  mainOf,
} from '../models/forward.ts';
import { DecoderSession } from '../models/session.ts';
import { adaptParameters } from '../nn/adapter.ts';
import { disposeParameters } from '../nn/load-parameters.ts';
import type { ParamSpec } from '../nn/params.ts';
import { dataOfAll, replace, type Tensor, trace } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import { type AdapterUse, checkUses } from './adapters.ts';
import { ModelDenoiser } from './model-denoiser.ts';
import { saveAdapter } from './save-adapter.ts';
import { type ModelOrigin, type SaveOptions, saveModel } from './save-model.ts';
import { type EmbedOptions, type SentencePipeline, sentenceInputs, sentenceVectors } from './sentence-transformers.ts';
import { decoderPrompts, padded, SourceDecoder } from './source-decoder.ts';

export interface RunOptions {
  /** Names to compute besides, e.g. `blocks.0.attn.pattern`; see `Model.names`. */
  readonly trace?: readonly string[] | undefined;
  /** Edits by name: `{ 'blocks.0.attn.pattern': x => x.mul(mask) }`. */
  readonly replace?: Readonly<Record<string, (tensor: Tensor) => Tensor>> | undefined;
}
export interface RunResult {
  /** What the head gives, by the reference's names. */
  readonly outputs: Outputs;
  /** The main one of them. */
  readonly logits: Tensor;
  readonly loss: number | undefined;
  /** The traced tensors by name. */
  readonly trace: Readonly<Record<string, Tensor>>;
}

/** What a model is made of; `load` fills it in. */
export interface ModelParts extends LoadedModel {
  /** `model_type` of the checkpoint. */
  readonly type: string;
  /** Declarations of the parameters by name. */
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly tokenizer: Tokenizer | undefined;
  /** Why the tokenizer that is there cannot be used. */
  readonly tokenizerProblem?: TokenizerError | undefined;
  /** Generation defaults of the checkpoint. */
  readonly defaults: GenerateOptions;
  /** Why they cannot be used. */
  readonly defaultsProblem?: ConfigError | undefined;
  /** Checkpoint names that nothing asked for. */
  readonly unexpected: readonly string[];
  /** Where it was read from: what `save` writes besides the weights. */
  readonly origin?: ModelOrigin | undefined;
  /** How the vectors of a sentence encoder are made, or why they cannot be. */
  readonly sentence?: SentencePipeline | HeedError | undefined;
  /** Adapters in the parameters, whose other tensors are those of a model without: that one frees them. */
  readonly adapters?: readonly AdapterUse[] | undefined;
  /** Called once by `dispose`. */
  readonly onDispose?: () => void;
}

export class Model implements Decoder {
  readonly parts: ModelParts;
  #disposed = false;

  constructor(parts: ModelParts) {
    this.parts = parts;
  }
  get vocabSize(): number {
    return this.parts.architecture.vocabSize(this.parts.config);
  }
  get contextLength(): number | undefined {
    return this.parts.architecture.contextLength(this.parts.config);
  }
  /** See `Architecture.turnsAt`. */
  get turnsAt(): number | undefined {
    return this.parts.architecture.turnsAt?.(this.parts.config);
  }
  /** @throws ConfigError when the checkpoint has no tokenizer, TokenizerError when it has one that cannot be used */
  get tokenizer(): Tokenizer {
    const { tokenizer, tokenizerProblem } = this.parts;
    if (tokenizerProblem) throw tokenizerProblem;
    if (!tokenizer)
      throw new ConfigError('the model folder has no tokenizer', {
        expected: 'tokenizer.json, vocab.json + merges.txt, or tokenizer.model',
        fix: 'work with token ids, or put the tokenizer beside the weights',
      });
    return tokenizer;
  }

  /**
   * The same model with adapters, which apply one after the other; each may be scaled. The weights exist once, so several of
   * these can run at the same time. It works as long as this model and the adapters are not disposed.
   * @throws ConfigError when an adapter is for another model, or two replace the same parameter
   */
  withAdapters(uses: readonly AdapterUse[]): Model {
    this.#checkOpen();
    const adapters = [...(this.parts.adapters ?? []), ...uses];
    checkUses(adapters);
    const params = uses.reduce(
      (tree, { adapter, scale }) => adaptParameters(tree, adapter.params, scale),
      this.parts.params,
    );
    const { onDispose: _, ...shared } = this.parts;
    return new Model({ ...shared, params, adapters });
  }

  /** The forward pass as lazy tensors: nothing is computed. `params` may be another tree of the same form. */
  graph(inputs: ModelInputs, params: unknown = this.parts.params): ModelGraph & { readonly loss: Tensor | undefined } {
    this.#checkOpen();
    const graph = forward({ ...this.parts, params }, inputs);
    return { ...graph, loss: graph.lossOf() };
  }
  /** Names that `trace` can show for these inputs, in the order of computation. */
  names(inputs: ModelInputs): readonly string[] {
    return trace(...Object.values(this.graph(inputs).outputs)).names;
  }
  /** Computes the head's outputs, the loss if there are labels, and whatever is traced, in one pass. */
  async run(inputs: ModelInputs, options: RunOptions = {}): Promise<RunResult> {
    const graph = this.graph(inputs);
    const edits = Object.entries(options.replace ?? {});
    const edited = edits.reduce(
      (roots, [name, edit]) => replace(roots, name, edit),
      Object.values(graph.outputs) as readonly Tensor[],
    );
    const outputs = Object.fromEntries(Object.keys(graph.outputs).map((name, i) => [name, edited[i]!]));
    const loss = graph.lossOf(outputs);
    const view = trace(...edited);
    const traced = Object.fromEntries((options.trace ?? []).map(name => [name, view.get(name)]));
    await dataOfAll(...edited, ...(loss ? [loss] : []), ...Object.values(traced));
    return { outputs, logits: mainOf(outputs), loss: loss && (await loss.item()), trace: traced };
  }

  /**
   * A vector for each text, `[B, C]`, of the last hidden states (an encoder-decoder's encoder's): pooled as the model's own
   * modules say, else the mean of the real tokens. Texts that are too long for the model are cut.
   * @throws ConfigError, ShapeError as `run` does, UnsupportedError when the model's own modules are not supported
   */
  async embed(inputs: string | readonly string[] | ModelInputs, options: EmbedOptions = {}): Promise<Tensor> {
    this.#checkOpen();
    const { sentence, config, architecture } = this.parts;
    if (sentence instanceof HeedError && !options.pooling) throw sentence;
    const own = sentence instanceof HeedError ? undefined : sentence;
    const { sourceLength = architecture.contextLength } = architecture;
    const given = isTexts(inputs) ? sentenceInputs(inputs, this.tokenizer, sourceLength(config), own) : inputs;
    // A head may go on from the states in its own way; the base model's are meant here.
    const base = architecture.heads.base ? ({ ...this.parts, head: 'base' } as const) : this.parts;
    const states = headOf(base).encode ? encode(base, given).states! : forward(base, given).hidden;
    const vectors = sentenceVectors(states, given.attention_mask, options, own);
    await dataOfAll(vectors);
    return vectors;
  }

  /** A cache for `batch` sequences of up to `capacity` tokens; what `generate` drives. Dispose it. */
  open(options: { batch: number; capacity: number }): DecoderSession {
    this.#checkOpen();
    this.#checkGenerates();
    if (headOf(this.parts).encode)
      throw new ConfigError('an encoder-decoder decodes from a source', {
        fix: 'encode it first: model.encode(inputs)',
      });
    return new DecoderSession(this.parts, options);
  }
  /**
   * A memory for generations whose texts begin alike, such as the turns of a chat: `generate(prompt, { cache })`. It holds the keys and
   * values of one text (see its `bytes`); dispose it. A recurrent model can only go on from the whole text that it has read.
   */
  promptCache(): PromptCache {
    this.#checkOpen();
    this.#checkGenerates();
    if (headOf(this.parts).encode)
      throw new ConfigError('an encoder-decoder reads its source anew each time, so there is nothing to keep', {
        seen: this.parts.type,
        expected: 'a decoder',
      });
    return new PromptCache(this);
  }
  /** Runs the encoder of an encoder-decoder. What it returns generates from it; dispose it. */
  async encode(inputs: ModelInputs, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<SourceDecoder> {
    this.#checkOpen();
    this.#checkGenerates();
    signal?.throwIfAborted();
    const decoder = await SourceDecoder.of(this.parts, inputs);
    if (!signal?.aborted) return decoder;
    decoder.dispose();
    throw signal.reason;
  }
  /** Streams the continuation of a text (an encoder-decoder's answer to it). Every event has a `text` to print. */
  generate(
    prompt: string | readonly (string | readonly number[])[],
    options: GenerateTextOptions = {},
  ): AsyncGenerator<TextEvent, void, undefined> {
    const { tokenizer } = this;
    const codec = {
      encodeIds: (text: string) => this.promptIds(text),
      stream: (before: readonly number[]) => {
        const stream = tokenizer.stream({ skipSpecialTokens: true, cleanUpSpaces: false });
        for (const id of before) stream.push(id);
        return stream;
      },
    };
    const merged = this.#withDefaults(options);
    if (!headOf(this.parts).encode) return generateText(this, codec, prompt, merged);
    const texts = typeof prompt === 'string' ? [prompt] : prompt;
    const encoderIds = texts.map(text => (typeof text === 'string' ? tokenizer.encodeIds(text) : text));
    return this.#fromSource(padded(encoderIds), { encoderIds, ...merged }, (decoder, starts, all) =>
      generateText(decoder, codec, starts, all),
    );
  }
  /** Streams the continuation of lists of ids (an encoder-decoder's answer to them). */
  generateIds(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions = {},
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    if (headOf(this.parts).encode) return this.generateFrom(padded(prompts), { encoderIds: prompts, ...options });
    return generate(this, prompts, this.#withDefaults(options));
  }
  /**
   * Streams what an encoder-decoder makes of a source: `input_ids` or `input_features`, and if the output's beginning is
   * given `decoder_input_ids`.
   */
  generateFrom(inputs: ModelInputs, options: GenerateOptions = {}): AsyncGenerator<GenerateEvent, void, undefined> {
    return this.#fromSource(inputs, this.#withDefaults(options), generate);
  }
  async *#fromSource<E, O extends GenerateOptions>(
    inputs: ModelInputs,
    options: O,
    run: (decoder: Decoder, starts: readonly (readonly number[])[], options: O) => AsyncGenerator<E, void, undefined>,
  ): AsyncGenerator<E, void, undefined> {
    const decoder = await this.encode(inputs, options);
    try {
      yield* run(decoder, decoderPrompts(decoder.batch, inputs, options, this.parts.config), options);
    } finally {
      decoder.dispose();
    }
  }
  /**
   * A masked language model as what `diffuse` and the likelihoods drive.
   * @param maskId default: what the config says, or the tokenizer's mask token
   */
  denoiser(maskId?: number): Denoiser {
    this.#checkOpen();
    const { head, config, tokenizer } = this.parts;
    if (head !== 'maskedLM' && head !== 'enhancedMaskedLM')
      throw new ConfigError('only a masked language model finds hidden tokens', { seen: head, expected: 'maskedLM' });
    const { mask_token_id } = config as { mask_token_id?: number | undefined };
    const id = maskId ?? mask_token_id ?? tokenizer?.specialTokens.mask;
    if (id === undefined)
      throw new ConfigError('the checkpoint names no mask token', { fix: 'give its id: denoiser(maskId)' });
    return new ModelDenoiser(this.parts, id);
  }
  /** Writes after prompts, and into their masks, by masked diffusion: the state after every step, at last all texts. */
  denoise(
    prompt: string | readonly (string | readonly number[])[],
    { maskId, ...options }: DiffuseOptions & { readonly maskId?: number | undefined } = {},
  ): AsyncGenerator<DiffuseEvent, void, undefined> {
    const texts = typeof prompt === 'string' ? [prompt] : prompt;
    const ids = texts.map(text => (typeof text === 'string' ? this.tokenizer.encodeIds(text) : text));
    return diffuse(this.denoiser(maskId), ids, options);
  }
  /** Ids of a prompt; an empty one becomes the start token, or for models without one the end token (GPT-2). */
  promptIds(text: string): number[] {
    const ids = this.tokenizer.encodeIds(text);
    if (ids.length) return ids;
    const { bos, eos } = this.tokenizer.specialTokens;
    const start = bos ?? eos;
    if (start === undefined)
      throw new ConfigError('an empty prompt, and the tokenizer has no start token', { fix: 'give a prompt' });
    return [start];
  }

  /**
   * Writes a folder in the reference's layout, in Node: config.json, safetensors, generation settings and tokenizer.
   * It is there when it is complete. Names and orientation of the weights are those of the checkpoint that was loaded. The
   * tokenizer of a GGUF file has no form of its own and is not written. Of a model with an adapter this writes the adapter, as in
   * the reference.
   * @returns the names of the files
   * @throws ConfigError when the folder holds a model already, when this one has several adapters or was not loaded from files
   */
  async save(folder: string, options: SaveOptions = {}): Promise<readonly string[]> {
    this.#checkOpen();
    const [use, ...others] = this.parts.adapters ?? [];
    return use && others.length === 0
      ? saveAdapter(use.adapter, folder, options)
      : saveModel(this.parts, folder, options);
  }
  /** Frees the weights. Later calls throw; sessions that are still open fail at their next step. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (!this.parts.adapters) {
      disposeParameters(this.parts.params);
      disposeParameters(this.parts.sentence);
    }
    this.parts.onDispose?.();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
  #withDefaults<O extends GenerateOptions>(options: O): O {
    const { defaults, defaultsProblem } = this.parts;
    if (defaultsProblem) throw defaultsProblem;
    const merged = mergeOptions(defaults, options);
    if (!merged.constraint || merged.tokenTexts) return merged;
    return { ...merged, tokenTexts: tokenTexts(this.tokenizer, this.vocabSize) };
  }
  #checkGenerates(): void {
    if (!GENERATES.has(this.parts.head))
      throw new ConfigError('this checkpoint does not generate text', { seen: this.parts.head });
  }
  #checkOpen(): void {
    if (this.#disposed) throw new HeedError('the model is closed', { fix: 'load it again' });
  }
}

const isTexts = (inputs: string | readonly string[] | ModelInputs): inputs is string | readonly string[] =>
  typeof inputs === 'string' || Array.isArray(inputs);
