/** What reports say, in English and in German; numbers in the way of the language. */
import { isShare } from '../tasks/metrics.ts';
import type { NamedFigure } from './report.ts';

export type ReportLanguage = 'en' | 'de';

const WORDS = {
  title: ['Evaluation', 'Auswertung'],
  comparison: ['Comparison', 'Vergleich'],
  task: ['task', 'Aufgabe'],
  metric: ['metric', 'Maß'],
  value: ['value', 'Wert'],
  interval: ['95 % interval', '95-%-Intervall'],
  items: ['items', 'Beispiele'],
  examples: ['examples', 'Beispiele davor'],
  version: ['version', 'Version'],
  group: ['group', 'Gruppe'],
  model: ['model', 'Modell'],
  architecture: ['architecture', 'Architektur'],
  head: ['head', 'Kopf'],
  seed: ['seed', 'Seed'],
  limit: ['limit', 'Grenze'],
  all: ['all', 'alle'],
  time: ['time', 'Zeit'],
  date: ['date', 'Datum'],
  prompt: ['prompt', 'Prompt'],
  target: ['right', 'richtig'],
  prediction: ['said', 'gesagt'],
  difference: ['difference', 'Unterschied'],
  better: ['better', 'besser'],
  open: ['not decided', 'nicht entschieden'],
  confidence: ['confidence', 'Sicherheit'],
  accuracy: ['share right', 'Anteil richtig'],
  reliability: ['Reliability', 'Verlässlichkeit'],
  calibrationError: ['expected calibration error', 'erwarteter Kalibrierungsfehler'],
  by: ['by {}', 'nach {}'],
  search: ['search the items', 'Beispiele durchsuchen'],
  everything: ['all', 'alle'],
  rightOnes: ['right', 'richtige'],
  wrongOnes: ['wrong', 'falsche'],
  shown: ['{} of {} items are shown', '{} von {} Beispielen werden gezeigt'],
  small: ['less is better', 'weniger ist besser'],
  method: [
    'Intervals hold the true value with 95 % probability: Wilson’s for shares, the bootstrap’s with {} samples for all others. They tell how far chance in the choice of the items goes, not how well the items stand for anything else.',
    'Die Intervalle enthalten den wahren Wert mit 95 % Wahrscheinlichkeit: Wilsons für Anteile, sonst das des Bootstraps mit {} Ziehungen. Sie sagen, wie weit der Zufall in der Auswahl der Beispiele reicht, nicht, wie gut die Beispiele für anderes stehen.',
  ],
  paired: [
    'Both models answered the same items. p: how probable a difference as large as this is if the models are equal (McNemar’s test for shares, else exchanges of items at random). Of many comparisons one in twenty falls below 0.05 by chance.',
    'Beide Modelle haben dieselben Beispiele beantwortet. p: wie wahrscheinlich ein so großer Unterschied ist, wenn die Modelle gleich sind (McNemars Test für Anteile, sonst zufälliger Tausch der Beispiele). Von vielen Vergleichen fällt einer von zwanzig durch Zufall unter 0,05.',
  ],
} as const satisfies Record<string, readonly [string, string]>;

export type ReportWord = keyof typeof WORDS;
export interface ReportWording {
  readonly language: ReportLanguage;
  word(key: ReportWord, ...inserted: readonly (string | number)[]): string;
  /** A figure's value: a share in percent, else four digits. */
  value(value: number, figure: Pick<NamedFigure, 'metric' | 'aggregation'>): string;
  /** `24.5 % … 61.2 %`, a dash where there is none. */
  interval(figure: Pick<NamedFigure, 'metric' | 'aggregation' | 'low' | 'high'>): string;
  number(value: number, digits?: number): string;
  duration(seconds: number): string;
  /** A chance, `0.03` or `< 0.001`. */
  chance(p: number): string;
}

export function createReportWording(language: ReportLanguage): ReportWording {
  const number = (value: number, digits = 4) =>
    Number.isFinite(value)
      ? new Intl.NumberFormat(language, {
          maximumSignificantDigits: digits,
          ...(value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e7) && { notation: 'scientific' }),
        }).format(value)
      : '–';
  const one = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const said = (value: number, figure: Pick<NamedFigure, 'metric' | 'aggregation'>) =>
    isShare(figure) && Number.isFinite(value) ? `${one.format(100 * value)} %` : number(value);
  return {
    language,
    word: (key, ...inserted) =>
      inserted.reduce<string>(
        (text, each) => text.replace('{}', () => String(each)),
        WORDS[key][language === 'en' ? 0 : 1],
      ),
    number,
    value: said,
    interval: figure =>
      Number.isFinite(figure.low) ? `${said(figure.low, figure)} … ${said(figure.high, figure)}` : '–',
    duration: seconds => (seconds < 119.5 ? `${number(seconds, 3)} s` : `${number(seconds / 60, 3)} min`),
    chance: p => (p < 0.001 ? `< ${number(0.001)}` : number(p, 2)),
  };
}
