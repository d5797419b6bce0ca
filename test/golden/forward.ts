/** Forward passes: every tensor that the reference kept of a case against the canonical name it has here. */
import type { Model } from '../../src/hub/model.ts';
import type { ModelInputs } from '../../src/models/forward.ts';
import { Tensor } from '../../src/tensor/index.ts';
import {
  broken,
  type Check,
  compareFloats,
  compareNumber,
  type Expected,
  FLOAT_BOUND,
  PADDING_BOUND,
} from './compare.ts';
import { type GoldenCase, rowsOf } from './golden-files.ts';

/** Names that are not results, or (computed in half precision) not to be compared. */
const INPUTS =
  /^(input_ids|attention_mask|token_type_ids|position_ids|pixel_values|input_features|decoder_input_ids|labels|next_sentence_label|start_positions|end_positions|logits_computed_in_\w+)$/;

/** Trace name of the reference's tensor; undefined = there is no rule for it. */
function canonicalName(
  name: string,
  layers: ReadonlyMap<string, number>,
  known: ReadonlySet<string>,
  expected: GoldenCase,
) {
  const [, side, kind, index] = /^(?:(encoder|decoder)_)?([a-z_]+?)(?:\.(\d+))?$/.exec(name) ?? [];
  const prefix = side ? `${side}.` : known.has('decoder.ln_final') && kind !== 'logits' ? 'decoder.' : '';
  const block = `${prefix}blocks.${index}`;
  switch (kind) {
    case 'last_hidden_state':
      return `${prefix}ln_final`;
    case 'hidden_states':
      if (Number(index) < layers.get(side ?? '')!) return `${block}.resid_pre`;
      return beforeNorm(name, expected) ? `${prefix}blocks.${Number(index) - 1}.resid_post` : `${prefix}ln_final`;
    case 'mems':
      return `${block}.resid_pre`;
    case 'attentions':
      return `${block}.attn.pattern`;
    case 'cross_attentions':
      return `${block}.cross.pattern`;
    case 'cache_key':
      return known.has(`${block}.attn.rot_k`) ? `${block}.attn.rot_k` : `${block}.attn.k`;
    case 'cache_value':
      return `${block}.attn.v`;
    case 'router_logits':
      return `${block}.mlp.router`;
    default:
      return known.has(name) ? name : undefined;
  }
}
/** Whether the reference keeps the last layer's output under this name, and what the final norm makes of it apart. */
function beforeNorm(name: string, expected: GoldenCase): boolean {
  const normed = expected.get(name.replace(/hidden_states\.\d+$/, 'last_hidden_state'));
  return normed !== undefined && compareFloats(normed.data, expected.get(name)!).error > FLOAT_BOUND;
}
/** Number of layers of each side: the reference keeps one more state than there are layers. */
function layersOf(expected: GoldenCase): Map<string, number> {
  const layers = new Map<string, number>();
  for (const name of expected.keys()) {
    const [, side = '', index] = /^(?:(encoder|decoder)_)?hidden_states\.(\d+)$/.exec(name) ?? [];
    if (index !== undefined) layers.set(side, Math.max(layers.get(side) ?? 0, Number(index)));
  }
  return layers;
}

export function inputsOf(expected: GoldenCase): ModelInputs {
  const rows = (name: string) => (expected.has(name) ? rowsOf(expected.get(name)!) : undefined);
  const tensor = (name: string) => {
    const found = expected.get(name);
    return found && Tensor.from(Float32Array.from(found.data), found.shape);
  };
  const labels = expected.get('labels');
  return {
    input_ids: rows('input_ids'),
    attention_mask: rows('attention_mask'),
    token_type_ids: rows('token_type_ids'),
    position_ids: rows('position_ids'),
    pixel_values: tensor('pixel_values'),
    input_features: tensor('input_features'),
    decoder_input_ids: rows('decoder_input_ids'),
    labels: labels && (labels.shape.length === 1 ? labels.data : rowsOf(labels)),
    next_sentence_label: expected.get('next_sentence_label')?.data,
    start_positions: expected.get('start_positions')?.data,
    end_positions: expected.get('end_positions')?.data,
  };
}

