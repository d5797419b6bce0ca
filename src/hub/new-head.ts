/** A head that a checkpoint was not trained for: its parameters begin at random, to be trained. */
import { ConfigError } from '../errors.ts';
import type { Architecture, HeadName } from '../models/architecture.ts';
import { headOf } from '../models/forward.ts';
import { PROBLEM_TYPES, type ProblemType } from '../nn/loss.ts';
import { listParams } from '../nn/params.ts';
import { isEncoderDecoder, type ReferenceNames, referenceNames } from './reference-names.ts';

export interface NewHead {
  /** What the classes of a classifier are called. Default: as config.json says. */
  readonly labels?: readonly string[] | undefined;
  /** What labels of a whole text are. Default: what they are tells. */
  readonly problemType?: ProblemType | undefined;
  /** Equal seeds give equal parameters. Default 0. */
  readonly seed?: number | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Fields of config.json that say what the labels of a new head are. @throws ConfigError for lists that are none */
export function newHeadFields({ labels, problemType }: NewHead): Json {
  if (labels && (labels.length === 0 || new Set(labels).size < labels.length))
    throw new ConfigError('labels have names of their own', {
      seen: JSON.stringify(labels),
      expected: "['yes', 'no']",
    });
  if (problemType && !PROBLEM_TYPES.includes(problemType))
    throw new ConfigError('no such type of problem', { seen: String(problemType), expected: PROBLEM_TYPES.join(', ') });
  return {
    ...(labels && {
      id2label: Object.fromEntries(labels.entries()),
      label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
    }),
    ...(problemType && { problem_type: problemType }),
  };
}

/**
 * Whether a parameter is no part of the family's base model, so that it may begin at random.
 * @throws ConfigError when no head is named, or the family has none of that name
 */
export function belongsToHead(
  architecture: Architecture,
  config: unknown,
  head: HeadName | undefined,
): (name: string) => boolean {
  if (!head)
    throw new ConfigError('a new head has to be named', {
      expected: `head: one of ${Object.keys(architecture.heads).join(', ')}`,
    });
  headOf({ architecture, head });
  const { base } = architecture.heads;
  // The base of an encoder-decoder may be the encoder alone, but its decoder is no head.
  if (!base || isEncoderDecoder(architecture)) return name => !referenceNames(architecture, config, head).inBody(name);
  const body = new Set(listParams(base.parameters(config)).map(([name]) => name));
  return name => !body.has(name);
}

/** What a checkpoint calls its parameters, and what those of a new head are to be called. */
export const withHead = (
  names: ReadonlyMap<string, string>,
  head: readonly string[],
  { of }: ReferenceNames,
): ReadonlyMap<string, string> => new Map([...head.map(name => [name, of(name)] as const), ...names]);
