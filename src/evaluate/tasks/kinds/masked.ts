/** What a masked language model puts into a gap. */
import { ConfigError } from '../../../errors.ts';
import { argmax } from '../../../util/softmax.ts';
import { rowLogits } from '../../likelihood/score-rows.ts';
import { maskIdOf } from '../../scored-model.ts';
import { targetText } from '../prompts.ts';
import { checkHead } from './encoded-batch.ts';
import { type Answered, defineKind } from './output-kind.ts';

interface Facts {
  /** Of each token of the right word: how many are more probable, and its logarithm. */
  readonly ranks: readonly number[];
  readonly logLikelihood: number;
}
/** A gap in a prompt, in the words of whatever model: it becomes as many of the model's own as the right word has tokens. */
const GAP = /\[MASK\]|<mask>/;

export const fillMask = defineKind<Facts>({
  type: 'fill_mask',
  defaults: ['acc', 'top5', 'token_perplexity'],
  metrics: {
    acc: ({ ranks }) => (ranks.every(rank => rank === 0) ? 1 : 0),
    top5: ({ ranks }) => (ranks.every(rank => rank < 5) ? 1 : 0),
    token_perplexity: ({ logLikelihood, ranks }) => [logLikelihood, ranks.length],
  },
  async ask(model, items, { config, batchSize, signal }) {
    checkHead(model, ['maskedLM', 'enhancedMaskedLM'], config.task);
    const { tokenizer } = model;
    const maskId = maskIdOf(model);
    const mask = tokenizer.idToToken(maskId)!;
    const gaps = items.map(item => {
      const where = `${config.task}, item ${item.id}`;
      const target = targetText(item, config.task);
      const [before, after, ...others] = item.prompt.split(GAP);
      if (after === undefined || others.length)
        throw new ConfigError('a prompt needs one gap', { seen: item.prompt, expected: '[MASK]', where });
      // The word as it stands there: many tokenizers have other tokens behind a space.
      const lead = tokenizer.encodeIds(before!, { addSpecialTokens: false });
      const ids = tokenizer.encodeIds(before + target, { addSpecialTokens: false }).slice(lead.length);
      const encoding = tokenizer.encode(before + mask.repeat(Math.max(1, ids.length)) + after);
      const at = encoding.ids.flatMap((id, i) => (id === maskId ? [i] : []));
      if (ids.length === 0 || at.length !== ids.length)
        throw new ConfigError('a right word has no tokens of its own', { seen: target, where });
      return { target, ids, encoding, at };
    });
    const rows = gaps.map(({ ids, encoding, at }) => ({ ids: encoding.ids, at, targets: ids }));
    const answered: Answered<Facts>[] = [];
    for await (const { row, logits } of rowLogits(model, rows, { batchSize, signal })) {
      const { target, ids } = gaps[row]!;
      const tokens = logits.map((scores, k) => standing(scores, ids[k]!));
      const ranks = tokens.map(({ rank }) => rank);
      const logLikelihood = tokens.reduce((sum, token) => sum + token.logProbability, 0);
      answered[row] = {
        target,
        answers: [
          {
            filter: 'none',
            prediction: tokenizer.decode(tokens.map(({ best }) => best)).trim(),
            facts: { ranks, logLikelihood },
          },
        ],
        details: { ranks, logLikelihood },
        certainty: {
          confidence: tokens.reduce((product, token) => product * token.confidence, 1),
          right: ranks.every(rank => rank === 0),
        },
      };
    }
    return answered;
  },
});

/** The most probable of all tokens and its probability, and how the token `id` stands among them. */
function standing(logits: Float32Array, id: number) {
  const best = argmax(logits);
  const [own, most] = [logits[id]!, logits[best]!];
  let [rank, sum] = [0, 0];
  for (const logit of logits) {
    if (logit > own) rank++;
    sum += Math.exp(logit - most);
  }
  return { best, confidence: 1 / sum, rank, logProbability: own - most - Math.log(sum) };
}
