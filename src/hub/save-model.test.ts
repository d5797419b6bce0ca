import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { openCheckpoint, toFloat32 } from '../formats/index.ts';
import { leavesOf, Tensor } from '../tensor/index.ts';
import { load } from './load.ts';

const DATA = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const backend = createReferenceBackend();
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-save-dtype-'));
});
afterAll(() => rm(root, { recursive: true }));

describe('a model saved in half precision', () => {
  it.each([
    ['f16', 'F16', 'float16', 2 ** -11],
    ['bf16', 'BF16', 'bfloat16', 2 ** -8],
  ] as const)('%s', async (dtype, stored, name, precision) => {
    // GPT-2's matrices lie turned in its files.
    const model = await load(`${DATA}gpt2`, { backend });
    const folder = join(root, dtype);
    await model.save(folder, { dtype });
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toMatchObject({ torch_dtype: name });
    const [before, after] = await Promise.all([openCheckpoint(`${DATA}gpt2`), openCheckpoint(folder)]);
    for (const { name, shape, byteLength, dtype } of after.tensors.values()) {
      expect(dtype).toBe(stored);
      const own = before.tensors.get(name)!;
      expect(shape).toEqual(own.shape);
      const values = toFloat32(await after.read(name, 0, byteLength), dtype);
      const exact = toFloat32(await before.read(name, 0, own.byteLength), own.dtype);
      for (let i = 0; i < values.length; i++)
        expect(Math.abs(values[i]! - exact[i]!)).toBeLessThanOrEqual(precision * Math.abs(exact[i]!) + 2 ** -25);
    }
    await Promise.all([before.close(), after.close()]);
    const again = await load(folder, { backend });
    expect(again.parts.unexpected).toEqual([]);
    for (const each of [model, again]) each.dispose();
  });

  it('names the dtype where the config did not', async () => {
    const model = await load(`${DATA}gpt2`, { backend });
    const { origin } = model.parts;
    const { torch_dtype: _, dtype: __, ...json } = origin!.json;
    const files = { name: 'mine', open: async () => undefined };
    const { Model } = await import('./model.ts');
    const bare = new Model({ ...model.parts, origin: { ...origin!, json, files } });
    for (const [dtype, name] of [
      ['f32', undefined],
      ['bf16', 'bfloat16'],
    ] as const) {
      await bare.save(join(root, `bare-${dtype}`), { dtype });
      const config = JSON.parse(await readFile(join(root, `bare-${dtype}`, 'config.json'), 'utf8'));
      expect(config.torch_dtype).toBe(name);
    }
    model.dispose();
  });

  it('is refused where a weight becomes infinite, and for blocks', async () => {
    const model = await load(`${DATA}gpt2`, { backend });
    const [, tensor] = leavesOf(model.parts.params).find(([name]) => name.endsWith('ln_f.bias'))!;
    const values = (await tensor.data()).slice();
    values[3] = -70000;
    tensor.settle(Tensor.from(Float32Array.from(values), tensor.shape).storage!);
    await expect(model.save(join(root, 'large'), { dtype: 'f16' })).rejects.toThrow(/too large for half.*seen: -70000/);
    await model.save(join(root, 'large'), { dtype: 'bf16' });
    const blocks = { dtype: 'q8_0' } as unknown as { dtype: 'f32' };
    await expect(model.save(join(root, 'blocks'), blocks)).rejects.toThrow(/quantizeModel/);
    model.dispose();
  });
});
