/** A constraint on what is generated, and the processor that keeps to it. */
import { ConfigError } from '../../errors.ts';
import type { LogitsProcessor, SequenceHistory } from '../history.ts';
import type { Language } from './language.ts';
import { type Position, TokenMasks } from './token-masks.ts';
import type { TokenTexts } from './token-texts.ts';

/** The texts that may be generated. Made by `jsonSchema`, `regex`, `grammar` and `choices`; may serve many generations at once. */
export interface Constraint {
  readonly language: Language;
}

/** What a generation asks of its constraint. */
export interface ConstraintRun {
  readonly process: LogitsProcessor;
  /** Whether the text is complete once a token follows: nothing else can come. */
  readonly completes: (history: SequenceHistory, id: number) => boolean;
}

export interface ConstraintSettings {
  readonly constraint: Constraint;
  readonly texts: TokenTexts;
  readonly endIds: readonly number[];
  /** Most ids of prompt and output that a history can reach. */
  readonly limitOf: (history: SequenceHistory) => number;
  /** Whether the next token is not for the constraint to choose. */
  readonly forces: (history: SequenceHistory) => boolean;
  /** How many tokens at the end are forced. */
  readonly forcedAtEnd: number;
}

const compiled = new WeakMap<Constraint, WeakMap<TokenTexts, Map<string, TokenMasks>>>();
/** States of many generations add up; beyond this the next one begins anew, as those that run keep theirs. */
const FULL = 0.5;

/** The masks of a constraint for a vocabulary, made once and again when they have grown large. */
function masksOf(constraint: Constraint, texts: TokenTexts, endIds: readonly number[]): TokenMasks {
  let byTexts = compiled.get(constraint);
  if (!byTexts) compiled.set(constraint, (byTexts = new WeakMap()));
  let byEnds = byTexts.get(texts);
  if (!byEnds) byTexts.set(texts, (byEnds = new Map()));
  let masks = byEnds.get(`${endIds}`);
  if (!masks || masks.machine.fullness > FULL)
    byEnds.set(`${endIds}`, (masks = new TokenMasks(constraint.language, texts, endIds)));
  return masks;
}

/**
 * Binds a constraint to a vocabulary.
 * @throws ConfigError when there is no text that meets it, or none of these tokens; when it is beyond the limits; and here, not
 * later, when the shortest text needs more tokens than one of the histories may get
 */
export function runConstraint(settings: ConstraintSettings, histories: readonly SequenceHistory[]): ConstraintRun {
  const { constraint, texts, endIds, limitOf, forces, forcedAtEnd } = settings;
  const masks = masksOf(constraint, texts, endIds);
  const remaining = (history: SequenceHistory) => limitOf(history) - history.ids.length - forcedAtEnd;
  const positionOf = (history: SequenceHistory): Position => {
    const { progress } = history;
    let position = progress?.position ?? masks.start(history.ids.slice(0, history.promptLength));
    for (let at = progress?.length ?? history.promptLength; at < history.ids.length; at++)
      position = advance(position, history.ids[at]!, history);
    if (progress?.length !== history.ids.length) history.progress = { length: history.ids.length, position };
    return position;
  };
  const advance = (position: Position, id: number, history: SequenceHistory): Position => {
    const next = masks.advance(position, id);
    if (next) return next;
    throw new ConfigError('a token was forced that the constraint does not allow', {
      seen: `${id}`,
      fix: 'leave out forcedBosTokenId, or the processor that forces it',
      where: `prompt ${history.prompt}, token ${history.generatedLength}`,
    });
  };
  for (const history of histories) {
    const needed = masks.distance(positionOf(history));
    const room = remaining(history) - (forces(history) ? 1 : 0);
    if (needed === Number.POSITIVE_INFINITY)
      throw new ConfigError('the tokens of this vocabulary cannot write any text that meets the constraint', {
        fix: 'use a model with a byte-level vocabulary, or another constraint',
        where: 'constraint',
      });
    if (needed > room)
      throw new ConfigError('the shortest text that meets the constraint does not fit', {
        seen: `room for ${room} tokens`,
        expected: `at least ${needed}`,
        fix: 'raise maxNewTokens',
        where: `prompt ${history.prompt}`,
      });
  }
  return {
    process(scores, history) {
      if (!forces(history)) masks.apply(scores, positionOf(history), remaining(history));
    },
    completes: (history, id) => masks.isComplete(advance(positionOf(history), id, history)),
  };
}
