/** Multiple choice: the choice that the model finds most probable behind the prompt. As in lm-evaluation-harness. */
import { ConfigError } from '../../../errors.ts';
import { argmax, softmax } from '../../../util/softmax.ts';
import { type ContinuationScore, continuationLogLikelihoods, normalizedScore } from '../../likelihood/index.ts';
import { utf8Length } from '../../likelihood/text-size.ts';
import type { Item } from '../prompts.ts';
import { defineKind } from './output-kind.ts';
import { squaredError } from './squared-error.ts';

interface Facts {
  readonly scores: readonly ContinuationScore[];
  /** The same choices behind nothing, where a metric asks for it. */
  readonly unconditional: readonly ContinuationScore[] | undefined;
  readonly choices: readonly string[];
  /** Numbers of right choices; none where the data's answer is no choice. */
  readonly gold: readonly number[];
}

const rightBy =
  (score: (facts: Facts, i: number) => number) =>
  (facts: Facts): number =>
    facts.gold.includes(argmax(facts.choices.map((_, i) => score(facts, i)))) ? 1 : 0;
/** The reference divides by the characters of the choice, without the delimiter before it. */
const perLength = (length: (choice: string) => number) =>
  rightBy(({ scores, choices }, i) => scores[i]!.logLikelihood / length(choices[i]!));
const logLikelihood = ({ scores }: Facts, i: number) => scores[i]!.logLikelihood;
const predicted = ({ scores }: Facts) => argmax(scores.map(score => score.logLikelihood));
const goldOf = ({ gold }: Facts) => gold[0] ?? -100;
/** Python counts characters, and JavaScript halves of them. */
const characters = (text: string) => [...text].length;

export const multipleChoice = defineKind<Facts>({
  type: 'multiple_choice',
  defaults: ['acc', 'acc_norm'],
  metrics: {
    acc: rightBy(logLikelihood),
    acc_norm: perLength(characters),
    acc_bytes: perLength(utf8Length),
    acc_mutual_info: rightBy(({ scores, unconditional }, i) => normalizedScore(scores[i]!, 'pmi', unconditional?.[i])),
    exact_match: ({ scores, gold }) => (gold.some(i => scores[i]!.greedy) ? 1 : 0),
    f1: facts => [goldOf(facts), predicted(facts)],
    macro_f1: facts => [goldOf(facts), predicted(facts)],
    mcc: facts => [goldOf(facts), predicted(facts)],
    brier_score: facts => squaredError(softmax(facts.scores.map(score => score.logLikelihood)), goldOf(facts)),
  },
  async ask(model, items, { config, batchSize, signal }) {
    const { target_delimiter: delimiter } = config;
    const pmi = config.metric_list?.some(({ metric }) => metric === 'acc_mutual_info') ?? false;
    const questions = items.map(item => {
      const choices = item.choices ?? lacking(config.task, item);
      // A number as the text: the choices are the prompts, and what follows is the same.
      const pairs =
        typeof item.text === 'number'
          ? choices.map(choice => ({
              context: item.prompt + choice,
              continuation: delimiter + String(item.target ?? ''),
            }))
          : choices.map(choice => ({ context: item.prompt, continuation: delimiter + choice }));
      const bare = pmi ? choices.map(choice => ({ context: '', continuation: delimiter + choice })) : [];
      return { item, choices, pairs: [...pairs, ...bare] };
    });
    const all = questions.flatMap(({ pairs }) => pairs);
    const scores = await continuationLogLikelihoods(model, all, { batchSize, signal });
    let at = 0;
    return questions.map(({ item, choices, pairs }) => {
      const own = scores.slice(at, at + choices.length);
      const unconditional = pmi ? scores.slice(at + choices.length, at + pairs.length) : undefined;
      at += pairs.length;
      const facts = { scores: own, unconditional, choices, gold: goldsOf(item, choices) };
      const logLikelihoods = own.map(score => score.logLikelihood);
      const chosen = argmax(logLikelihoods);
      return {
        target: facts.gold.map(i => choices[i]).join(' | '),
        answers: [{ filter: 'none', prediction: choices[chosen]!, facts }],
        details: { logLikelihoods },
        certainty: { confidence: softmax(logLikelihoods)[chosen]!, right: facts.gold.includes(chosen) },
      };
    });
  },
});

function lacking(task: string, { id }: Item): never {
  throw new ConfigError('multiple choice needs choices', { expected: 'doc_to_choice', where: `${task}, item ${id}` });
}

/** Numbers of the right choices, which may be given as texts. A number beyond the choices is none. */
function goldsOf({ target, text }: Item, choices: readonly string[]): readonly number[] {
  const golds = typeof text === 'number' ? [text] : Array.isArray(target) ? target : [target];
  return golds
    .map(gold => (typeof gold === 'number' ? gold : choices.indexOf(String(gold))))
    .filter(gold => gold >= 0 && gold < choices.length);
}
