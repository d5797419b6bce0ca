/** PEFT folders: adapters that were trained beside the weights of a model. Source: huggingface/peft. */
import { CheckpointError, ConfigError, UnsupportedError } from '../errors.ts';
import { type Checkpoint, type ModelFiles, openCheckpointFrom } from '../formats/index.ts';
import type { HeadName } from '../models/architecture.ts';
import { type AdapterParams, type Direction, type LowRank, lengthParts, nodeOf } from '../nn/adapter.ts';
import { disposeParameters, loadParameters } from '../nn/load-parameters.ts';
import { type Backend, compute, Tensor } from '../tensor/index.ts';
import { ADAPTER_CONFIG, type AdapterConfig, readAdapterConfig } from './adapter-config.ts';
import { type AdapterPlan, planAdapter } from './adapter-plan.ts';
import type { HubOptions } from './hub-settings.ts';
import type { ModelParts } from './model.ts';

export const ADAPTER_FILES = ['adapter_model.safetensors', 'adapter_model.bin'] as const;

/** A loaded adapter. It holds its own tensors only; `Model.withAdapters` puts it to use. */
export class Adapter {
  /** Where it came from. */
  readonly name: string;
  readonly config: AdapterConfig;
  readonly params: AdapterParams;
  /** Names of its tensors in files, by their names in `params`, `layers.h.0.attn.c_attn.down`. */
  readonly fileNames: ReadonlyMap<string, string>;
  /** Those of them that the file holds transposed. */
  readonly transposed: ReadonlySet<string>;
  /** What the classes of its head are called, in their order, where it has a new one. */
  readonly labels: readonly string[] | undefined;

  constructor(
    parts: Pick<Adapter, 'name' | 'config' | 'params' | 'fileNames' | 'transposed'> & Partial<Pick<Adapter, 'labels'>>,
  ) {
    this.name = parts.name;
    this.config = parts.config;
    this.params = parts.params;
    this.fileNames = parts.fileNames;
    this.transposed = parts.transposed;
    this.labels = parts.labels;
  }
  /** Frees its tensors. Models that it is part of fail at their next pass. */
  dispose(): void {
    disposeParameters(this.params);
  }
}

