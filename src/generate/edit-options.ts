/** The settings of a generation by edits. Defaults: those of the paper. */
import { ConfigError } from '../errors.ts';
import { show } from './options.ts';

export interface EditOptions {
  /** Most revisions; fewer when nothing is left to edit. Default 12. */
  readonly steps?: number | undefined;
  /** Beams in which the generator searches for the fillings of a revision. Default 5. */
  readonly numBeams?: number | undefined;
  /** Texts that are kept from one revision to the next. 1: greedy over revisions. Default 3. */
  readonly revisionBeams?: number | undefined;
  /** Fillings are drawn, from the most probable tokens that together hold this probability; the paper's 0.6. Default: searched. */
  readonly topP?: number | undefined;
  /**
   * Makes drawing repeatable: text i draws with `seed + i`, whatever stands beside it; a list gives each text its own. Default: a random
   * one.
   */
  readonly seed?: number | readonly number[] | undefined;
  /** Most tokens that the generator writes in a revision. Default 128. */
  readonly maxNewTokens?: number | undefined;
  /** Texts are ranked by log-probability per edited token instead of in sum. Default false. */
  readonly perEdit?: boolean | undefined;
  /** What each text is made from, such as the text to translate. */
  readonly sources?: readonly (readonly number[])[] | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface EditSettings extends EditOptions {
  readonly steps: number;
  readonly numBeams: number;
  readonly revisionBeams: number;
  readonly maxNewTokens: number;
  readonly perEdit: boolean;
}
const DEFAULTS = { steps: 12, numBeams: 5, revisionBeams: 3, maxNewTokens: 128, perEdit: false };
const OTHERS = ['topP', 'seed', 'sources', 'signal'];

/** @throws one ConfigError for everything that is wrong */
export function resolveEditOptions(options: EditOptions, texts: number): EditSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: EditSettings = { ...DEFAULTS, ...given };
  const { steps, numBeams, revisionBeams, maxNewTokens, topP, seed, sources } = settings;
  const known = [...Object.keys(DEFAULTS), ...OTHERS];
  const problems = [
    ...Object.keys(given).flatMap(name => (known.includes(name) ? [] : [`${name} is no option of edits`])),
    ...Object.entries({ steps, numBeams, revisionBeams, maxNewTokens }).flatMap(([name, value]) =>
      Number.isSafeInteger(value) && value >= 1 ? [] : [`${name} = ${show(value)} is not a whole number of at least 1`],
    ),
    ...(topP === undefined || (topP > 0 && topP <= 1) ? [] : [`topP = ${show(topP)} is not above 0 and at most 1`]),
    ...(seed === undefined || [seed].flat().every(Number.isSafeInteger)
      ? []
      : [`seed = ${show(seed)} is not a safe integer, nor a list of them`]),
    ...(Array.isArray(seed) && seed.length !== texts ? [`${seed.length} seeds for ${texts} texts`] : []),
    ...(sources === undefined || sources.length === texts ? [] : [`${sources.length} sources for ${texts} texts`]),
  ];
  if (problems.length > 0) throw new ConfigError(`edit options: ${problems.join('; ')}`, { where: 'edit options' });
  return settings;
}
