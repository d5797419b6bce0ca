/**
 * Fresh adapters: LoRA, rsLoRA and DoRA with the names, the first values and the defaults of PEFT, so that its `from_pretrained`
 * reads what was trained here. Hu et al. 2021; Kalajdzievski 2023; Liu et al. 2024. Source: huggingface/peft, `LoraLayer`.
 */
import { ConfigError, UnsupportedError } from '../errors.ts';
import { type Direction, type LowRank, nodeOf } from '../nn/adapter.ts';
import { disposeParameters } from '../nn/load-parameters.ts';
import type { ParamSpec } from '../nn/params.ts';
import { type Backend, Tensor } from '../tensor/index.ts';
import { createRng, type Rng } from '../util/rng.ts';
import { adapterConfig } from './adapter-config.ts';
import { Adapter, squares, taskOfHead, weightOf } from './adapters.ts';
import type { Model } from './model.ts';
import { belongsToHead } from './new-head.ts';
import { referenceNames } from './reference-names.ts';

export interface CreateAdapterOptions {
  /** Rank of what is added. Default 8. */
  readonly r?: number | undefined;
  /** What is added is scaled by alpha / r, with rsLoRA by alpha / √r. Default 8. */
  readonly alpha?: number | undefined;
  /**
   * Which linear layers: endings of the reference's module names, `['q_proj', 'v_proj']`, or `'all-linear'`: all but those of
   * the head. Default all-linear.
   */
  readonly targets?: 'all-linear' | readonly string[] | undefined;
  readonly rsLora?: boolean | undefined;
  readonly dora?: boolean | undefined;
  /**
   * Modules that learn as a whole, with all inside them, by endings of their names. Default: the head of a classifier and of a
   * model for answers, which may be new; else none.
   */
  readonly modulesToSave?: readonly string[] | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** A parameter of the model. */
interface Named {
  /** Here, `h.0.attn.c_attn.weight`. */
  readonly name: string;
  /** In the reference, `transformer.h.0.attn.c_attn.weight`. */
  readonly reference: string;
  readonly spec: ParamSpec;
  readonly inBody: boolean;
}

/**
 * An adapter that changes nothing yet: A is random, B zero. Train it with `train(model.withAdapters([{ adapter }]), ...)`, keep it
 * with `saveAdapter`. The model's own weights stay as they are, packed or quantised.
 * @throws ConfigError when no layer is meant, UnsupportedError for tables
 */
export async function createAdapter(model: Model, options: CreateAdapterOptions = {}): Promise<Adapter> {
  const { r = 8, alpha = 8, targets = 'all-linear', rsLora = false, dora = false, seed = 0 } = options;
  const { parts } = model;
  const { backend } = parts;
  if (!Number.isSafeInteger(r) || r < 1)
    throw new ConfigError('the rank of an adapter is a whole number from 1', { seen: String(r) });
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new ConfigError('alpha of an adapter is a number above 0', { seen: String(alpha) });
  const parameters = parametersOf(model);
  const { modulesToSave = usualModules(model, parameters) } = options;
  const whole = wholeOf(parameters, modulesToSave);
  // PEFT puts no adapter on what learns as a whole.
  const chosen = targetsOf(parameters, targets).filter(target => !whole.includes(target));
  const json = configJson(model, chosen, { ...options, r, alpha, targets, rsLora, dora, modulesToSave });
  const config = adapterConfig(json, `${JSON.stringify(json, null, 2)}\n`, 'a new adapter');
  const fileNames = new Map<string, string>();
  const layers: Record<string, LowRank> = {};
  const saved: Record<string, Tensor> = {};
  try {
    for (const [i, { name, reference, spec }] of chosen.entries()) {
      const [layer, module] = [moduleOf(name), moduleOf(reference)];
      const [out, width] = spec.shape as [number, number];
      const down = await filled(backend, [r, width], uniform(1 / Math.sqrt(width), createRng(seed, i)));
      const up = await filled(backend, [out, r], () => 0);
      const own: LowRank = { down, up, scale: config.facts(module).scale };
      layers[layer] = own;
      if (dora) layers[layer] = { ...own, direction: await unchanged(weightOf(parts, layer), own, backend) };
      fileNames.set(`layers.${layer}.down`, `${PREFIX}${module}.lora_A.weight`);
      fileNames.set(`layers.${layer}.up`, `${PREFIX}${module}.lora_B.weight`);
      if (dora) fileNames.set(`layers.${layer}.direction.magnitude`, `${PREFIX}${module}.lora_magnitude_vector`);
    }
    for (const { name, reference, spec } of whole) {
      const values = await (nodeOf(parts.params, name) as Tensor).data();
      saved[name] = await filled(backend, spec.shape, i => values[i]!);
      fileNames.set(`saved.${name}`, PREFIX + reference);
    }
  } catch (error) {
    disposeParameters({ layers, saved });
    throw error;
  }
  const transposed = new Set(whole.flatMap(({ name, spec }) => (spec.transposed ? [`saved.${name}`] : [])));
  const names = parts.origin?.changes?.id2label;
  const labels = names ? Object.values(names as Readonly<Record<string, string>>) : undefined;
  return new Adapter({
    ...{ name: 'a new adapter', config, params: { layers, saved, kept: {} }, fileNames, transposed, labels },
  });
}
/** What PEFT puts before the names of the base model's modules. */
const PREFIX = 'base_model.model.';
const moduleOf = (name: string): string => name.slice(0, -'.weight'.length);

/** Rows with the lengths that they have. */
async function unchanged(weight: Tensor, own: LowRank, backend: Backend): Promise<Direction> {
  const parts = await squares(weight, own, backend);
  const lengths = await parts.weight.data();
  return { squares: parts, magnitude: await filled(backend, parts.weight.shape, i => Math.sqrt(lengths[i]!)) };
}

/** A plain tensor in a backend's memory. */
async function filled(backend: Backend, shape: readonly number[], value: (i: number) => number): Promise<Tensor> {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  const writer = backend.weight(shape, {});
  await writer.write(new Uint8Array(values.buffer), 'F32');
  return Tensor.fromDevice(await writer.finish(), shape);
}
/** Kaiming's with a = √5, as PyTorch initialises a linear layer. */
const uniform = (bound: number, rng: Rng) => () => bound * (2 * rng.uniform() - 1);

function parametersOf({ parts }: Model): Named[] {
  const { specs, origin, architecture, config, head } = parts;
  const reference = referenceNames(architecture, config, head);
  return [...specs].map(([name, spec]) => ({
    ...{ name, spec, inBody: reference.inBody(name) },
    reference: reference.of(origin?.names.get(name) ?? name),
  }));
}
const endsIn = (module: string, endings: readonly string[]): boolean =>
  endings.some(ending => module === ending || module.endsWith(`.${ending}`));

/** Linear layers, by what PEFT means with its `target_modules`. */
function targetsOf(parameters: readonly Named[], targets: 'all-linear' | readonly string[]): Named[] {
  const weights = parameters.filter(({ name, spec }) => name.endsWith('.weight') && spec.matrix && !spec.constant);
  const chosen = weights.filter(({ reference, spec, inBody }) =>
    targets === 'all-linear' ? inBody && !spec.table && spec.shape.length === 2 : endsIn(moduleOf(reference), targets),
  );
  const table = chosen.find(({ spec }) => spec.table || spec.shape.length !== 2);
  if (table) throw new UnsupportedError('new adapters are for linear layers', { seen: moduleOf(table.reference) });
  if (chosen.length > 0) return chosen;
  throw new ConfigError('no layer of the model is a target', {
    seen: `targets ${JSON.stringify(targets)}`,
    expected: [...new Set(weights.map(({ reference }) => moduleOf(reference).split('.').at(-1)!))].join(', '),
  });
}

/** Tasks for which PEFT has the head of the model learn as a whole. */
const WITH_HEAD: readonly (string | undefined)[] = ['SEQ_CLS', 'TOKEN_CLS', 'QUESTION_ANS'];
/** The modules of such a head; of a new one also what the checkpoint of another head lacks of the body, such as a pooler. */
function usualModules({ parts }: Model, parameters: readonly Named[]): readonly string[] {
  const { architecture, config, head, origin } = parts;
  if (!WITH_HEAD.includes(taskOfHead(head))) return [];
  const isNew = origin?.changes ? belongsToHead(architecture, config, head) : () => false;
  const modules = parameters.flatMap(({ name, reference, inBody }) => {
    if (!inBody) return [reference.split('.')[0]!];
    return isNew(name) ? [reference.slice(0, reference.lastIndexOf('.'))] : [];
  });
  return [...new Set(modules)];
}

/** All parameters in modules. @throws ConfigError when there is none of a name */
function wholeOf(parameters: readonly Named[], modules: readonly string[]): Named[] {
  const found = modules.flatMap(module => {
    const own = parameters.filter(({ reference }) => `.${reference}`.includes(`.${module}.`));
    if (own.length > 0) return own;
    throw new ConfigError('the model has no such module', { seen: module });
  });
  return [...new Set(found)];
}

/** adapter_config.json as PEFT writes it, without what says its default. */
function configJson(
  { parts }: Model,
  chosen: readonly Named[],
  { r, alpha, targets, rsLora, dora, modulesToSave }: CreateAdapterOptions,
): Readonly<Record<string, unknown>> {
  return {
    peft_type: 'LORA',
    task_type: taskOfHead(parts.head) ?? null,
    base_model_name_or_path: parts.origin?.files.name ?? null,
    inference_mode: true,
    r,
    lora_alpha: alpha,
    lora_dropout: 0,
    target_modules: targets === 'all-linear' ? chosen.map(({ reference }) => moduleOf(reference)) : targets,
    fan_in_fan_out: chosen.some(({ spec }) => spec.transposed),
    bias: 'none',
    modules_to_save: modulesToSave?.length ? modulesToSave : null,
    init_lora_weights: true,
    use_rslora: rsLora,
    use_dora: dora,
  };
}
