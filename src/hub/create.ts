/** A model that has learned nothing yet: a config, and parameters drawn as the family's authors drew them. */
import { ConfigError } from '../errors.ts';
import type { HeadName } from '../models/architecture.ts';
import { chooseHead } from '../models/choose-head.ts';
import { ConfigReader } from '../models/config-reader.ts';
import { headOf } from '../models/forward.ts';
import { architectureOf } from '../models/index.ts';
import { initializeParameters } from '../nn/initialize.ts';
import { listParams } from '../nn/params.ts';
import { type Backend, defaultBackend } from '../tensor/index.ts';
import { type ModelFiles, memoryFiles } from './files.ts';
import { deviations } from './first-values.ts';
import { generationDefaults } from './generation-defaults.ts';
import { modelFiles, readTokenizer } from './load.ts';
import { Model } from './model.ts';
import { referenceNames } from './reference-names.ts';

export interface CreateOptions {
  /** Equal seeds give equal parameters. Default 0. */
  readonly seed?: number | undefined;
  /** Default: what `architectures` in the config says, or the family's first. */
  readonly head?: HeadName | undefined;
  /** Where the tokenizer's files are: a folder, a model on the hub, or files. `save` takes them over. */
  readonly tokenizer?: string | ModelFiles | undefined;
  /** Plain matrices, which can be trained. Default true. */
  readonly trainable?: boolean | undefined;
  readonly backend?: Backend | undefined;
}

/**
 * Makes a model from the content of a config.json: `create({ model_type: 'gpt2', n_layer: 4, ... })`. Matrices are drawn from
 * a normal distribution of the config's `initializer_range` (`init_std`), or the family's own; biases are 0 and norms 1.
 * @throws ConfigError, UnsupportedError when the config is not of a family that heed has, BackendError when memory is short
 */
export async function create(
  json: Readonly<Record<string, unknown>>,
  { seed = 0, head: asked, tokenizer, trainable = true, backend: given }: CreateOptions = {},
): Promise<Model> {
  const { architecture, json: full } = await architectureOf(json);
  const reader = new ConfigReader(full, 'the config');
  const config = architecture.config(reader);
  const deviation = deviations(architecture, config, reader);
  reader.finish();
  if (asked && !architecture.heads[asked])
    throw new ConfigError(`${architecture.name} has no such head`, {
      seen: asked,
      expected: Object.keys(architecture.heads).join(', '),
    });
  // With the parameters of every head at hand, the choice is the config's.
  const all = Object.values(architecture.heads).flatMap(head => listParams(head.parameters(config)));
  const tensors = all.map(([name]) => name);
  const head = chooseHead({ architecture, config, json, tensors }, asked);
  const spec = headOf({ architecture, head }).parameters(config);
  const specs = new Map(listParams(spec));
  const backend = given ?? (await defaultBackend());
  const files = withConfig(json, tokenizer === undefined ? undefined : modelFiles(tokenizer));
  const read = await readTokenizer(files);
  const settings = await generationDefaults(files, json, { architecture, config });
  const params = await initializeParameters(spec, backend, seed, { plain: trainable, deviation });
  const reference = referenceNames(architecture, config, head);
  const stored = [...specs].filter(([, { constant }]) => constant !== 'buffer');
  const names = new Map(stored.map(([name]) => [name, reference.of(name)]));
  const type = String(json.model_type);
  return new Model({
    ...{ architecture, config, params, backend, head, type, specs },
    ...read,
    ...settings,
    unexpected: [],
    origin: { json, files, names },
  });
}
/** The tokenizer's files, and the config as one of its own. */
function withConfig(json: Readonly<Record<string, unknown>>, others?: ModelFiles): ModelFiles {
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const own = memoryFiles({ 'config.json': new TextEncoder().encode(text) }, 'a new model');
  if (!others) return own;
  return {
    name: others.name,
    open: (file, signal) => (file === 'config.json' ? own : others).open(file, signal),
    ...(others.list && {
      list: async () => [...new Set(['config.json', ...(await others.list!())])],
    }),
  };
}
