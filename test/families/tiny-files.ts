/** The files of a model, in memory: what `load` reads. */
import { safetensorsBytes, type TensorToWrite } from '../../src/formats/index.ts';
import { type ModelFiles, memoryFiles } from '../../src/hub/files.ts';
import type { Model } from '../../src/hub/model.ts';
import { leavesOf, type Tensor } from '../../src/tensor/index.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Its weights, and these JSON files.
 * @param names names of a parameter in the file, one for each copy; default: its own
 */
export async function filesOf(
  model: Model,
  json: { readonly 'config.json': Json; readonly 'generation_config.json'?: Json | undefined },
  names: (name: string) => readonly string[] = name => [name],
): Promise<ModelFiles> {
  const tensors: TensorToWrite[] = [];
  for (const [parameter, tensor] of leavesOf(model.parts.params))
    for (const name of names(parameter)) tensors.push(await asFloat32(name, tensor));
  const texts = Object.entries(json).flatMap(([name, value]) =>
    value ? [[name, new TextEncoder().encode(JSON.stringify(value))] as const] : [],
  );
  return memoryFiles({ ...Object.fromEntries(texts), 'model.safetensors': safetensorsBytes(tensors) });
}

async function asFloat32(name: string, tensor: Tensor): Promise<TensorToWrite> {
  const values = Float32Array.from(await tensor.data());
  return { name, dtype: 'F32', shape: tensor.shape, chunks: () => [new Uint8Array(values.buffer)] };
}
