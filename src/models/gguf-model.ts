/**
 * What the metadata and the tensors of a GGUF file say about a model, in the words of a checkpoint: its config.json, and where
 * each of its tensors is. The tables are in `gguf-families.ts`.
 */
import { FormatError, UnsupportedError } from '../errors.ts';
import { type GgufCheckpoint, type TensorView, toFloat32 } from '../formats/index.ts';
import { GGUF_FAMILIES, type GgufFamily } from './gguf-families.ts';

type Json = Readonly<Record<string, unknown>>;

export interface GgufModel {
  /** What config.json would hold. */
  readonly json: Json;
  /** What generation_config.json would hold. */
  readonly generation: Json;
  /** Tensors by the checkpoint's names. */
  readonly views: ReadonlyMap<string, TensorView>;
}

/** More than any layer has. */
const MOST_EXPERTS = 4096;
/** Divisors of the rotary frequencies, which become a part of the config: for all lengths, or for short and long texts. */
const DIVISORS = { all: 'rope_freqs.weight', short: 'rope_factors_short.weight', long: 'rope_factors_long.weight' };
/** Longer lists of divisors are no heads' halves. */
const MOST_DIVISORS = 4096;

/** @throws UnsupportedError for an architecture without tables, FormatError for metadata that are not what they should be */
export async function ggufModel(checkpoint: GgufCheckpoint, where: string): Promise<GgufModel> {
  const facts = new GgufFacts(checkpoint, where);
  const { family } = facts;
  const json = {
    model_type: family.type,
    ...family.constants,
    ...facts.fields(family.fields),
    ...family.derive?.(name => facts.number(name)),
    ...Object.fromEntries(Object.entries(family.rows ?? {}).map(([field, name]) => [field, facts.rows(name)])),
    ...Object.fromEntries(Object.entries(family.flags ?? {}).map(([field, name]) => [field, facts.has(name)])),
    ...Object.fromEntries(
      (family.vocabFields ?? ['vocab_size']).map(field => [field, facts.rows('token_embd.weight')]),
    ),
    [family.tiedField ?? 'tie_word_embeddings']: !facts.has('output.weight'),
    ...(family.fields.rope_theta && (await rotaryFields(facts, checkpoint))),
    ...facts.tokenIds(),
  };
  return { json, generation: { ...facts.tokenIds(), ...facts.endIds() }, views: viewsOf(facts, checkpoint) };
}

class GgufFacts {
  readonly family: GgufFamily;
  readonly where: string;
  readonly #architecture: string;
  readonly #values: GgufCheckpoint['head']['values'];
  readonly #tensors: GgufCheckpoint['tensors'];

  constructor({ head, tensors }: GgufCheckpoint, where: string) {
    this.where = where;
    this.#values = head.values;
    this.#tensors = tensors;
    const name = head.values.get('general.architecture');
    this.#architecture = String(name);
    const candidates = Object.hasOwn(GGUF_FAMILIES, this.#architecture) ? GGUF_FAMILIES[this.#architecture] : undefined;
    const found = candidates?.find(({ when }) => when === undefined || this.has(when));
    if (!found) {
      throw new UnsupportedError('no model file for this architecture of a GGUF file', {
        seen: typeof name === 'string' ? name.slice(0, 100) : 'no general.architecture',
        expected: Object.keys(GGUF_FAMILIES).join(', '),
        where,
      });
    }
    this.family = found.family;
  }

  has(tensor: string): boolean {
    return this.#tensors.has(tensor);
  }

  /** Rows of a tensor; undefined when there is none. */
  rows(tensor: string): number | undefined {
    return this.#tensors.get(tensor)?.shape[0];
  }

  /** A number of the architecture; one that is given for every layer has to be the same in all. */
  number(key: string): number | undefined {
    const value = this.#values.get(`${this.#architecture}.${key}`);
    const list = typeof value === 'object' ? Array.from(value as ArrayLike<unknown>) : [value];
    if (value === undefined || list.length === 0) return undefined;
    const [first] = list;
    if (typeof first === 'number' && list.every(one => one === first)) return shortest(first);
    const differ = list.every(one => typeof one === 'number');
    throw new (differ ? UnsupportedError : FormatError)(differ ? 'layers of different sizes' : 'not a number', {
      seen: list.slice(0, 8).join(', ').slice(0, 100),
      where: `${this.#architecture}.${key} of ${this.where}`,
    });
  }

  text(key: string): string | undefined {
    const value = this.#values.get(`${this.#architecture}.${key}`);
    return typeof value === 'string' ? value : undefined;
  }

  fields(fields: Readonly<Record<string, string>>): Json {
    return known(Object.entries(fields).map(([field, key]) => [field, this.number(key)] as const));
  }

  #tokenId(role: string): number | undefined {
    const id = this.#values.get(`tokenizer.ggml.${role}_token_id`);
    return typeof id === 'number' ? id : undefined;
  }

