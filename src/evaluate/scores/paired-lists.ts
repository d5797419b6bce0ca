/** The check that every score begins with: as many predictions as truths, and at least one. */

import { ConfigError } from '../../errors.ts';

/** Throws `ConfigError` unless both lists are equally long and not empty. */
export function checkPaired(
  predictions: { readonly length: number },
  truth: { readonly length: number },
  where: string,
): void {
  if (predictions.length !== truth.length) {
    throw new ConfigError('predictions and truth are of different lengths', {
      seen: `${predictions.length} predictions and ${truth.length} truths`,
      expected: 'one of each for every item',
      where,
    });
  }
  if (truth.length === 0) {
    throw new ConfigError('no score over no items', { seen: '0 items', expected: 'at least one', where });
  }
}

/** Throws `ConfigError` unless there is a hypothesis and at least one reference for every segment. */
export function checkReferences(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  where: string,
): void {
  checkPaired(hypotheses, references, where);
  const bare = references.findIndex(list => !Array.isArray(list) || list.length === 0);
  if (bare >= 0) {
    throw new ConfigError('a segment without a reference', {
      seen: JSON.stringify(references[bare]) ?? 'nothing',
      expected: 'a list of one or more texts for every segment',
      where: `${where}, segment ${bare}`,
    });
  }
}
