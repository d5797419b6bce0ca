/// <reference lib="esnext.disposable" preserve="true" />
/** A loaded checkpoint: run it, look inside, generate with it. */
import { ConfigError, HeedError, ShapeError, type TokenizerError } from '../errors.ts';
import {
  type Decoder,
  type GenerateEvent,
  type GenerateOptions,
  type GenerateTextOptions,
  generate,
  generateText,
  mergeOptions,
  type TextEvent,
} from '../generate/index.ts';
import type { HeadName } from '../models/architecture.ts';
import { CausalSession, type LoadedModel } from '../models/session.ts';
import { disposeParameters } from '../nn/load-parameters.ts';
import { causalLoss, classificationLoss } from '../nn/loss.ts';
import type { ParamSpec } from '../nn/params.ts';
import { tokenBatch } from '../nn/tokens.ts';
import { dataOfAll, IGNORE, replace, Tensor, trace } from '../tensor/index.ts';
import type { Tokenizer } from '../tokenizers/index.ts';

type Rows = readonly ArrayLike<number>[];

/** Inputs by the reference's names. B rows of T tokens. */
export interface ModelInputs {
  readonly input_ids: Rows;
  /** 1 = real, 0 = padding. */
  readonly attention_mask?: Rows | undefined;
  readonly position_ids?: Rows | undefined;
  /** With labels there is a loss: `[B][T]` for a language model (-100 = ignored), `[B]` or `[B][N]` for a classifier. */
  readonly labels?: Rows | ArrayLike<number> | undefined;
}
/** The lazy tensors of a forward pass; see `Model.graph`. */
export interface ModelGraph {
  /** `[B, T, C]`, after the final norm. */
  readonly hidden: Tensor;
  /** `[B, T, V]` of a language model, `[B, N]` of a classifier. */
  readonly logits: Tensor;
  readonly loss: Tensor | undefined;
}
export interface RunOptions {
  /** Names to compute besides, e.g. `blocks.0.attn.pattern`; see `Model.names`. */
  readonly trace?: readonly string[] | undefined;
  /** Edits by name: `{ 'blocks.0.attn.pattern': x => x.mul(mask) }`. */
  readonly replace?: Readonly<Record<string, (tensor: Tensor) => Tensor>> | undefined;
}
export interface RunResult {
  readonly logits: Tensor;
  readonly loss: number | undefined;
  /** The traced tensors by name. */
  readonly trace: Readonly<Record<string, Tensor>>;
}

/** What a model is made of; `load` fills it in. */
export interface ModelParts extends LoadedModel {
  readonly head: HeadName;
  /** `model_type` of the checkpoint. */
  readonly type: string;
  /** Declarations of the parameters by name. */
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly tokenizer: Tokenizer | undefined;
  /** Why the tokenizer that is there cannot be used. */
  readonly tokenizerProblem?: TokenizerError | undefined;
  /** Generation defaults of the checkpoint. */
  readonly defaults: GenerateOptions;
  /** Checkpoint names that nothing asked for. */
  readonly unexpected: readonly string[];
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

