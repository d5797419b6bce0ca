import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { createWasmBackend } from '../backends/wasm/index.ts';
import type { GenerateOptions } from '../generate/index.ts';
import type { Model } from '../hub/model.ts';
import { type Backend, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';

const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};
const [BINS, FRAMES] = [8, 24];
const recording = (...streams: number[]) =>
  Tensor.from(
    Float32Array.from(
      streams.flatMap(stream => {
        const rng = createRng(5, stream);
        return Array.from({ length: BINS * FRAMES }, () => 2 * rng.uniform() - 1);
      }),
    ),
    [streams.length, BINS, FRAMES],
  );

describe.each(Object.keys(BACKENDS))('a tiny Whisper on %s', name => {
  let backend: Backend;
  let model: Model;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
    model = await tinyModel('whisper', backend);
  });
  afterAll(() => {
    model.dispose();
    backend.close();
  });
  const generated = async (streams: number[], options: GenerateOptions) => {
    for await (const event of model.generateFrom({ input_features: recording(...streams) }, options))
      if (event.type === 'done') return event.sequences.map(({ ids }) => [...ids]);
    throw new Error('no end');
  };

  it('names what it computes', () => {
    const names = model.names({ input_features: recording(1), decoder_input_ids: [[7, 8]] });
    for (const known of ['encoder.embed', 'encoder.pos_embed', 'encoder.blocks.1.attn.pattern', 'encoder.ln_final'])
      expect(names).toContain(known);
    for (const known of ['embed', 'pos_embed', 'blocks.0.cross.pattern', 'blocks.1.resid_cross', 'ln_final'])
      expect(names).toContain(`decoder.${known}`);
    expect(names).toContain('logits');
  });
  it('generates what its passes over the whole text say', async () => {
    const [ids] = await generated([1], { maxNewTokens: 9 });
    const text = [7];
    for (const id of ids!) {
      const { logits } = await model.run({ input_features: recording(1), decoder_input_ids: [text] });
      const last = Array.from((await logits.data()).slice(-61));
      expect(last.indexOf(Math.max(...last))).toBe(id);
      text.push(id);
    }
    expect(text.length).toBe(10);
  });
  it('gives a recording the same text alone and beside others, in beams too', async () => {
    for (const options of [{ maxNewTokens: 8 }, { maxNewTokens: 8, numBeams: 3 }]) {
      const alone = [await generated([1], options), await generated([2], options)];
      expect(await generated([1, 2], options)).toEqual(alone.flat());
      expect(alone[0]).not.toEqual(alone[1]);
    }
  });
  it('hears whole windows only', () => {
    const run = (shape: number[]) => model.graph({ input_features: Tensor.full(shape, 0), decoder_input_ids: [[7]] });
    expect(() => run([1, BINS, FRAMES - 2])).toThrow(/seen: \[1,8,22\]; expected: \[B, 8, 24\]/);
    expect(() => run([1, BINS + 1, FRAMES])).toThrow(/seen: \[1,9,24\]/);
  });
});
