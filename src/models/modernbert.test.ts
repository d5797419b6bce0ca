import { describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import { ConfigReader } from './config-reader.ts';
import { modernbert } from './modernbert.ts';

function read(json: object) {
  const reader = new ConfigReader(json, 'config.json');
  const config = modernbert.config(reader);
  reader.finish();
  return config;
}

describe('the config', () => {
  it('means the same in its older and newer form', () => {
    const older = {
      num_hidden_layers: 4,
      global_attn_every_n_layers: 2,
      global_rope_theta: 5000,
      local_rope_theta: 300,
    };
    const newer = {
      num_hidden_layers: 4,
      layer_types: ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'],
      rope_parameters: {
        full_attention: { rope_type: 'default', rope_theta: 5000 },
        sliding_attention: { rope_type: 'default', rope_theta: 300 },
      },
    };
    expect(read(newer)).toEqual(read(older));
  });
  it('turns all layers by one base when there is none for windows', () => {
    expect(read({ global_rope_theta: 77, local_rope_theta: null }).localRope.theta).toBe(77);
    expect(read({}).localRope.theta).toBe(10000);
    expect(read({}).rope.theta).toBe(160000);
  });
  it.each([
    [{ hidden_size: 9, num_attention_heads: 3 }, 'hidden_size 9 is not 3 heads of an even width'],
    [{ classifier_pooling: 'max' }, 'classifier_pooling max is neither cls nor mean'],
    [{ layer_types: ['full_attention'] }, 'layer_types is not a list'],
  ])('is refused where it does not fit: %o', (json, problem) => {
    expect(() => read(json)).toThrow(problem);
  });
});

describe('a layer with a window', () => {
  it.each([
    [6, 3],
    [7, 3],
    [1, 0],
  ])('of %i tokens sees %i to each side', async (local_attention, reach) => {
    const config = { local_attention, global_attn_every_n_layers: 2 };
    const model = await tinyModel('modernbert', createReferenceBackend(), { head: 'base', config });
    const T = 12;
    const names = ['blocks.0.attn.pattern', 'blocks.1.attn.pattern'];
    const { trace } = await model.run({ input_ids: [Array.from({ length: T }, (_, i) => i + 1)] }, { trace: names });
    const [all, near] = await Promise.all(names.map(name => trace[name]!.data()));
    for (let i = 0; i < T; i++)
      for (let j = 0; j < T; j++) {
        expect(all![i * T + j]).toBeGreaterThan(0);
        expect(near![i * T + j]! > 0).toBe(Math.abs(i - j) <= reach);
      }
  });
});
