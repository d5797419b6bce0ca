/** What the pages and advice about a run say, in English and in German. */
import type { Advice, LearningState } from './overfitting.ts';

export type WatchLanguage = 'en' | 'de';

const WORDS = {
  step: ['step', 'Schritt'],
  loss: ['Loss', 'Loss'],
  training: ['training', 'Training'],
  validation: ['validation', 'Validierung'],
  best: ['best', 'beste'],
  learningRate: ['Learning rate', 'Lernrate'],
  gradientNorm: ['Gradient norm', 'Gradientennorm'],
  noSteps: ['no step yet', 'noch kein Schritt'],
} as const satisfies Record<string, readonly [string, string]>;

/** What a run is doing. */
const STATES = {
  early: ['Too early to say.', 'Noch zu früh für ein Urteil.'],
  learning: ['The model is learning.', 'Das Modell lernt.'],
  stalled: ['Neither loss falls any more.', 'Kein Loss fällt mehr.'],
  overfitting: [
    'The model learns its training data by heart: the training loss falls, the validation loss rises.',
    'Das Modell lernt seine Trainingsdaten auswendig: Der Trainings-Loss fällt, der Validierungs-Loss steigt.',
  ],
  diverging: ['Both losses rise.', 'Beide Losses steigen.'],
} as const satisfies Record<LearningState, readonly [string, string]>;

/** What can be done. */
const ADVICE = {
  stop: [
    'Stop here, and take the checkpoint with the lowest validation loss.',
    'Hier aufhören und den Checkpoint mit dem kleinsten Validierungs-Loss nehmen.',
  ],
  moreData: [
    'Train on more text, or pass over it less often.',
    'Mit mehr Text trainieren, oder ihn seltener wiederholen.',
  ],
  dropout: ['Switch dropout on: 0.1 to 0.2.', 'Dropout einschalten: 0,1 bis 0,2.'],
  smallerModel: ['Take a smaller model for this much text.', 'Für so wenig Text ein kleineres Modell nehmen.'],
  lowerLearningRate: [
    'Lower the learning rate, or warm it up longer.',
    'Die Lernrate senken, oder sie länger anwärmen.',
  ],
  largerModel: [
    'If this is not good enough: a larger model, or more text.',
    'Falls das nicht gut genug ist: ein größeres Modell, oder mehr Text.',
  ],
} as const satisfies Record<Advice, readonly [string, string]>;

export interface Wording {
  word(key: keyof typeof WORDS): string;
  state(state: LearningState): string;
  advice(advice: Advice): string;
  /** A number with so many digits that matter. */
  number(value: number, digits?: number): string;
}

export function createWording(language: WatchLanguage): Wording {
  const of = (pair: readonly [string, string]) => pair[language === 'en' ? 0 : 1];
  return {
    word: key => of(WORDS[key]),
    state: state => of(STATES[state]),
    advice: advice => of(ADVICE[advice]),
    number: (value, digits = 4) =>
      new Intl.NumberFormat(language, {
        maximumSignificantDigits: digits,
        ...(value !== 0 && Math.abs(value) < 1e-3 && { notation: 'scientific' }),
      }).format(value),
  };
}
