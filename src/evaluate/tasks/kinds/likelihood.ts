/** How probable texts are: an answer behind a prompt, whole texts, and whole texts to a masked language model. */
import {
  continuationLogLikelihoods,
  type PseudoVariant,
  pseudoLogLikelihoods,
  type TextLikelihood,
  TextSize,
  textLogLikelihoods,
} from '../../likelihood/index.ts';
import { targetText } from '../prompts.ts';
import { type Answered, defineKind } from './output-kind.ts';

/** An answer behind a prompt: how probable it is, and whether it is what the model would say. */
export const loglikelihood = defineKind<{ readonly logLikelihood: number; readonly greedy: boolean }>({
  type: 'loglikelihood',
  defaults: ['perplexity', 'acc'],
  metrics: {
    perplexity: ({ logLikelihood }) => logLikelihood,
    acc: ({ greedy }) => (greedy ? 1 : 0),
  },
  async ask(model, items, { config, batchSize, signal }) {
    const targets = items.map(item => targetText(item, config.task));
    const pairs = items.map((item, i) => ({ context: item.prompt, continuation: targets[i]! }));
    const scores = await continuationLogLikelihoods(model, pairs, { batchSize, signal });
    return scores.map(({ logLikelihood, greedy, tokens }, i) => ({
      target: targets[i]!,
      answers: [{ filter: 'none', prediction: greedy ? targets[i]! : '', facts: { logLikelihood, greedy } }],
      details: { logLikelihood, tokens },
    }));
  },
});

/** Whole texts, each token foretold from those before it. */
export const rolling = defineKind<TextLikelihood>({
  type: 'loglikelihood_rolling',
  defaults: ['word_perplexity', 'byte_perplexity', 'bits_per_byte'],
  metrics: {
    word_perplexity: ({ logLikelihood, words }) => [logLikelihood, words],
    byte_perplexity: ({ logLikelihood, bytes }) => [logLikelihood, bytes],
    bits_per_byte: ({ logLikelihood, bytes }) => [logLikelihood, bytes],
    token_perplexity: ({ logLikelihood, tokens }) => [logLikelihood, tokens],
  },
  async ask(model, items, { config, batchSize, signal }) {
    const texts = items.map(item => targetText(item, config.task));
    const results = await textLogLikelihoods(model, texts, { batchSize, signal });
    return results.map((facts, i) => likelihoodOf(texts[i]!, facts));
  },
});

/** Whole texts to a masked language model, each token foretold from all others. */
export const pseudoLikelihood = defineKind<TextLikelihood>({
  type: 'pseudo_loglikelihood',
  defaults: ['pseudo_perplexity'],
  metrics: {
    pseudo_perplexity: ({ logLikelihood, tokens }) => [logLikelihood, tokens],
    bits_per_byte: ({ logLikelihood, bytes }) => [logLikelihood, bytes],
  },
  async ask(model, items, { config, batchSize, signal }) {
    const texts = items.map(item => targetText(item, config.task));
    const variant = config.generation_kwargs?.variant as PseudoVariant | undefined;
    const results = await pseudoLogLikelihoods(model, texts, { batchSize, signal, variant });
    return results.map(({ logLikelihood, tokens }, i) => {
      const size = new TextSize();
      size.add(texts[i]!);
      return likelihoodOf(texts[i]!, { logLikelihood, tokens: tokens.length, words: size.words, bytes: size.bytes });
    });
  },
});

/** Characters of a text that a report repeats: a text may be a whole file. */
const MOST_SHOWN = 1_000;
const likelihoodOf = (text: string, facts: TextLikelihood): Answered<TextLikelihood> => ({
  target: text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text,
  answers: [{ filter: 'none', prediction: '', facts }],
  details: { ...facts, perplexity: Math.exp(-facts.logLikelihood / facts.tokens) },
});