/** Checks of one case: all its tensors and the loss. */
export async function* forwardChecks(model: Model, caseName: string, expected: GoldenCase): AsyncGenerator<Check> {
  const inputs = inputsOf(expected);
  const known = new Set(model.names(inputs));
  const layers = layersOf(expected);
  const mask = inputs.attention_mask?.flatMap(row => Array.from(row)) ?? [];
  // The decoder of the reference is given no mask: all its tokens count.
  const queryMask = (kind: string) => (known.has('decoder.ln_final') && !kind.startsWith('encoder_') ? [] : mask);

  const wanted = new Map<string, string>();
  for (const name of expected.keys()) {
    if (INPUTS.test(name) || name === 'loss') continue;
    const canonical = canonicalName(name, layers, known, expected);
    if (canonical && known.has(canonical)) wanted.set(name, canonical);
    else yield broken(`${caseName}/${name}`, canonical ? `the model has no ${canonical}` : 'no rule for this tensor');
  }
  const { loss, trace } = await model.run(inputs, { trace: [...new Set(wanted.values())] });
  for (const [name, canonical] of wanted) {
    const [kind = name, part] = name.split('.');
    const reference = kind === 'mems' ? rowsFirst(expected.get(name)!) : expected.get(name)!;
    const actual = await trace[canonical]!.data();
    const label = { name: `${caseName}/${kind}`, part };
    const real = realEntries(kind, reference.shape, queryMask(kind));
    yield { ...label, ...compareFloats(lastSlots(actual, kind, reference, trace[canonical]!.shape), reference, real) };
    if (kind.endsWith('attentions') && mask.includes(0) && kind !== 'decoder_attentions')
      yield {
        ...label,
        name: `${caseName}/${kind === 'attentions' ? 'attention' : kind} to padding`,
        error: seenPadding(actual, reference.shape, mask, queryMask(kind)),
        bound: PADDING_BOUND,
      };
  }
  if (expected.has('loss')) yield { name: `${caseName}/loss`, ...compareNumber(loss!, expected.get('loss')!.data[0]!) };
  if (inputs.position_ids && expected.has('logits')) {
    const { logits } = await model.run({ ...inputs, position_ids: undefined });
    const reference = expected.get('logits')!;
    const real = realEntries('logits', reference.shape, mask);
    yield {
      name: `${caseName}/logits, positions from the mask`,
      ...compareFloats(await logits.data(), reference, real),
    };
  }
}

/** Which entries belong to real tokens: of `[B, T, ...]` by the token, of attention `[B, H, T, S]` by the query. */
function realEntries(
  kind: string,
  shape: readonly number[],
  mask: readonly number[],
): ((i: number) => boolean) | undefined {
  const perToken =
    (kind.endsWith('attentions')
      ? shape.length === 4
      : kind !== 'cache_key' && kind !== 'cache_value' && shape.length === 3) ||
    // A number per token, such as the score of a span's start.
    (shape.length === 2 && shape[0]! * shape[1]! === mask.length) ||
    // Scores of each token in one list.
    (kind === 'router_logits' && shape[0] === mask.length);
  if (!perToken || !mask.includes(0)) return undefined;
  const [T, width] = shape.length === 2 && kind !== 'router_logits' ? [shape[1]!, 1] : [shape.at(-2)!, shape.at(-1)!];
  const heads = shape.length === 4 ? shape[1]! : 1;
  return i => mask[Math.floor(i / (heads * T * width)) * T + (Math.floor(i / width) % T)] === 1;
}
/** `[T, B, C] -> [B, T, C]` */
function rowsFirst({ shape, data }: Expected): Expected {
  const [T, B, C] = shape as [number, number, number];
  const turned = new Float32Array(data.length);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < T * C; i++) turned[b * T * C + i] = data[(Math.floor(i / C) * B + b) * C + (i % C)]!;
  return { shape: [B, T, C], data: turned };
}
/** The most that any real query looks at a padded key; pattern `[B, H, T, S]`. */
function seenPadding(
  pattern: ArrayLike<number>,
  shape: readonly number[],
  keyMask: readonly number[],
  queryMask: readonly number[],
): number {
  const [, H, T, S] = shape as [number, number, number, number];
  let most = 0;
  for (let i = 0; i < pattern.length; i++) {
    const row = Math.floor(i / (H * T * S));
    const isReal = queryMask.length === 0 || queryMask[row * T + (Math.floor(i / S) % T)] === 1;
    if (isReal && keyMask[row * S + (i % S)] === 0) most = Math.max(most, Math.abs(pattern[i]!));
  }
  return most;
}
/** The reference drops keys that no later token will see; ours `[B, G, T, D]` are cut to its last slots. */
export function lastSlots(
  actual: ArrayLike<number>,
  kind: string,
  reference: Expected,
  shape: readonly number[],
): ArrayLike<number> {
  if (!kind.startsWith('cache_') || shape.length !== 4) return actual;
  const [B, G, T, D] = shape as [number, number, number, number];
  const S = reference.shape[2]!;
  const kept: number[] = [];
  for (let row = 0; row < B * G; row++)
    for (let i = (row * T + T - S) * D; i < (row + 1) * T * D; i++) kept.push(actual[i]!);
  return kept;
}
