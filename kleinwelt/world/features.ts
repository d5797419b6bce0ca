/** Universal features that both languages share. */

import type { Clause } from './frame.ts';

const finiteFeatureTable = {
  present: {
    singular: { Mood: 'Ind', Number: 'Sing', Person: '3', Tense: 'Pres', VerbForm: 'Fin' },
    plural: { Mood: 'Ind', Number: 'Plur', Person: '3', Tense: 'Pres', VerbForm: 'Fin' },
  },
  past: {
    singular: { Mood: 'Ind', Number: 'Sing', Person: '3', Tense: 'Past', VerbForm: 'Fin' },
    plural: { Mood: 'Ind', Number: 'Plur', Person: '3', Tense: 'Past', VerbForm: 'Fin' },
  },
} as const;

/** Universal features of a finite verb in the third person, the same in both languages. */
export function finiteFeatures(clause: Clause, plural: boolean): Readonly<Record<string, string>> {
  return finiteFeatureTable[clause.tense][plural ? 'plural' : 'singular'];
}
