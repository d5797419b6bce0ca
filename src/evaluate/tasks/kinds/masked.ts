/** What a masked language model puts into a gap. */
import { ConfigError } from '../../../errors.ts';
import { maskIdOf } from '../../scored-model.ts';
import { targetText } from './choice.ts';
import { argmax, checkHead, outputsOf, softmax } from './encoded-batch.ts';
import { defineKind } from './output-kind.ts';

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
    const outputs = await outputsOf(
      model,
      gaps.map(({ encoding }) => encoding),
      ['logits'],
      { batchSize, signal, task: config.task },
    );
    return gaps.map(({ target, ids, at }, i) => {
      const {
        rows: [logits],
        tokens,
      } = outputs[i]!;
      const width = logits!.length / tokens;
      const shares = at.map(place => softmax(logits!.subarray(place * width, (place + 1) * width)));
      const ranks = shares.map((row, k) => row.filter(p => p > row[ids[k]!]!).length);
      const logLikelihood = shares.reduce((sum, row, k) => sum + Math.log(row[ids[k]!]!), 0);
      const chosen = shares.map(argmax);
      return {
        target,
        answers: [{ filter: 'none', prediction: tokenizer.decode(chosen).trim(), facts: { ranks, logLikelihood } }],
        details: { ranks, logLikelihood },
        confidence: shares.reduce((product, row, k) => product * row[chosen[k]!]!, 1),
      };
    });
  },
});
