import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { folderFiles } from '../hub/files.ts';
import { load } from '../hub/load.ts';
import { Tensor } from '../tensor/index.ts';

const backend = createReferenceBackend();
const image = (height: number, width: number) =>
  Tensor.from(
    Float32Array.from({ length: 3 * height * width }, (_, i) => (((i * 31 + 7) % 29) - 14) / 9),
    [1, 3, height, width],
  );

describe('an image', () => {
  it('gives the class token and its patches, in every head', async () => {
    const shapes = async (head: 'imageClassification' | 'pooled' | 'base') => {
      const model = await tinyModel('vit', backend, { head });
      const { outputs } = await model.run({ pixel_values: image(12, 12) });
      return Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, shape]));
    };
    expect(await shapes('imageClassification')).toEqual({ logits: [1, 3] });
    expect(await shapes('pooled')).toEqual({ last_hidden_state: [1, 10, 24], pooler_output: [1, 24] });
    expect(await shapes('base')).toEqual({ last_hidden_state: [1, 10, 24] });
  });
  it('may have another size, made of patches', async () => {
    const model = await tinyModel('vit', backend);
    const { trace } = await model.run({ pixel_values: image(8, 20) }, { trace: ['embed', 'pos_embed'] });
    expect(trace.embed!.shape).toEqual([1, 11, 24]);
    expect(trace.pos_embed!.shape).toEqual([11, 24]);
    expect(() => model.graph({ pixel_values: image(12, 13) })).toThrow(/seen: 12 x 13; expected: multiples of 4/);
    expect(() => model.graph({ input_ids: [[1]] })).toThrow(/pixel_values/);
  });
});

const folder = '../shared/golden/vit';
describe.skipIf(!existsSync(folder))(`${folder}${existsSync(folder) ? '' : ' (absent)'}`, () => {
  it('at 24 x 20 pixels: logits of transformers 5.18 with interpolate_pos_encoding, in double precision', async () => {
    const model = await load(folderFiles(folder), { backend });
    const { logits } = await model.run({ pixel_values: image(24, 20) });
    const expected = [-0.30874139, -0.34087961, -0.24365037, -0.21465899];
    (await logits.data()).forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
    });
  });
});
