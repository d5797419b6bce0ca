/** The objectives that the command line knows by name: for which heads, and made of what. */
import { ConfigError } from '../errors.ts';
import type { HeadName } from '../models/architecture.ts';
import type { Tokenizer } from '../tokenizers/index.ts';
import {
  answerDiffusion,
  causalLM,
  classification,
  completion,
  contrastive,
  maskedDiffusion,
  maskedLM,
  mixtureOfDenoisers,
  nextSentence,
  type Objective,
  questionAnswering,
  replacedToken,
  sequenceToSequence,
  spanCorruption,
  textInfilling,
  tokenClassification,
} from '../train/objectives/index.ts';

export interface ObjectiveContext {
  readonly tokenizer: Tokenizer;
  /** Tokens of an example. */
  readonly length: number;
  /** Classes by name, where the model has some. */
  readonly labels: readonly string[] | undefined;
  /** What columns are called in the data: `{ text: 'review' }`. */
  readonly columns: Readonly<Record<string, string>>;
  /** The rows are pieces of one text: nothing stands between them. */
  readonly continuous: boolean;
}
interface ObjectiveEntry {
  readonly heads: readonly HeadName[];
  create(context: ObjectiveContext): Objective;
}

const column = ({ columns }: ObjectiveContext) => ({ column: columns.text });
const MASKED: readonly HeadName[] = ['maskedLM', 'enhancedMaskedLM', 'pretraining'];
const any = <C extends string>(objective: Objective<C>) => objective as unknown as Objective;

export const OBJECTIVES = {
  'causal-lm': {
    heads: ['causalLM'],
    create: c => any(causalLM({ ...c, ...column(c), ...(c.continuous && { endToken: null }) })),
  },
  completion: {
    heads: ['causalLM'],
    create: c =>
      any(
        completion({
          ...c,
          maxLength: c.length,
          promptColumn: c.columns.prompt,
          completionColumn: c.columns.completion,
        }),
      ),
  },
  'masked-lm': { heads: MASKED, create: c => any(maskedLM({ ...c, ...column(c) })) },
  'next-sentence': { heads: ['pretraining', 'nextSentence'], create: c => any(nextSentence({ ...c, ...column(c) })) },
  'replaced-token': { heads: ['replacedToken'], create: c => any(replacedToken({ ...c, ...column(c) })) },
  'span-corruption': { heads: ['seq2seqLM'], create: c => any(spanCorruption({ ...c, ...column(c) })) },
  'text-infilling': { heads: ['seq2seqLM'], create: c => any(textInfilling({ ...c, ...column(c) })) },
  'mixture-of-denoisers': { heads: ['seq2seqLM'], create: c => any(mixtureOfDenoisers({ ...c, ...column(c) })) },
  'masked-diffusion': { heads: MASKED, create: c => any(maskedDiffusion({ ...c, ...column(c) })) },
  'answer-diffusion': { heads: MASKED, create: c => any(answerDiffusion({ ...c, maxLength: c.length })) },
  'sequence-to-sequence': {
    heads: ['seq2seqLM'],
    create: c =>
      any(
        sequenceToSequence({
          ...c,
          maxSourceLength: c.length,
          maxTargetLength: c.length,
          sourceColumn: c.columns.source,
          targetColumn: c.columns.target,
        }),
      ),
  },
  classification: {
    heads: ['sequenceClassification'],
    create: c =>
      any(
        classification({
          ...c,
          maxLength: c.length,
          textColumn: c.columns.text,
          pairColumn: c.columns.pair,
          labelColumn: c.columns.label,
        }),
      ),
  },
  contrastive: {
    heads: ['base'],
    create: c =>
      any(contrastive({ ...c, maxLength: c.length, textColumn: c.columns.text, pairColumn: c.columns.pair })),
  },
  'token-classification': {
    heads: ['tokenClassification'],
    create: c =>
      any(
        tokenClassification({
          ...c,
          maxLength: c.length,
          textColumn: c.columns.text,
          labelColumn: c.columns.label,
        }),
      ),
  },
  'question-answering': {
    heads: ['questionAnswering'],
    create: c => any(questionAnswering({ ...c, maxLength: c.length })),
  },
} as const satisfies Readonly<Record<string, ObjectiveEntry>>;
export type ObjectiveName = keyof typeof OBJECTIVES;
export const OBJECTIVE_NAMES = Object.keys(OBJECTIVES) as ObjectiveName[];
/** The entry with a name, in its general form. */
export const objectiveNamed = (name: ObjectiveName): ObjectiveEntry => OBJECTIVES[name];

/** What a head learns where nothing else is asked for. @param columns of the data; those of text files are `text` */
export function usualObjective(head: HeadName, columns: readonly string[]): ObjectiveName {
  const has = (...names: string[]) => names.some(name => columns.includes(name));
  if (head === 'causalLM') return has('prompt') ? 'completion' : 'causal-lm';
  if (head === 'seq2seqLM')
    return has('source', 'target', 'input', 'article') ? 'sequence-to-sequence' : 'span-corruption';
  if (head === 'pretraining') return 'masked-lm';
  const found = OBJECTIVE_NAMES.find(name => objectiveNamed(name).heads.includes(head));
  if (found) return found;
  throw new ConfigError('there is no objective for this model', {
    seen: `a model with the head ${head}`,
    expected: 'a language model, or a classifier of texts or tokens',
  });
}

/** @throws ConfigError when the model has no head for it */
export function checkObjective(name: ObjectiveName, head: HeadName): void {
  const { heads } = objectiveNamed(name);
  if (heads.includes(head)) return;
  const others = OBJECTIVE_NAMES.filter(other => objectiveNamed(other).heads.includes(head));
  throw new ConfigError(`the model cannot learn ${name}`, {
    seen: `a model with the head ${head}`,
    expected: heads.join(' or '),
    ...(others.length && { fix: `choose --objective ${others.join(', ')}` }),
  });
}
