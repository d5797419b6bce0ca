/** What the tokenizers are learned from: as much of every kind of text as its models see of it. */

import { dataToTextRows, spellingRows, summaryRows, translationRows } from '../tasks/index.ts';
import { documentRows } from './documents.ts';
import { mixed } from './mixed.ts';
import type { TokenizerName } from './tokenizers.ts';

const [SEED, TEXTS] = [3, 60_000];

export function* tokenizerTexts(name: TokenizerName): Generator<string> {
  let count = 0;
  const rows =
    name === 'translator'
      ? mixed(SEED, [
          [translationRows({ seed: SEED }), 6],
          // Right spelling: pieces of wrong words are to stay short, or each would be a word to learn.
          [onlyTargets(spellingRows({ seed: SEED + 1 })), 1],
          [dataToTextRows({ seed: SEED + 2 }), 2],
          [summaryRows({ seed: SEED + 3 }), 2],
        ])
      : documentRows({ seed: SEED, split: 'train' });
  for (const { text, source, target } of rows) {
    for (const part of [text, source, target]) if (typeof part === 'string') yield part;
    if (++count >= TEXTS) return;
  }
}

function* onlyTargets(rows: Iterable<{ readonly source: string; readonly target: string }>): Generator<object> {
  for (const { source, target } of rows) yield { source: source.slice(0, source.indexOf(':') + 1), target };
}
