/** What `heed trace` runs a model on, and what the rows and columns of its tensors are called. */
import { ConfigError } from '../errors.ts';
import type { Model } from '../hub/model.ts';
import { decoderPrompts } from '../hub/source-decoder.ts';
import { headOf, type ModelInputs } from '../models/forward.ts';
import { readAudio, readImage } from './read-media.ts';
import { tokenLabels } from './token-label.ts';

/** Names of the places along the last two axes; of an attention pattern queries and keys. */
export interface AxisLabels {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
}
export interface TraceInput {
  readonly inputs: ModelInputs;
  /** The tokens that are read, where the model reads any. */
  readonly ids: readonly number[];
  /** By the name of a tensor. */
  labels(name: string): AxisLabels;
}
export interface TextTraceOptions {
  /** What the decoder of an encoder-decoder has written so far; default: its start token. */
  readonly decoder?: string | readonly number[] | undefined;
}

/** A text (or its ids) as the input of a model that reads tokens. */
export function textInput(
  model: Model,
  text: string | readonly number[],
  { decoder }: TextTraceOptions = {},
): TraceInput {
  const ids = idsOf(model, text);
  const label = tokenLabels(model.parts.tokenizer);
  const source = ids.map(label);
  if (!headOf(model.parts).encode) {
    if (decoder !== undefined)
      throw new ConfigError('this model has no decoder beside its input', { seen: model.parts.type });
    return { inputs: { input_ids: [ids] }, ids, labels: () => ({ rows: source, columns: source }) };
  }
  const own = headOf(model.parts).decoderIds?.(model.parts.config, { input_ids: [ids], labels: undefined })?.[0];
  const decoderIds = decoder === undefined && own ? own : decoderIdsOf(model, { decoder });
  return {
    inputs: { input_ids: [ids], decoder_input_ids: [decoderIds] },
    ids,
    labels: name => sidesOf(name, source, decoderIds.map(label)),
  };
}

/** A picture (.ppm, or others with the package sharp) or a recording (.wav) as the input of a model of those. */
export async function mediaInput(
  model: Model,
  folder: string,
  path: string | readonly number[],
  options: TextTraceOptions = {},
): Promise<TraceInput> {
  const { architecture, config } = model.parts;
  if (typeof path !== 'string')
    throw new ConfigError('this model reads a file, not tokens', { seen: '--ids', expected: 'the path of the file' });
  if (architecture.modality === 'image')
    return {
      inputs: { pixel_values: await readImage(path, folder) },
      ids: [],
      labels: () => ({ rows: [], columns: [] }),
    };
  const { num_mel_bins: bins, max_source_positions: places } = config as { [field: string]: number };
  const decoderIds = decoderIdsOf(model, options);
  const target = decoderIds.map(tokenLabels(model.parts.tokenizer));
  return {
    inputs: { input_features: await readAudio(path, folder, bins!, 2 * places!), decoder_input_ids: [decoderIds] },
    ids: decoderIds,
    labels: name => sidesOf(name, [], target),
  };
}

/** What the decoder of an encoder-decoder has written, behind its start token. */
function decoderIdsOf(model: Model, { decoder }: TextTraceOptions): readonly number[] {
  const [start] = decoderPrompts(1, {}, model.parts.defaults, model.parts.config);
  const written = decoder === undefined ? [] : idsOf(model, decoder);
  return written[0] === start![0] ? written : [...start!, ...written];
}

/** Which side of an encoder-decoder the places of a tensor belong to. */
export function sidesOf(name: string, source: readonly string[], target: readonly string[]): AxisLabels {
  const cross = name.includes('.cross.');
  const ofSource = name.startsWith('encoder.') || (cross && /\.[kv]$/.test(name));
  return { rows: ofSource ? source : target, columns: ofSource || cross ? source : target };
}

function idsOf(model: Model, text: string | readonly number[]): readonly number[] {
  if (typeof text !== 'string') return text;
  if (!model.parts.tokenizer && !model.parts.tokenizerProblem)
    throw new ConfigError('this model has no tokenizer, so it reads token ids only', {
      fix: 'give them as --ids 5,17,42',
    });
  return model.promptIds(text);
}
