/** A model's forward pass from inputs by the reference's names, as lazy tensors: nothing is computed. */
import { ConfigError, ShapeError } from '../errors.ts';
import { tokenBatch } from '../nn/tokens.ts';
import { type Backend, Tensor } from '../tensor/index.ts';
import type {
  Architecture,
  AudioInput,
  Head,
  HeadName,
  ImageInput,
  Outputs,
  Source,
  TokenInput,
} from './architecture.ts';
import type { Labels } from './labels.ts';

type Rows = readonly ArrayLike<number>[];

/** Inputs by the reference's names. B rows of T tokens (S in the source of an encoder-decoder). */
export interface ModelInputs extends Labels {
  readonly input_ids?: Rows | undefined;
  /** 1 = real, 0 = padding. */
  readonly attention_mask?: Rows | undefined;
  /** Segment of each token. Default: all 0. */
  readonly token_type_ids?: Rows | undefined;
  readonly position_ids?: Rows | undefined;
  /** `[B, channels, height, width]`, as the checkpoint's image processor makes them. */
  readonly pixel_values?: Tensor | undefined;
  /** `[B, mel bins, frames]`, as the checkpoint's feature extractor makes them. */
  readonly input_features?: Tensor | undefined;
  /** What the decoder of an encoder-decoder reads. Default: the labels, shifted right. */
  readonly decoder_input_ids?: Rows | undefined;
  readonly decoder_attention_mask?: Rows | undefined;
}
/** A loaded model, as plain data. */
export interface LoadedModel {
  readonly architecture: Architecture;
  readonly config: unknown;
  readonly params: unknown;
  readonly backend: Backend;
  readonly head: HeadName;
}
/** The lazy tensors of a forward pass. */
export interface ModelGraph {
  /** Last hidden states `[B, T, C]`. */
  readonly hidden: Tensor;
  /** What the head gives, by the reference's names. */
  readonly outputs: Outputs;
  /** The main one of them: `[B, T, V]` of a language model, `[B, N]` of a classifier. */
  readonly logits: Tensor;
  /** The loss of these outputs or of others in their place, such as edited ones. Undefined without labels. */
  lossOf(outputs?: Outputs): Tensor | undefined;
}

/** The head's functions. @throws ConfigError when the architecture has no such head */
export function headOf({ architecture, head }: Pick<LoadedModel, 'architecture' | 'head'>): Head<unknown> {
  const found = architecture.heads[head];
  if (found) return found;
  throw new ConfigError(`${architecture.name} has no such head`, {
    seen: head,
    expected: Object.keys(architecture.heads).join(' or '),
  });
}

/**
 * The graph from inputs to outputs.
 * @throws ShapeError, ConfigError when inputs are missing, do not fit each other or the model
 */
export function forward(model: LoadedModel, inputs: ModelInputs): ModelGraph {
  const { params, config } = model;
  const head = headOf(model);
  const input = head.encode ? decoderInput(model, inputs, encode(model, inputs)) : mainInput(model, inputs);
  const hidden = head.hidden(params, config, input);
  const outputs = head.outputs(params, config, hidden, input);
  return {
    hidden,
    outputs,
    logits: mainOf(outputs),
    lossOf: (of = outputs) => head.loss?.(of, inputs, config, input) ?? refuseLabels(model.head, inputs),
  };
}
export const mainOf = (outputs: Outputs): Tensor => Object.values(outputs)[0]!;

/** The encoder's pass of an encoder-decoder. */
export function encode(model: LoadedModel, inputs: ModelInputs): Source {
  const head = headOf(model);
  if (!head.encode) throw new ConfigError('this model has no encoder to run by itself', { seen: model.head });
  return head.encode(model.params, model.config, mainInput(model, inputs));
}

/** Labels that nothing was made of. @throws ConfigError when there are any */
function refuseLabels(head: HeadName, inputs: Labels): undefined {
  const { labels, next_sentence_label, start_positions, end_positions } = inputs;
  const given = Object.entries({ labels, next_sentence_label, start_positions, end_positions });
  const names = given.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (names.length) throw new ConfigError('no loss from these labels', { seen: `${names.join(', ')} for ${head}` });
  return undefined;
}

