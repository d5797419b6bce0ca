/**
 * What a GGUF file says of a checkpoint: the other direction of `gguf-model.ts`, by the same tables. What comes out is read back
 * before it is given away, so that no file says less, or something else, than the model it was made from. Keys beside the tables:
 * ggml-org/llama.cpp's converter.
 */
import { CheckpointError, UnsupportedError } from '../errors.ts';
import type { Arrangement, GgufMetadataToWrite, GgufValueToWrite } from '../formats/index.ts';
import { listParams } from '../nn/params.ts';
import { attentionFactor, inverseFrequencies, type RopeConfig } from '../nn/rope.ts';
import type { Shape } from '../tensor/index.ts';
import type { Architecture, HeadName } from './architecture.ts';
import { headOf } from './forward.ts';
import { GGUF_FAMILIES, type GgufFamily } from './gguf-families.ts';
import { checkExport } from './gguf-read-back.ts';

type Json = Readonly<Record<string, unknown>>;

/** A tensor of the file to be: arranged of the checkpoint's, or numbers that follow from the config. */
export interface GgufTensorPlan {
  readonly name: string;
  readonly shape: Shape;
  readonly from: Arrangement | Float32Array;
}
export interface GgufExport {
  /** Of the model; the tokenizer's are not among them. */
  readonly metadata: GgufMetadataToWrite;
  readonly tensors: readonly GgufTensorPlan[];
  /** Tensors of the checkpoint that such a file has no place for, like a classifier on top of an encoder. */
  readonly leftOut: readonly string[];
}
export interface ModelToExport {
  readonly architecture: Architecture;
  readonly config: unknown;
  /** Parsed config.json, with the defaults of its `model_type`. */
  readonly json: Json;
  readonly head: HeadName;
  /** Shapes of the checkpoint's tensors by name. */
  readonly tensors: ReadonlyMap<string, { readonly shape: Shape }>;
  /** Name of the model, for messages. */
  readonly where: string;
}

/**
 * @throws UnsupportedError for an architecture that has no tables, or a config that its files cannot say; CheckpointError for a
 * checkpoint that lacks tensors
 */
export async function exportGguf(model: ModelToExport): Promise<GgufExport> {
  const { name, family } = familyOf(model);
  const place = new TensorPlaces(model, family);
  const rope = ropeOf(model.config);
  const tensors = [...place.tensors(), ...(rope ? divisors(rope) : [])];
  const metadata = {
    'general.architecture': name,
    ...Object.fromEntries(
      Object.entries({ ...keysOf(model, family), ...(rope && ropeKeys(rope)) }).map(([key, value]) => [
        `${name}.${key}`,
        value,
      ]),
    ),
    ...(family.rows?.type_vocab_size && {
      'tokenizer.ggml.token_type_count': number('token_type_count', field(model, 'type_vocab_size')),
    }),
  };
  await checkExport(model, { metadata, tensors });
  return { metadata, tensors, leftOut: place.leftOut() };
}

/** The family of a model, by its `model_type`, or what that is another name of. */
function familyOf({ json, architecture, tensors, config, where }: ModelToExport) {
  const all = Object.entries(GGUF_FAMILIES).flatMap(([name, list]) => list.map(({ family }) => ({ name, family })));
  const encoderOnly = ({ architectures }: Json) => String(architectures).endsWith('EncoderModel');
  const named = (type: unknown) =>
    all.filter(({ family }) => family.type === type && encoderOnly(family.constants ?? {}) === encoderOnly(json));
  const [own, kin] = [named(json.model_type), named(architecture.name)];
  const candidates = own.length ? own : kin;
  const params = new Set([...tensors.keys()].map(key => architecture.rename(key, config)));
  // Of two forms of a family the one with a place for more of the tensors.
  const fits = (family: GgufFamily) =>
    Object.values(family.names).filter(ours =>
      params.has(architecture.rename(`${ours.replace(/[#@]/g, '0')}.weight`, config)),
    ).length;
  const [best] = candidates.sort((a, b) => fits(b.family) - fits(a.family));
  if (best) return best;
  throw new UnsupportedError('models of this architecture have no form in GGUF files that heed knows', {
    seen: String(json.model_type),
    expected: [...new Set(all.map(({ family }) => family.type))].join(', '),
    fix: 'save it as safetensors in half precision: model.save(folder, { dtype: "bf16" })',
    where,
  });
}

