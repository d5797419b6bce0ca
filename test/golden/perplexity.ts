/** Perplexity of a long text by a sliding window, as the reference's recipe counts it. */
import type { Model } from '../../src/hub/model.ts';
import { type Check, compareIds, compareNumber } from './compare.ts';
import type { PerplexityFile } from './golden-files.ts';

/** Label of tokens that only serve as context. */
const IGNORED = -100;

/** Checks every step's loss, and the mean and the perplexity of each run. */
export async function* perplexityChecks(model: Model, { input_ids, runs }: PerplexityFile): AsyncGenerator<Check> {
  for (const { window, stride, steps_begin_end_counted_loss: steps, mean_nll, perplexity, counted_tokens } of runs) {
    const name = `perplexity, window ${window}, stride ${stride}`;
    let sum = 0;
    let counted = 0;
    let begin = 0;
    let scored = 0;
    const bounds: number[][] = [];
    for (const [i, [, , , loss]] of steps.entries()) {
      const end = Math.min(begin + window, input_ids.length);
      const ids = input_ids.slice(begin, end);
      const labels = ids.map((id, t) => (begin + t < scored ? IGNORED : id));
      const mean = (await model.run({ input_ids: [ids], labels: [labels] })).loss!;
      // The recipe counts one label less than it scores, as if the first of each step had no token before it.
      const count = end - scored - 1;
      yield { name, part: `step ${i}`, ...compareNumber(mean, loss) };
      bounds.push([begin, end, count]);
      sum += mean * count;
      counted += count;
      scored = end;
      begin += stride;
    }
    yield {
      name: `${name}, windows`,
      ...compareIds(
        bounds,
        steps.map(([from, to, count]) => [from, to, count]),
      ),
    };
    yield { name, part: 'counted tokens', ...compareNumber(counted, counted_tokens) };
    yield { name, part: 'mean', ...compareNumber(sum / counted, mean_nll) };
    yield { name, part: 'perplexity', ...compareNumber(Math.exp(sum / counted), perplexity) };
  }
}
