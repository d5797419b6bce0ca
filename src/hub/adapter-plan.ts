/** Which tensor of an adapter's file belongs where in a model. Source of the names: huggingface/peft. */
import { CheckpointError, UnsupportedError } from '../errors.ts';
import type { Checkpoint } from '../formats/index.ts';
import { headOf } from '../models/forward.ts';
import { type AdapterParams, nodeOf } from '../nn/adapter.ts';
import { listParams, type ParamSpec, param } from '../nn/params.ts';
import type { Shape } from '../tensor/index.ts';
import type { AdapterConfig } from './adapter-config.ts';
import type { ModelParts } from './model.ts';

/** What each tensor of the file is. */
export interface AdapterPlan {
  /** Declarations by the names in `AdapterParams`. */
  readonly spec: Readonly<Record<string, ParamSpec>>;
  /** Those names by the file's. */
  readonly names: ReadonlyMap<string, string>;
  /** The adapted layers: the reference's names of their modules, and whether they are tables. */
  readonly layers: ReadonlyMap<string, { readonly module: string; readonly table: boolean }>;
  readonly kept: AdapterParams['kept'];
}

/** What PEFT puts before the names of the base model's modules. */
const PREFIX = 'base_model.model.';
/** The copies of a module: the one that was trained, and the base model's. */
const COPIES = /\.(modules_to_save(\.default)?|original_module)(?=\.)/;
/** The base model's name of a parameter that an adapter's file holds as a whole. */
export const plainName = (key: string): string =>
  key.slice(PREFIX.length).replace('.base_layer.', '.').replace(COPIES, '');

/** Parts of a low-rank layer by the endings of their names. Training keeps adapters apart by a name, mostly `default`. */
const PARTS: readonly (readonly [
  ending: RegExp,
  part: 'down' | 'up' | 'bias' | 'direction.magnitude',
  table: boolean,
])[] = [
  [/\.lora_A(\.default)?\.weight$/, 'down', false],
  [/\.lora_B(\.default)?\.weight$/, 'up', false],
  [/\.lora_B(\.default)?\.bias$/, 'bias', false],
  [/\.lora_magnitude_vector(\.default)?(\.weight)?$/, 'direction.magnitude', false],
  [/\.lora_embedding_A(\.default)?$/, 'down', true],
  [/\.lora_embedding_B(\.default)?$/, 'up', true],
];

/**
 * Finds the place of every tensor of a file in a model.
 * @throws UnsupportedError for layers that cannot be adapted here, CheckpointError for tensors that have no place, or half of what
 * belongs together
 */
