/** What classifiers say of texts, and of the words of a text. */
import { ConfigError } from '../../../errors.ts';
import { argmax, softmax } from '../../../util/softmax.ts';
import { brief } from '../../data-row.ts';
import { sequenceCounts } from '../../scores/sequence-labels.ts';
import { rising } from '../metrics.ts';
import type { Item } from '../prompts.ts';
import { checkHead, labelsOf, outputsOf } from './encoded-batch.ts';
import { defineKind } from './output-kind.ts';
import { squaredError } from './squared-error.ts';

/** `doc_to_text` is a text, or a list of two; `doc_to_target` the label or its number; `doc_to_choice` the data's names of labels. */
export const classification = defineKind<{
  readonly truth: number;
  readonly predicted: number;
  readonly shares: readonly number[];
}>({
  type: 'classification',
  defaults: ['acc', 'macro_f1', 'mcc'],
  metrics: {
    acc: ({ truth, predicted }) => (truth === predicted ? 1 : 0),
    f1: ({ truth, predicted }) => [truth, predicted],
    macro_f1: ({ truth, predicted }) => [truth, predicted],
    mcc: ({ truth, predicted }) => [truth, predicted],
    brier_score: ({ truth, shares }) => squaredError(shares, truth),
  },
  async ask(model, items, { config, batchSize, signal }) {
    checkHead(model, ['sequenceClassification'], config.task);
    const encodings = items.map(({ text, prompt }) => {
      const [first, second] = Array.isArray(text) ? text.map(String) : [prompt];
      return model.tokenizer.encode(first!, {
        ...(second !== undefined && { pair: second }),
        ...(model.contextLength !== undefined && { maxLength: model.contextLength }),
      });
    });
    const outputs = await outputsOf(model, encodings, ['logits'], { batchSize, signal, task: config.task });
    return items.map((item, i) => {
      const shares = softmax(outputs[i]!.rows[0]!);
      const labels = labelsOf(model, shares.length);
      const truth = labelNumber(item, labels, config.task);
      const predicted = argmax(shares);
      return {
        target: labels[truth]!,
        answers: [{ filter: 'none', prediction: labels[predicted]!, facts: { truth, predicted, shares } }],
        certainty: { confidence: shares[predicted]!, right: truth === predicted },
      };
    });
  },
});

/** The model's number of the right label: by its name, by the data's name of it, or as a number. */
function labelNumber({ target, choices, id }: Item, labels: readonly string[], task: string): number {
  const name = typeof target === 'number' ? choices?.[target] : target;
  const byName = labels.findIndex(label => label.toLowerCase() === String(name).toLowerCase());
  const number = byName >= 0 ? byName : /^\d+$/.test(String(target)) ? Number(target) : -1;
  if (number >= 0 && number < labels.length) return number;
  throw new ConfigError('a label that the model does not have', {
    seen: brief(name ?? target),
    expected: labels.join(', '),
    where: `${task}, item ${id}`,
  });
}

interface Tagged {
  readonly truth: readonly string[];
  readonly predicted: readonly string[];
}
/** `doc_to_text` is a list of words, `doc_to_target` the list of their tags. A word's tag is that of its first token. */
export const tokenClassification = defineKind<Tagged>({
  type: 'token_classification',
  defaults: ['entity_f1', 'acc'],
  metrics: {
    entity_f1: ({ truth, predicted }) => sequenceCounts([predicted], [truth]).rows[0],
    acc: ({ truth, predicted }) => [truth.filter((tag, i) => tag === predicted[i]).length, truth.length],
  },
  // A share of the words of all sentences, as in seqeval.
  forms: { acc: rising('pooled_share') },
  async ask(model, items, { config, batchSize, signal }) {
    checkHead(model, ['tokenClassification'], config.task);
    const sentences = items.map(item => {
      const { text, target, id } = item;
      if (Array.isArray(text) && Array.isArray(target) && text.length === target.length && text.length > 0)
        return { words: text.map(String), truth: target.map(String) };
      throw new ConfigError('an item is no list of words and one of tags', {
        seen: `${brief(text)}, ${brief(target)}`,
        expected: 'doc_to_text and doc_to_target of equal length',
        where: `${config.task}, item ${id}`,
      });
    });
    const most = model.contextLength;
    const encodings = sentences.map(({ words }) =>
      model.tokenizer.encode(words.join(' '), most === undefined ? {} : { maxLength: most }),
    );
    const outputs = await outputsOf(model, encodings, ['logits'], { batchSize, signal, task: config.task });
    return sentences.map(({ words, truth }, i) => {
      const {
        rows: [logits],
        tokens,
      } = outputs[i]!;
      const { offsets, specialTokensMask } = encodings[i]!;
      const count = logits!.length / tokens;
      const labels = labelsOf(model, count);
      let at = 0;
      const predicted = words.map(word => {
        const [start, end] = [at, at + word.length];
        at = end + 1;
        const token = offsets.findIndex(([from, to], t) => !specialTokensMask[t] && from < end && to > start);
        // A word beyond the model's context gets no tag.
        return token < 0 ? 'O' : labels[argmax(logits!.subarray(token * count, (token + 1) * count))]!;
      });
      return {
        target: pairs(words, truth),
        answers: [{ filter: 'none', prediction: pairs(words, predicted), facts: { truth, predicted } }],
      };
    });
  },
});

/** The words that are something, with what they are. */
const pairs = (words: readonly string[], tags: readonly string[]) =>
  words.flatMap((word, i) => (tags[i] === 'O' ? [] : [`${word}/${tags[i]}`])).join(' ');