function mainInput(model: LoadedModel, inputs: ModelInputs): TokenInput | ImageInput | AudioInput {
  const { modality = 'text' } = model.architecture;
  if (modality === 'image') return { pixels: given(inputs.pixel_values, 'pixel_values', 4) };
  if (modality === 'audio') return { features: given(inputs.input_features, 'input_features', 3) };
  const { architecture, config } = model;
  const { vocabSize, contextLength, sourceVocabSize = vocabSize, sourceLength } = architecture;
  const encodes = headOf(model).encode !== undefined;
  return tokenBatch(rowsOf(inputs.input_ids, 'input_ids'), {
    vocabSize: encodes ? sourceVocabSize(config) : vocabSize(config),
    contextLength: encodes ? sourceLength?.(config) : contextLength(config),
    mask: inputs.attention_mask,
    positions: inputs.position_ids,
    types: inputs.token_type_ids,
    typeVocabSize: architecture.typeVocabSize?.(config) ?? 1,
  });
}

function decoderInput(model: LoadedModel, inputs: ModelInputs, source: Source): TokenInput {
  const { architecture, config } = model;
  const { ids, mask } = inputs.decoder_input_ids
    ? { ids: inputs.decoder_input_ids, mask: inputs.decoder_attention_mask }
    : derivedRows(model, inputs);
  const batch = tokenBatch(rowsOf(ids, 'decoder_input_ids or labels'), {
    vocabSize: architecture.vocabSize(config),
    contextLength: architecture.contextLength(config),
    mask,
  });
  if (batch.ids.dim(0) !== source.states!.dim(0))
    throw new ShapeError('as many decoder rows as sources', {
      seen: `${batch.ids.dim(0)} rows`,
      expected: `${source.states!.dim(0)}`,
    });
  return { ...batch, source };
}

/** What a decoder reads when it is given nothing: made of the labels or, padding for padding, of the source. */
function derivedRows(model: LoadedModel, inputs: ModelInputs): { ids: Rows | undefined; mask?: Rows | undefined } {
  const make = (input_ids: Rows | undefined, labels?: Labels['labels']) =>
    headOf(model).decoderIds?.(model.config, { input_ids, labels });
  const { input_ids, attention_mask, labels } = inputs;
  const labelled = labels && make(undefined, labels);
  if (labelled || !input_ids) return { ids: labelled, mask: inputs.decoder_attention_mask };
  const before = input_ids.map((_, b) => Math.max(0, Array.from(attention_mask?.[b] ?? [1]).indexOf(1)));
  if (!before.some(n => n > 0)) return { ids: make(input_ids), mask: inputs.decoder_attention_mask };
  const fill = (n: number, value: number) => new Array<number>(n).fill(value);
  const rows = input_ids.map((row, b) => make([Array.from(row).slice(before[b])])?.[0]);
  if (rows.includes(undefined)) return { ids: undefined };
  return {
    ids: rows.map((row, b) => [...fill(before[b]!, 0), ...row!]),
    mask: rows.map((row, b) => [...fill(before[b]!, 0), ...fill(row!.length, 1)]),
  };
}

function rowsOf(rows: Rows | undefined, name: string): Rows {
  if (rows === undefined) throw new ConfigError('an input is missing', { expected: name });
  return rows;
}
function given(tensor: Tensor | undefined, name: string, rank: number): Tensor {
  if (!(tensor instanceof Tensor) || tensor.dtype !== 'f32' || tensor.rank !== rank)
    throw new ShapeError(`${name} has to be a tensor of rank ${rank}`, {
      seen: tensor instanceof Tensor ? `${tensor.dtype} [${tensor.shape}]` : typeof tensor,
      fix: `Tensor.from(values, shape)`,
    });
  return tensor;
}