export function planAdapter(
  model: ModelParts,
  config: AdapterConfig,
  checkpoint: Checkpoint,
  where: string,
): AdapterPlan {
  const spec: Record<string, ParamSpec> = {};
  const names = new Map<string, string>();
  const layers = new Map<string, { module: string; table: boolean }>();
  const { find, untiedSpecs } = parametersOf(model);
  const claim = (key: string, name: string, made: ParamSpec) => {
    if (spec[name])
      throw new CheckpointError('two tensors of an adapter are one here', { seen: `${key}, which is ${name}`, where });
    spec[name] = made;
    names.set(key, name);
  };
  for (const { name: key } of checkpoint.tensors.values()) {
    if (!key.startsWith(PREFIX))
      throw new CheckpointError('not a tensor of an adapter', { seen: key, expected: `${PREFIX}...`, where });
    const found = PARTS.find(([ending]) => ending.test(key));
    if (!found && /\.lora_/.test(key))
      throw new UnsupportedError('a tensor of an unknown variant of LoRA', { seen: key, where });
    if (!found) {
      const plain = PREFIX + plainName(key);
      // The biases of a module that was trained as a whole come with it and by themselves, and once as they were.
      if (plain !== key && (key.includes('.original_module.') || checkpoint.tensors.has(plain))) continue;
      const { name, spec: own } = find(plainName(key), where);
      claim(key, `saved.${name}`, own);
      continue;
    }
    const [ending, part, table] = found;
    const module = key.slice(PREFIX.length).replace(ending, '');
    const { name: weightName, spec: weight } = find(`${module}.weight`, where);
    const [out, width] = weight.shape as [number, number];
    if (weight.shape.length !== 2 || !weightName.endsWith('.weight') || weight.constant)
      throw new UnsupportedError('a layer that cannot have a LoRA adapter here', {
        seen: `${module}, weight [${weight.shape}]`,
        where,
      });
    const layer = weightName.slice(0, -'.weight'.length);
    const { rank } = config.facts(module);
    const shapes: Record<typeof part, Shape> = {
      down: table ? [out, rank] : [rank, width],
      up: [table ? width : out, rank],
      bias: [out],
      'direction.magnitude': [out],
    };
    const before = layers.get(layer);
    if (before && (before.module !== module || before.table !== table))
      throw new CheckpointError('two layers of an adapter are one here', {
        seen: `${before.module} and ${module}`,
        where,
      });
    layers.set(layer, { module, table });
    const matrix = part === 'down' || part === 'up';
    claim(
      key,
      `layers.${layer}.${part}`,
      param(shapes[part], 'zeros', { matrix, ...(table && part === 'down' && { transposed: true }) }),
    );
  }
  for (const [layer, { module }] of layers) {
    const missing = (['down', 'up', ...(config.dora ? ['direction.magnitude'] : [])] as const).filter(
      part => !spec[`layers.${layer}.${part}`],
    );
    if (missing.length)
      throw new CheckpointError('half a layer of an adapter', {
        seen: `${module} without ${missing.join(', ')}`,
        where,
      });
  }
  return { spec, names, layers, kept: keptOutputs(model, untiedSpecs, spec, layers) };
}

/**
 * Output layers that are tied to a table which the adapter changes. As in the reference they keep the table as it was, unless the
 * adapter has a matrix for them too.
 */
function keptOutputs(
  { specs, params }: ModelParts,
  untied: ReadonlyMap<string, ParamSpec>,
  spec: AdapterPlan['spec'],
  layers: AdapterPlan['layers'],
): AdapterParams['kept'] {
  const kept: Record<string, string> = {};
  const tied = [...untied].filter(([name, { matrix }]) => matrix && !specs.has(name) && !spec[`saved.${name}`]);
  const tables = [...layers].flatMap(([layer, { table }]) => (table ? [`${layer}.weight`] : []));
  const saved = Object.keys(spec).filter(name => name.startsWith('saved.'));
  for (const changed of [...tables, ...saved.map(name => name.slice('saved.'.length))])
    for (const [name, { shape }] of tied) {
      if (`${specs.get(changed)?.shape}` !== `${shape}`) continue;
      if (nodeOf(params, parentOf(name)) === undefined)
        throw new UnsupportedError('a new table while the output layer keeps the old one', { seen: changed });
      kept[name] = changed;
    }
  return kept;
}
const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/**
 * The parameter of the model that a checkpoint's name stands for. An output layer that is tied to the embedding table has no
 * matrix of its own, but an adapter may give it one.
 */
function parametersOf(model: ModelParts) {
  const { architecture, specs, params } = model;
  const untied = { ...(model.config as object), tie_word_embeddings: false };
  const untiedSpecs = new Map(listParams(headOf(model).parameters(untied)));
  const find = (key: string, where: string): { name: string; spec: ParamSpec } => {
    const own = architecture.rename(key, model.config);
    const known = own === undefined ? undefined : specs.get(own);
    if (own !== undefined && known) return { name: own, spec: known };
    const name = architecture.rename(key, untied);
    const spec = name === undefined ? undefined : untiedSpecs.get(name);
    if (name !== undefined && spec && nodeOf(params, parentOf(name)) !== undefined) return { name, spec };
    throw new CheckpointError('the adapter is for a layer that the model has not', {
      seen: key,
      expected: `a parameter of ${architecture.name} under the head ${model.head}`,
      fix: 'load the model that the adapter was trained on, under the head that it was trained for',
      where,
    });
  };
  return { find, untiedSpecs };
}