/** A field as the model understands it, or as the file says where that has no such field. */
const field = ({ config, json }: ModelToExport, name: string): unknown =>
  (config as Json)[name] ?? (name === 'rope_theta' ? ropeOf(config)?.theta : undefined) ?? json[name];

const ropeOf = (config: unknown): RopeConfig | undefined => (config as { rope?: RopeConfig }).rope;

/** Keys whose values readers want as floats, whatever number they are. */
const FLOAT_KEY = /epsilon|freq_base|softcapping|scale$|factor$|beta/;
const number = (key: string, value: unknown): GgufValueToWrite => ({
  type: FLOAT_KEY.test(key) ? 'F32' : 'U32',
  value: value as number,
});

/** Keys of the architecture, without its name. */
function keysOf(model: ModelToExport, family: GgufFamily): Record<string, GgufValueToWrite> {
  const { architecture, config } = model;
  const context = architecture.contextLength(config) ?? architecture.sourceLength?.(config);
  const known = Object.entries(family.fields).map(([name, key]) => [key, field(model, name)] as const);
  const values = new Map<string, unknown>([
    // Readers want to know for how long a text there is room, whatever the family says of it.
    ['context_length', context ?? field(model, 'max_position_embeddings') ?? field(model, 'n_positions') ?? 512],
    ['vocab_size', architecture.vocabSize(config)],
    ...known.filter(([key, value]) => typeof value === 'number' && !(value === 0 && key.endsWith('sliding_window'))),
  ]);
  if (values.has('attention.key_length')) values.set('attention.value_length', values.get('attention.key_length'));
  return Object.fromEntries([...values].map(([key, value]) => [key, number(key, value)]));
}

function ropeKeys({ dim, scaling }: RopeConfig): Record<string, GgufValueToWrite> {
  const scaled = (type: string, keys: Readonly<Record<string, number | undefined>>) => ({
    'rope.scaling.type': type,
    ...Object.fromEntries(
      Object.entries(keys).flatMap(([key, value]) =>
        value === undefined ? [] : [[`rope.scaling.${key}`, number(key, value)]],
      ),
    ),
  });
  const keys = { 'rope.dimension_count': number('dimension_count', dim) };
  if (scaling.rope_type === 'linear') return { ...keys, ...scaled('linear', { factor: scaling.factor }) };
  if (scaling.rope_type === 'yarn') {
    const { factor, original_max_position_embeddings, beta_fast, beta_slow } = scaling;
    const context = { factor, original_context_length: original_max_position_embeddings };
    return { ...keys, ...scaled('yarn', { ...context, yarn_beta_fast: beta_fast, yarn_beta_slow: beta_slow }) };
  }
  if (scaling.rope_type === 'longrope') {
    const context = { original_context_length: scaling.original_max_position_embeddings };
    return { ...keys, ...scaled('longrope', { ...context, attn_factor: attentionFactor(scaling) }) };
  }
  return keys;
}

/** Scalings that files hold as what each frequency is divided by. */
function divisors(rope: RopeConfig): GgufTensorPlan[] {
  const list = (name: string, values: readonly number[]): GgufTensorPlan => ({
    name,
    shape: [values.length],
    from: Float32Array.from(values),
  });
  const { scaling } = rope;
  if (scaling.rope_type === 'longrope')
    return [
      list('rope_factors_long.weight', scaling.long_factor),
      list('rope_factors_short.weight', scaling.short_factor),
    ];
  if (scaling.rope_type !== 'llama3') return [];
  const plain = inverseFrequencies({ ...rope, scaling: { rope_type: 'default' } }, 1);
  const scaled = inverseFrequencies(rope, 1);
  return [
    list(
      'rope_freqs.weight',
      plain.map((f, i) => f / scaled[i]!),
    ),
  ];
}