  /** The forward pass as lazy tensors: nothing is computed. `params` may be another tree of the same form. */
  graph(inputs: ModelInputs, params: unknown = this.parts.params): ModelGraph {
    this.#checkOpen();
    const { architecture, config, head } = this.parts;
    const batch = tokenBatch(inputs.input_ids, {
      vocabSize: this.vocabSize,
      contextLength: this.contextLength,
      mask: inputs.attention_mask,
      positions: inputs.position_ids,
    });
    const { hidden: hiddenOf, logits: logitsOf } = architecture.heads[head];
    const hidden = hiddenOf(params, config, batch);
    const logits = logitsOf(params, config, hidden, batch);
    return { hidden, logits, loss: this.#loss(logits, inputs.labels) };
  }
  /** Names that `trace` can show for these inputs, in the order of computation. */
  names(inputs: ModelInputs): readonly string[] {
    return trace(this.graph(inputs).logits).names;
  }
  /** Computes the logits, the loss if there are labels, and whatever is traced, in one pass. */
  async run(inputs: ModelInputs, options: RunOptions = {}): Promise<RunResult> {
    let { logits } = this.graph(inputs);
    for (const [name, edit] of Object.entries(options.replace ?? {})) logits = replace(logits, name, edit);
    const loss = this.#loss(logits, inputs.labels);
    const view = trace(logits);
    const traced = Object.fromEntries((options.trace ?? []).map(name => [name, view.get(name)]));
    await dataOfAll(logits, ...(loss ? [loss] : []), ...Object.values(traced));
    return { logits, loss: loss && (await loss.item()), trace: traced };
  }

  /** A cache for `batch` sequences of up to `capacity` tokens; what `generate` drives. Dispose it. */
  open(options: { batch: number; capacity: number }): CausalSession {
    this.#checkOpen();
    if (this.parts.head !== 'causalLM')
      throw new ConfigError('this checkpoint is a classifier: it does not generate', { seen: this.parts.head });
    return new CausalSession(this.parts, options);
  }
  /** Streams the continuation of a text; every event has a `text` to print. `break` or `signal` stop it. */
  generate(
    prompt: string | readonly (string | readonly number[])[],
    options: GenerateTextOptions = {},
  ): AsyncGenerator<TextEvent, void, undefined> {
    const { tokenizer } = this;
    const codec = {
      encodeIds: (text: string) => this.promptIds(text),
      stream: (before: readonly number[]) => {
        const stream = tokenizer.stream({ skipSpecialTokens: true });
        for (const id of before) stream.push(id);
        return stream;
      },
    };
    return generateText(this, codec, prompt, mergeOptions(this.parts.defaults, options));
  }
  /** Streams the continuation of lists of ids. */
  generateIds(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions = {},
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    return generate(this, prompts, mergeOptions(this.parts.defaults, options));
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

  /** Frees the weights. Later calls throw; sessions that are still open fail at their next step. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    disposeParameters(this.parts.params);
    this.parts.onDispose?.();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
  #loss(logits: Tensor, labels: ModelInputs['labels']): Tensor | undefined {
    if (!labels) return undefined;
    const wanted = labelTensor(labels, logits);
    return this.parts.head === 'causalLM' ? causalLoss(logits, wanted) : classificationLoss(logits, wanted);
  }
  #checkOpen(): void {
    if (this.#disposed) throw new HeedError('the model is closed', { fix: 'load it again' });
  }
}

/**
 * Labels for logits `[..., N]`: classes as i32, or for one class and for a yes or no per class numbers as f32.
 * @throws ShapeError, ConfigError when they do not fit the logits
 */
function labelTensor(labels: Rows | ArrayLike<number>, logits: Tensor): Tensor {
  const rows = Array.from(labels as ArrayLike<number | ArrayLike<number>>);
  const flat = rows.flatMap(row => (typeof row === 'number' ? row : Array.from(row)));
  const nested = rows.some(row => typeof row !== 'number');
  const shape = nested ? [rows.length, flat.length / rows.length] : [rows.length];
  const classes = logits.dim(-1);
  const places = logits.shape.slice(0, -1);
  if (`${shape}` === `${logits.shape}` || (classes === 1 && flat.length === places[0]))
    return Tensor.from(Float32Array.from(flat), shape);
  if (`${shape}` !== `${places}`)
    throw new ShapeError('labels do not fit the logits', {
      seen: `[${shape}]`,
      expected: `[${places}] or [${logits.shape}]`,
    });
  const stranger = flat.find(x => !(Number.isInteger(x) && ((x >= 0 && x < classes) || x === IGNORE)));
  if (stranger !== undefined)
    throw new ConfigError('a label that is no class', {
      seen: `${stranger}`,
      expected: `0 to ${classes - 1}, or ${IGNORE} to leave it out`,
    });
  return Tensor.from(Int32Array.from(flat), shape);
}
