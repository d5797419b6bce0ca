import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../../test/families/tiny-model.ts';
import { createReferenceBackend } from '../backends/reference/index.ts';
import type { Backend } from '../tensor/index.ts';
import { ConfigReader } from './config-reader.ts';
import { mixtral } from './mixtral.ts';

describe('the config of a mixture', () => {
  it.each([
    [{ num_experts_per_tok: 5, num_local_experts: 4 }, /num_experts_per_tok 5 is above num_local_experts 4/],
    [{ num_local_experts: 2 ** 40 }, /num_local_experts 1099511627776 is above 4096/],
  ])('refuses %j', (json, problem) => {
    const read = new ConfigReader(json, 'config.json');
    const config = mixtral.config(read);
    expect(config.num_local_experts).toBeLessThanOrEqual(4096);
    expect(() => read.finish()).toThrow(problem);
  });
});

describe('the balance of the experts', () => {
  let backend: Backend;
  beforeAll(() => {
    backend = createReferenceBackend();
  });
  afterAll(() => backend.close());
  const ids = [[3, 1, 4, 1, 5, 9]];

  it('is a part of the loss in proportion to its coefficient, where the config asks for it', async () => {
    const losses: number[] = [];
    for (const config of [
      { output_router_logits: false },
      { router_aux_loss_coef: 0 },
      { router_aux_loss_coef: 0.5 },
      { router_aux_loss_coef: 1 },
    ]) {
      const model = await tinyModel('mixtral', backend, { config });
      const { loss, outputs } = await model.run({ input_ids: ids, labels: ids });
      expect(Object.keys(outputs)).toEqual(config.output_router_logits === false ? ['logits'] : ['logits', 'aux_loss']);
      losses.push(loss!);
      model.dispose();
    }
    const [without, none, half, whole] = losses as [number, number, number, number];
    expect(none).toBeCloseTo(without, 12);
    // Two experts of each token: 2 if all were used alike, at most 4.
    expect(whole - none).toBeGreaterThan(1.5);
    expect(whole - none).toBeLessThan(4);
    expect(half - none).toBeCloseTo((whole - none) / 2, 6);
  });
});