/** Where each of the model's parameters goes. */
class TensorPlaces {
  readonly #model: ModelToExport;
  readonly #family: GgufFamily;
  /** The checkpoint's name of each parameter. */
  readonly #keys = new Map<string, string>();
  readonly #used = new Set<string>();

  constructor(model: ModelToExport, family: GgufFamily) {
    this.#model = model;
    this.#family = family;
    for (const key of model.tensors.keys()) {
      const name = model.architecture.rename(key, model.config);
      if (name !== undefined) this.#keys.set(name, key);
    }
  }

  /** Layer by layer, what is of none first. */
  tensors(): GgufTensorPlan[] {
    const specs = new Map(listParams(headOf(this.#model).parameters(this.#model.config)));
    const missing = [...specs].filter(([name, { constant }]) => constant !== 'buffer' && !this.#keys.has(name));
    if (missing.length)
      throw new CheckpointError('the checkpoint does not fit the config', {
        seen: `no ${missing
          .slice(0, 8)
          .map(([name]) => name)
          .join(', ')}`,
        where: this.#model.where,
      });
    const layers = 1 + Math.max(-1, ...[...specs.keys()].map(name => Number(/\.(\d+)\./.exec(name)?.[1] ?? -1)));
    const plans: { readonly layer: number; readonly plan: GgufTensorPlan }[] = [];
    for (const [pattern, ours] of Object.entries(this.#family.names)) {
      // The second number of a name was that of an expert, before those became one tensor.
      const numbered = pattern.split('#').length - 1;
      for (let layer = numbered ? 0 : -1; layer < (numbered ? layers : 0) && numbered < 2; layer++)
        for (const kind of ['.weight', '.bias']) {
          const at = (text: string) => text.replace('#', `${layer}`) + kind;
          const sources = this.#sources(at(ours));
          if (!sources.length) continue;
          const { transposed } = specs.get(this.#rename(sources[0]!)!) ?? {};
          const own = this.#model.tensors.get(sources[0]!)!.shape;
          const shape = transposed ? [...own].reverse() : own;
          plans.push({
            layer,
            plan: {
              name: at(pattern),
              shape: ours.includes('@') ? [sources.length, ...shape] : shape,
              from: {
                sources,
                transposed,
                interleaved: this.#group(pattern, shape),
                plus: this.#family.offsetNorms && pattern.endsWith('_norm') ? 1 : undefined,
              },
            },
          });
        }
    }
    return plans.sort((a, b) => a.layer - b.layer).map(({ plan }) => plan);
  }

  leftOut(): string[] {
    return [...this.#keys.values()].filter(key => !this.#used.has(key));
  }

  /** The checkpoint's tensors behind a name of the tables, of experts all. */
  #sources(name: string): string[] {
    const found: string[] = [];
    for (let i = 0; i === 0 || name.includes('@'); i++) {
      const key = this.#keys.get(this.#rename(name.replace('@', `${i}`)) ?? '');
      if (key === undefined) break;
      this.#used.add(key);
      found.push(key);
    }
    return found;
  }

  #rename(key: string): string | undefined {
    return this.#model.architecture.rename(key, this.#model.config);
  }

  /** Rows of a head whose halves the file interleaves. */
  #group(pattern: string, [rows = 0]: Shape): number | undefined {
    const heads = this.#family.interleaved?.[pattern];
    if (heads === undefined) return undefined;
    const name = Object.entries(this.#family.fields).find(([, key]) => key === heads)![0];
    return rows / (field(this.#model, name) as number);
  }
}
