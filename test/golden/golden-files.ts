/** Reads golden data: the tensors and lists that the reference computed from a checkpoint folder. */
import { bytesSource, openSafetensors, toFloat32, toInt32 } from '../../src/formats/index.ts';
import type { ModelFiles } from '../../src/hub/files.ts';
import { decodeUtf8 } from '../../src/util/bytes.ts';
import type { Expected } from './compare.ts';

/** Where the data lies: the only thing that knows about disks or networks. */
export interface GoldenFiles {
  readonly name: string;
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** What `load` opens for a folder. */
  model(folder: string): string | ModelFiles;
}

/** Tensors of one case by name, `input_ids`, `logits`, `attentions.0`. */
export type GoldenCase = ReadonlyMap<string, Expected>;

export interface GenerationFile {
  readonly prompts: Readonly<Record<string, { readonly input_ids: number[][]; readonly attention_mask?: number[][] }>>;
  readonly cases: Readonly<Record<string, GenerationCase>>;
}
export interface GenerationCase {
  /** Which of the prompts. Default: the only one. */
  readonly inputs?: string;
  /** Settings in the reference's names. Default: greedy. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly new_tokens: readonly number[][];
  readonly token_logprobs?: readonly number[][];
  readonly sequences_scores?: readonly number[];
}
export interface PerplexityFile {
  readonly input_ids: readonly number[];
  readonly runs: readonly {
    readonly window: number;
    readonly stride: number;
    readonly mean_nll: number;
    readonly perplexity: number;
    readonly counted_tokens: number;
    /** [first token, end, counted tokens, mean loss] of each step. */
    readonly steps_begin_end_counted_loss: readonly (readonly [number, number, number, number])[];
  }[];
}

/** What the reference computed from a checkpoint. */
export interface Golden {
  /** The folder whose checkpoint it is. */
  readonly folder: string;
  readonly cases: ReadonlyMap<string, GoldenCase>;
  /** Of the loss of the case `batch`, by the checkpoint's parameter names. */
  readonly gradients: ReadonlyMap<string, Expected> | undefined;
  readonly generation: GenerationFile | undefined;
  readonly perplexity: PerplexityFile | undefined;
}

/** Names of all checkpoint folders. */
export async function listFolders(files: GoldenFiles): Promise<string[]> {
  const manifest = await readJson<{ models: { name: string }[] }>(files, 'manifest.json');
  if (!manifest) throw new Error(`no manifest.json in ${files.name}`);
  return manifest.models.map(m => m.name);
}

/** The reference's results for a folder: its own, or those of the folder that its README names. */
export async function readGolden(files: GoldenFiles, folder: string): Promise<Golden | undefined> {
  const tensors = await readTensors(files, `${folder}/golden.safetensors`);
  if (!tensors) {
    const readme = await files.read(`${folder}/README.md`);
    const other = readme && /Expected outputs: \.\.\/([\w-]+)/.exec(decodeUtf8(readme, folder))?.[1];
    return other && other !== folder ? readGolden(files, other) : undefined;
  }
  const cases = new Map<string, Map<string, Expected>>();
  for (const [name, tensor] of tensors) {
    const [, caseName = '', rest = name] = /^(\w+)\/(.*)$/.exec(name) ?? [];
    if (!cases.has(caseName)) cases.set(caseName, new Map());
    cases.get(caseName)!.set(rest, tensor);
  }
  return {
    folder,
    cases,
    gradients: await readTensors(files, `${folder}/grads.safetensors`),
    generation: await readJson(files, `${folder}/generation.json`),
    perplexity: await readJson(files, `${folder}/perplexity.json`),
  };
}

export async function readJson<T>(files: GoldenFiles, path: string): Promise<T | undefined> {
  const bytes = await files.read(path);
  return bytes && (JSON.parse(decodeUtf8(bytes, path)) as T);
}

/** All tensors of a safetensors file; undefined when there is no such file. */
export async function readTensors(files: GoldenFiles, path: string): Promise<Map<string, Expected> | undefined> {
  const bytes = await files.read(path);
  if (!bytes) return undefined;
  const checkpoint = await openSafetensors(bytesSource(bytes, path));
  const tensors = new Map<string, Expected>();
  for (const { name, dtype, shape, byteLength } of checkpoint.tensors.values()) {
    const raw = await checkpoint.read(name, 0, byteLength);
    tensors.set(name, { shape, data: dtype === 'F32' ? toFloat32(raw, dtype) : toInt32(raw, dtype) });
  }
  return tensors;
}

/** A matrix of the reference as rows. */
export function rowsOf({ shape, data }: Expected): number[][] {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, r) =>
    Array.from({ length: width }, (_, i) => data[r * width + i]!),
  );
}
