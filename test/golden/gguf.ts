/** GGUF files of the reference: models with their logits and greedy tokens, blocks of every format with their values, corrupt files. */
import { HeedError } from '../../src/errors.ts';
import {
  bytesSource,
  decodeBlocks,
  encodeBlocks,
  isBlockDType,
  openGguf,
  WRITABLE_BLOCKS,
} from '../../src/formats/index.ts';
import { memoryFiles } from '../../src/hub/files.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { decodeUtf8 } from '../../src/util/bytes.ts';
import { broken, type Check, compareFloats, compareIds } from './compare.ts';
import { type GoldenFiles, readTensors, rowsOf } from './golden-files.ts';
import { storedTensors } from './torch-files.ts';

/** The folder, if it is there. */
export const ggufFolders = async (files: GoldenFiles): Promise<string[]> =>
  (await files.read('gguf/quants.json')) ? ['gguf'] : [];

/** All checks of the folder. */
export async function* ggufChecks(
  files: GoldenFiles,
  folder: string,
  backend: Backend,
): AsyncGenerator<Check, void, undefined> {
  for (const name of await listed(files, `${folder}/README.md`, /^\| ([\w-]+)\.gguf \|/gm)) {
    const expected = await readTensors(files, `${folder}/${name}.expected.safetensors`);
    const bytes = await files.read(`${folder}/${name}.gguf`);
    if (expected && bytes) yield* modelChecks(name, bytes, expected, backend);
  }
  yield* blockChecks(files, folder);
  for (const name of await listed(files, `${folder}/corrupt/README.md`, /^\| (\w+) \| (?!what)/gm)) {
    yield { name: 'corrupt', part: name, ...(await refusal(await files.read(`${folder}/corrupt/${name}.gguf`))) };
  }
}

/** Names in the first column of a table. */
async function listed(files: GoldenFiles, readme: string, row: RegExp): Promise<string[]> {
  const text = await files.read(readme);
  return text ? [...decodeUtf8(text, readme).matchAll(row)].map(([, name]) => name!) : [];
}

type Tensors = NonNullable<Awaited<ReturnType<typeof readTensors>>>;

/**
 * Relative bound of logits that are computed in the file's own blocks: the values that they are multiplied with are rounded to
 * 8 bits, 1/254 of the largest of 32, before every product. Random weights are the worst case for that; trained ones stay
 * within 0.02 (`models-gguf.test.ts`).
 */
const QUANTIZED_BOUND = 0.06;

/**
 * A model's logits and the tokens that it continues with when no end token stops it, in single precision; and its logits as
 * it is computed by default, in the file's own dtype where the backend keeps it.
 */
export async function* modelChecks(
  name: string,
  bytes: Uint8Array,
  expected: Tensors,
  backend: Backend,
): AsyncGenerator<Check, void, undefined> {
  const input_ids = rowsOf(expected.get('input_ids')!);
  const file = await openGguf(bytesSource(bytes));
  const inBlocks = [...file.tensors.values()].some(({ dtype }) => isBlockDType(dtype) && backend.keeps.has(dtype));
  for (const dtype of ['f32', 'auto'] as const) {
    const model = await load(memoryFiles({ [`${name}.gguf`]: bytes }, name), { backend, dtype });
    try {
      const { logits } = await model.run({ input_ids });
      const compared = compareFloats(await logits.data(), expected.get('logits')!);
      const bound = dtype === 'auto' && inBlocks ? QUANTIZED_BOUND : compared.bound;
      yield { name: `${name}/logits`, part: dtype, ...compared, bound };
      if (dtype !== 'f32') continue;
      const wanted = Array.from(expected.get('greedy_new_tokens')!.data);
      const got = await greedyIds(model, input_ids[0]!, wanted.length);
      yield { name: `${name}/greedy`, ...compareIds([got], [wanted]) };
    } finally {
      model.dispose();
    }
  }
}

export async function greedyIds(model: Model, prompt: readonly number[], count: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const event of model.generateIds([prompt], { maxNewTokens: count, eosTokenId: [], doSample: false }))
    if (event.type === 'token') ids.push(event.id);
  return ids;
}

/** Values to the bit, and bytes from values where the reference makes them. */
async function* blockChecks(files: GoldenFiles, folder: string): AsyncGenerator<Check, void, undefined> {
  const tensors = await storedTensors(files, `${folder}/quants.safetensors`);
  for (const [name, { bytes }] of tensors) {
    const [dtype = '', part] = name.split('/');
    // Single floats are not in blocks.
    if (part !== 'blocks' || dtype === 'F16' || dtype === 'BF16') continue;
    if (!isBlockDType(dtype)) {
      yield broken(name, 'no such block format');
      continue;
    }
    const values = new Uint8Array(decodeBlocks(bytes, dtype).buffer);
    yield { name: 'values', part: dtype, error: differing(values, tensors.get(`${dtype}/values`)!.bytes), bound: 0 };
    const source = tensors.get(`${dtype}/source`);
    if (!source || !WRITABLE_BLOCKS.includes(dtype)) continue;
    yield {
      name: 'blocks',
      part: dtype,
      error: differing(encodeBlocks(source.data as Float32Array, dtype), bytes),
      bound: 0,
    };
  }
}
const differing = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((n, byte, i) => n + (byte === b[i] ? 0 : 1), Math.abs(a.length - b.length));

async function refusal(bytes: Uint8Array | undefined): Promise<Pick<Check, 'error' | 'bound' | 'note'>> {
  if (!bytes) return { error: 1, bound: 0, note: 'no such file' };
  const error: unknown = await openGguf(bytesSource(bytes)).catch((error: unknown) => error);
  const refused = error instanceof HeedError;
  return { error: refused ? 0 : 1, bound: 0, note: refused ? undefined : `opened, or failed with ${String(error)}` };
}