  tokenIds(): Json {
    const ids = { bos: 'bos', eos: 'eos', pad: 'padding', mask: 'mask' };
    return known(Object.entries(ids).map(([role, key]) => [`${role}_token_id`, this.#tokenId(key)] as const));
  }

  /** The ends of a text, of a turn and of a message stop a generation alike. */
  endIds(): Json {
    const ids = ['eos', 'eot', 'eom'].map(role => this.#tokenId(role)).filter(id => id !== undefined);
    return ids.length > 0 ? { eos_token_id: [...new Set(ids)] } : {};
  }
}

/** Of all numbers that a single-precision one stands for the shortest: 1e-5 for 0.000009999999747378752. */
function shortest(value: number): number {
  if (Number.isInteger(value) || Math.fround(value) !== value) return value;
  let digits = 1;
  while (digits < 9 && Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
  return Number(value.toPrecision(digits));
}

const known = (entries: readonly (readonly [string, unknown])[]): Json =>
  Object.fromEntries(entries.filter(([, value]) => value !== undefined));

/** How many features of a head turn, and how their frequencies are scaled. */
async function rotaryFields(facts: GgufFacts, checkpoint: GgufCheckpoint): Promise<Json> {
  const width =
    facts.number('attention.key_length') ?? facts.number('embedding_length')! / facts.number('attention.head_count')!;
  const turned = facts.number('rope.dimension_count') ?? width;
  return {
    ...(turned < width && { partial_rotary_factor: turned / width }),
    ...known([['rope_scaling', (await divisors(facts, checkpoint)) ?? scaling(facts)]]),
  };
}

function scaling(facts: GgufFacts): Json | undefined {
  const rope_type = facts.text('rope.scaling.type');
  if (rope_type === undefined || rope_type === 'none') return undefined;
  return {
    rope_type,
    ...facts.fields({
      factor: 'rope.scaling.factor',
      original_max_position_embeddings: 'rope.scaling.original_context_length',
      beta_fast: 'rope.scaling.yarn_beta_fast',
      beta_slow: 'rope.scaling.yarn_beta_slow',
    }),
  };
}

/** Divisors that the file holds as tensors, whatever rule they came from. */
async function divisors(facts: GgufFacts, checkpoint: GgufCheckpoint): Promise<Json | undefined> {
  const read = async (name: string) => {
    const tensor = checkpoint.tensors.get(name);
    if (!tensor) return undefined;
    if (tensor.shape.length !== 1 || tensor.shape[0]! > MOST_DIVISORS) {
      throw new FormatError('not a list of divisors', {
        seen: `[${tensor.shape}]`,
        where: `${name} of ${facts.where}`,
      });
    }
    return Array.from(toFloat32(await checkpoint.read(name, 0, tensor.byteLength), tensor.dtype));
  };
  const all = await read(DIVISORS.all);
  const short_factor = all ?? (await read(DIVISORS.short));
  const long_factor = all ?? (await read(DIVISORS.long));
  if (!short_factor && !long_factor) return undefined;
  const trained = facts.number('rope.scaling.original_context_length') ?? facts.number('context_length');
  return {
    rope_type: 'longrope',
    short_factor: short_factor ?? long_factor,
    long_factor: long_factor ?? short_factor,
    factor: 1,
    attention_factor: facts.number('rope.scaling.attn_factor') ?? 1,
    original_max_position_embeddings: trained,
  };
}

function viewsOf(facts: GgufFacts, { tensors }: GgufCheckpoint): Map<string, TensorView> {
  const { family, where } = facts;
  const views = new Map<string, TensorView>();
  const add = (name: string, view: TensorView) => {
    if (views.has(name))
      throw new FormatError('two tensors are the same parameter', { seen: name.slice(0, 100), where });
    views.set(name, view);
  };
  for (const { name: source, shape } of tensors.values()) {
    if (Object.values(DIVISORS).includes(source)) continue;
    const [, stem = source, kind = ''] = /^(.*)(\.(?:weight|bias))$/.exec(source) ?? [];
    const pattern = stem.replace(/\.\d+(?=\.|$)/g, '.#');
    const numbers = stem.match(/(?<=\.)\d+(?=\.|$)/g) ?? [];
    const ours = Object.hasOwn(family.names, pattern) ? family.names[pattern] : undefined;
    if (ours === undefined) {
      add(source, { source });
      continue;
    }
    let next = 0;
    const name = ours.replace(/#/g, () => numbers[next++]!) + kind;
    const heads = family.interleaved?.[pattern];
    const view = {
      source,
      interleaved: heads ? shape[0]! / (facts.number(heads) ?? facts.number('attention.head_count') ?? 1) : undefined,
      plus: family.offsetNorms && stem.endsWith('_norm') ? -1 : undefined,
    };
    if (!name.includes('@')) {
      add(name, view);
      continue;
    }
    const experts = facts.number('expert_count') ?? 0;
    if (experts > MOST_EXPERTS) throw new FormatError('too many experts', { seen: `${experts}`, where });
    for (let i = 0; i < experts; i++) add(name.replace('@', `${i}`), { ...view, part: [i, experts] });
  }
  return views;
}
