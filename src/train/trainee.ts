/** What is trained: the parameters of a model that learn, with their names here and in its files. */
import { ConfigError } from '../errors.ts';
import { headOf, type LoadedModel } from '../models/forward.ts';
import { type AdapterParams, lengthParts, nodeOf } from '../nn/adapter.ts';
import { listParams, type ParamSpec, param } from '../nn/params.ts';
import { leavesOf, Tensor } from '../tensor/index.ts';
import type { ParameterChoice } from './parameter-groups.ts';

/** An adapter on a model, such as `loadAdapter` and `createAdapter` give it. */
export interface TrainedAdapter {
  readonly params: AdapterParams;
  /** Names in its file by those in `params`; what has none is no parameter. */
  readonly fileNames: ReadonlyMap<string, string>;
  readonly transposed: ReadonlySet<string>;
}
/** What `train` asks of a model: heed's `Model` has it. */
export interface Trainee {
  readonly parts: LoadedModel & {
    readonly origin?: { readonly names: ReadonlyMap<string, string> } | undefined;
    readonly adapters?: readonly { readonly adapter: TrainedAdapter }[] | undefined;
  };
  /** Writes a folder with what learns; a model with an adapter writes that. */
  save(folder: string): Promise<unknown>;
}

/** A parameter that learns. */
export interface Learned {
  readonly name: string;
  readonly tensor: Tensor;
  readonly spec: ParamSpec;
  /** What files call it. */
  readonly fileName: string;
}

/**
 * The parameters that learn: of a model with an adapter the adapter's, else the model's own, buffers and frozen ones left out.
 * Tied parameters are one.
 * @throws ConfigError when there are none, or they are packed for inference
 */
export function learnedOf({ parts }: Trainee, choice: ParameterChoice): Learned[] {
  const adapter = adapterOf(parts);
  const all = adapter ? adapterParameters(adapter) : modelParameters(parts);
  const learned = all.filter(({ name, spec }) => choice(name, spec));
  if (learned.length === 0)
    throw new ConfigError('no parameter learns', { seen: 'trainable(name, spec) is false for all of them' });
  const packed = learned.find(({ tensor: { storage } }) => storage?.kind !== 'device' || storage.buffer.format);
  if (packed)
    throw new ConfigError('the model is packed for inference', {
      seen: packed.name,
      fix: 'load it (or the adapter) with trainable: true',
    });
  return learned;
}

/** @throws ConfigError when there are several */
function adapterOf({ adapters = [] }: Trainee['parts']): TrainedAdapter | undefined {
  if (adapters.length > 1)
    throw new ConfigError('one adapter learns at a time', {
      seen: `${adapters.length} adapters`,
      fix: 'merge the others into the model',
    });
  return adapters[0]?.adapter;
}

function modelParameters(parts: Trainee['parts']): Learned[] {
  const specs = listParams(headOf(parts).parameters(parts.config));
  return specs.flatMap(([name, spec]) => {
    const tensor = nodeOf(parts.params, name);
    if (spec.constant || !(tensor instanceof Tensor)) return [];
    return [{ name, tensor, spec, fileName: parts.origin?.names.get(name) ?? name }];
  });
}

function adapterParameters({ params, fileNames, transposed }: TrainedAdapter): Learned[] {
  return leavesOf(params).flatMap(([name, tensor]) => {
    const fileName = fileNames.get(name);
    if (fileName === undefined) return [];
    const spec = param(tensor.shape, 'normal', transposed.has(name) ? { transposed: true } : {});
    return [{ name, tensor, spec, fileName }];
  });
}

/**
 * What is kept of the parameters besides them and follows from them: lengths of rows in DoRA. Each with the graph of its value.
 * @param now the values of learned tensors that it is to follow from
 */
export function derivedFrom({ parts }: Trainee, now: (tensor: Tensor) => Tensor): [Tensor, Tensor][] {
  const layers = Object.entries(adapterOf(parts)?.params.layers ?? {});
  return layers.flatMap(([layer, { direction, down, up }]) => {
    if (!direction) return [];
    const { cross, own } = lengthParts(nodeOf(parts.params, `${layer}.weight`) as Tensor, now(down), now(up));
    return [
      [direction.squares.cross, cross],
      [direction.squares.own, own],
    ] satisfies [Tensor, Tensor][];
  });
}