export interface LoadAdapterOptions extends HubOptions {
  /** Plain matrices, which products are slower with and learning is faster. */
  readonly trainable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Loads the adapter of a folder for a model: LoRA, rsLoRA, DoRA, of linear layers, experts and tables, and parameters that were
 * trained as a whole (`modules_to_save`, biases). Which layers these are, the tensors say.
 * @throws UnsupportedError for other kinds, CheckpointError for tensors that do not fit the model; nothing stays allocated then
 */
export async function loadAdapterFrom(
  model: ModelParts,
  files: ModelFiles,
  { trainable, signal }: LoadAdapterOptions = {},
): Promise<Adapter> {
  const config = await readAdapterConfig(files, signal);
  if (!config) throw new CheckpointError('no adapter', { expected: ADAPTER_CONFIG, where: files.name });
  const checkpoint = await openAdapter(files, signal);
  try {
    const plan = planAdapter(model, config, checkpoint, files.name);
    const loaded = await loadParameters(checkpoint, plan.spec, model.backend, {
      rename: key => plan.names.get(key),
      plain: trainable,
      signal,
      where: files.name,
    });
    const tensors = loaded.params as Readonly<Record<string, Tensor>>;
    try {
      const params = await assemble(model, config, plan, tensors);
      const fileNames = new Map([...plan.names].map(([key, name]) => [name, plainKey(key)]));
      const transposed = new Set(Object.keys(plan.spec).filter(name => plan.spec[name]!.transposed));
      return new Adapter({ name: files.name, config, params, fileNames, transposed });
    } catch (error) {
      disposeParameters(tensors);
      throw error;
    }
  } finally {
    await checkpoint.close();
  }
}

/** Names in files do not say what the adapter was called in training. */
const plainKey = (key: string): string => key.replace(/(\.modules_to_save)?\.default(?=\.|$)/, '');

/** The tensors of an adapter's folder. @throws CheckpointError when there are none */
export async function openAdapter(files: ModelFiles, signal?: AbortSignal): Promise<Checkpoint> {
  for (const weights of ADAPTER_FILES) {
    const source = await files.open(weights, signal);
    await source?.close();
    if (source)
      return openCheckpointFrom({ name: files.name, weights, open: (file, own) => files.open(file, own) }, signal);
  }
  throw new CheckpointError('the adapter has no weights', { expected: ADAPTER_FILES.join(' or '), where: files.name });
}

async function assemble(
  model: ModelParts,
  config: AdapterConfig,
  plan: AdapterPlan,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<AdapterParams> {
  const layers: Record<string, LowRank> = {};
  const directed: [layer: string, weight: Tensor, magnitude: Tensor][] = [];
  for (const [layer, { module, table }] of plan.layers) {
    const part = (name: string) => tensors[`layers.${layer}.${name}`];
    const [down, up, bias, magnitude] = [part('down')!, part('up')!, part('bias'), part('direction.magnitude')];
    if (magnitude && table) throw new UnsupportedError('DoRA of a table', { seen: module });
    if (magnitude) directed.push([layer, weightOf(model, layer), magnitude]);
    layers[layer] = { down, up, ...(bias && { bias }), scale: config.facts(module).scale, ...(table && { table }) };
  }
  for (const [layer, weight, magnitude] of directed) {
    const direction = { magnitude, squares: await squares(weight, layers[layer]!, model.backend) };
    layers[layer] = { ...layers[layer]!, direction };
  }
  const saved = Object.entries(tensors).filter(([name]) => name.startsWith('saved.'));
  return {
    layers,
    kept: plan.kept,
    saved: Object.fromEntries(saved.map(([name, tensor]) => [name.slice('saved.'.length), tensor])),
  };
}

/** A layer's matrix in the model. @throws UnsupportedError when it has none of its own, as a tied output layer */
export function weightOf(model: Pick<ModelParts, 'params'>, layer: string): Tensor {
  const weight = nodeOf(model.params, `${layer}.weight`);
  if (weight instanceof Tensor) return weight;
  throw new UnsupportedError('this needs the weight of a layer that has none of its own', { seen: layer });
}

/** Of each row of W `[out, in]` and of B A the squared length, and their products with each other. */
export async function squares(
  weight: Tensor,
  { down, up }: Pick<LowRank, 'down' | 'up'>,
  backend: Backend,
): Promise<Direction['squares']> {
  const [out, width] = weight.shape as [number, number];
  // A product of the whole weight with itself would take its memory once more on the device.
  const values = await weight.data();
  const lengths = new Float32Array(out);
  for (let i = 0; i < out; i++) {
    let sum = 0;
    for (let j = i * width; j < (i + 1) * width; j++) sum += values[j]! * values[j]!;
    lengths[i] = sum;
  }
  const { cross, own } = lengthParts(weight, down, up);
  await compute(cross, own);
  const writer = backend.weight([out], {});
  await writer.write(new Uint8Array(lengths.buffer), 'F32');
  return { weight: Tensor.fromDevice(await writer.finish(), [out]), cross, own };
}

/** An adapter in use, and how strongly. */
export interface AdapterUse {
  readonly adapter: Adapter;
  /** Factor of what it adds. Default 1. */
  readonly scale?: number | undefined;
}
/** @throws ConfigError for parameters that two of the adapters replace, and scales that are none */
export function checkUses(uses: readonly AdapterUse[]): void {
  const replaced = new Set<string>();
  for (const { adapter, scale = 1 } of uses) {
    if (!Number.isFinite(scale)) throw new ConfigError('the scale of an adapter is a number', { seen: String(scale) });
    for (const name of Object.keys(adapter.params.saved)) {
      if (replaced.has(name)) throw new ConfigError('two adapters replace the same parameter', { seen: name });
      replaced.add(name);
    }
  }
}

/** Heads by what PEFT calls the task of a model. */
const TASK_HEADS: Readonly<Record<string, HeadName>> = {
  CAUSAL_LM: 'causalLM',
  SEQ_2_SEQ_LM: 'seq2seqLM',
  SEQ_CLS: 'sequenceClassification',
  TOKEN_CLS: 'tokenClassification',
  QUESTION_ANS: 'questionAnswering',
};
/** The head that a model is to have for the task of an adapter; undefined = whichever it has. */
export const headOfTask = (task: string | undefined): HeadName | undefined =>
  task !== undefined && Object.hasOwn(TASK_HEADS, task) ? TASK_HEADS[task] : undefined;
/** What PEFT calls what a head is for; undefined where it has no word. */
export const taskOfHead = (head: HeadName): string | undefined =>
  Object.keys(TASK_HEADS).find(task => TASK_HEADS[task] === head);

/**
 * Where the model of an adapter is: a folder, which a relative path leads to from the adapter's, or a name on the hub.
 * @throws ConfigError when the adapter names none
 */
export function baseOf({ base }: Pick<AdapterConfig, 'base'>, { name }: Pick<ModelFiles, 'name'>): string {
  if (!base)
    throw new ConfigError('the adapter does not name its model', {
      expected: 'base_model_name_or_path',
      fix: 'load the model, then the adapter with loadAdapter(model, folder)',
      where: `${ADAPTER_CONFIG} of ${name}`,
    });
  const beside = `${name}/${base}`;
  return globalThis.process?.getBuiltinModule?.('node:fs')?.existsSync(beside) ? beside : base;
}
