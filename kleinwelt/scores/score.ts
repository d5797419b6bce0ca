/** What was measured of a model: a number with its interval and the goal it has. */
export interface Score {
  /** `translation-bleu`. */
  readonly name: string;
  /** In words, with what it was measured on. */
  readonly what: string;
  readonly value: number;
  /** 95 % interval. */
  readonly low: number;
  readonly high: number;
  /** How many items. */
  readonly items: number;
  /** A share is shown in percent. */
  readonly unit: 'share' | 'points' | 'ratio';
  /** What it was to reach: at least, for a ratio at most. */
  readonly goal?: number | undefined;
}

const percent = (x: number) => `${(100 * x).toFixed(1)} %`;
export function shown(score: Score, value: number): string {
  if (score.unit === 'share') return percent(value);
  return value.toFixed(score.unit === 'points' ? 1 : 3);
}
/** Undefined where there is no goal. */
export const reached = ({ unit, value, goal }: Score): boolean | undefined =>
  goal === undefined ? undefined : unit === 'ratio' ? value <= goal : value >= goal;
