/**
 * Text by edits: a tagger says what to edit, a generator writes what is to come, and the result is edited again. Reid, Hellendoorn,
 * Neubig 2023, "DiffusER". The search has two dimensions: each of r texts gives b revisions, of all of these the best r by
 * log-probability go on. Tags are the most probable ones; the score of a revision is the sum of the log-probabilities of its tags and of
 * what was written, that of a text the sum over its revisions.
 */
import { BackendError, ConfigError } from '../errors.ts';
import { applyEdits, type EditInput, generatorInput, isFilled, KEEP, readFillings, type Tag } from '../models/edits.ts';
import { createRng, randomSeed } from '../util/rng.ts';
import type { EditModel } from './edit-model.ts';
import { type EditOptions, type EditSettings, resolveEditOptions } from './edit-options.ts';
import { chooseTags } from './edit-tags.ts';
import { generateAll } from './generate.ts';

type Ids = readonly number[];

export interface RevisedText {
  readonly ids: Ids;
  /** Sum of the log-probabilities of all edits. */
  readonly score: number;
  /** Revisions that changed it. */
  readonly revisions: number;
  /** `done`: nothing is left to edit. `length`: every revision is too long for the networks. Undefined: there may be more. */
  readonly finished: 'done' | 'length' | undefined;
}
export interface RevisionEvent {
  readonly type: 'revision';
  /** From 1. */
  readonly step: number;
  /** For each text the ones that are kept, best first. */
  readonly texts: readonly (readonly RevisedText[])[];
}
export interface EditDoneEvent {
  readonly type: 'done';
  /** The best of each. */
  readonly texts: readonly RevisedText[];
  /** What drawing was seeded with. */
  readonly seed?: number | readonly number[] | undefined;
}
export type EditEvent = RevisionEvent | EditDoneEvent;

/** A text in the search. */
interface Hypothesis extends RevisedText {
  /** Tokens that were tagged with an edit, or written. */
  readonly edited: number;
}
/** A hypothesis with the tags of its next revision. */
interface Tagged {
  readonly prompt: number;
  readonly from: Hypothesis;
  readonly tags: readonly Tag[];
  readonly score: number;
}

/**
 * Revises texts `[B][any length]`: drafts, random tokens, the source itself, or nothing: an empty text is begun with an insertion. Yields
 * the texts after every revision and at last the best of each. Leaving the loop or aborting `options.signal` stops at once.
 * @throws ConfigError at the call for options and texts that cannot be; while running `signal.reason` when aborted
 */
export function edit(model: EditModel, texts: readonly Ids[], options: EditOptions = {}): AsyncGenerator<EditEvent> {
  const settings = resolveEditOptions(options, texts.length);
  if (texts.length === 0) throw new ConfigError('no texts', { expected: 'at least one, which may be empty: [[]]' });
  for (const [i, { length }] of texts.entries())
    if (length > roomFor(model, settings, i))
      throw new ConfigError('a text does not fit into the context window', {
        seen: `${length} tokens`,
        expected: `at most ${roomFor(model, settings, i)} beside the start and the source`,
        where: `text ${i}`,
      });
  return search(model, texts, settings);
}

/** Runs `edit` to its end and returns the last event. Throws as `edit` does. */
export async function editAll(
  model: EditModel,
  texts: readonly Ids[],
  options: EditOptions = {},
): Promise<EditDoneEvent> {
  for await (const event of edit(model, texts, options)) if (event.type === 'done') return event;
  throw new BackendError('editing ended without a result');
}

async function* search(model: EditModel, texts: readonly Ids[], settings: EditSettings): AsyncGenerator<EditEvent> {
  const seed = settings.topP === undefined ? undefined : (settings.seed ?? randomSeed());
  const seeds = typeof seed === 'number' ? texts.map((_, i) => seed + i) : seed;
  let kept: Hypothesis[][] = texts.map(ids => [{ ids, score: 0, revisions: 0, finished: undefined, edited: 0 }]);
  for (let step = 1; step <= settings.steps; step++) {
    const open = kept.flatMap((list, prompt) => list.flatMap(from => (from.finished ? [] : [{ prompt, from }])));
    if (open.length === 0) break;
    const tagged = await tagAll(model, open, settings);
    const revised = await reviseAll(model, tagged, settings, seeds && drawsOf(tagged, seeds, step));
    kept = kept.map((list, prompt) => {
      const candidates = [
        ...list.filter(text => text.finished),
        ...revised.filter(r => r.prompt === prompt).map(r => r.text),
      ];
      return best(candidates, settings);
    });
    yield { type: 'revision', step, texts: kept.map(list => list.map(shown)) };
  }
  yield { type: 'done', texts: kept.map(([first]) => shown(first!)), ...(seed !== undefined && { seed }) };
}
const shown = ({ ids, score, revisions, finished }: Hypothesis): RevisedText => ({ ids, score, revisions, finished });

const sourceOf = ({ sources }: EditSettings, prompt: number): Ids => sources?.[prompt] ?? [];
/** Tokens that a text may have. */
const roomFor = ({ contextLength }: EditModel, settings: EditSettings, prompt: number): number =>
  (contextLength ?? Number.POSITIVE_INFINITY) - 1 - sourceOf(settings, prompt).length;

/** The best different texts. */
function best(candidates: readonly Hypothesis[], { revisionBeams, perEdit }: EditSettings): Hypothesis[] {
  const rank = ({ score, edited }: Hypothesis) => (perEdit ? score / Math.max(1, edited) : score);
  const seen = new Set<string>();
  return [...candidates]
    .sort((a, b) => rank(b) - rank(a))
    .filter(({ ids }) => {
      const isNew = !seen.has(`${ids}`);
      seen.add(`${ids}`);
      return isNew;
    })
    .slice(0, revisionBeams);
}

async function tagAll(
  model: EditModel,
  open: readonly { readonly prompt: number; readonly from: Hypothesis }[],
  settings: EditSettings,
): Promise<Tagged[]> {
  const texts = open.map(({ prompt, from }) => ({ text: from.ids, source: sourceOf(settings, prompt) }));
  const logp = await model.tag(texts, settings.signal);
  return open.map(({ prompt, from }, i) => {
    const mustInsert = from.ids.length === 0 && from.revisions === 0;
    return { prompt, from, ...chooseTags(logp[i]!, model.markers.length, mustInsert) };
  });
}

interface Revised {
  readonly prompt: number;
  readonly text: Hypothesis;
}
/** A seed for each text in the search, from its prompt's alone: what a prompt becomes does not depend on those beside it. */
function drawsOf(tagged: readonly Tagged[], seeds: readonly number[], step: number): Map<Tagged, number> {
  const before = seeds.map(() => 0);
  return new Map(tagged.map(text => [text, createRng(seeds[text.prompt]!, step, before[text.prompt]!++).uint32()]));
}

/** All revisions of tagged texts. */
async function reviseAll(
  model: EditModel,
  tagged: readonly Tagged[],
  settings: EditSettings,
  draws: ReadonlyMap<Tagged, number> | undefined,
): Promise<Revised[]> {
  const written = tagged.filter(({ tags }) => tags.some(isFilled));
  const inputs = written.map(({ prompt, from, tags }) =>
    generatorInput(model.startId, from.ids, tags, sourceOf(settings, prompt)),
  );
  const fillings = new Map<Tagged, readonly Written[]>();
  if (written.length > 0) {
    const all = await write(model, inputs, settings, draws && written.map(text => draws.get(text)!));
    written.forEach((text, i) => void fillings.set(text, all[i]!));
  }
  return tagged.flatMap(text => revisionsOf(model, text, fillings.get(text) ?? [NOTHING], settings));
}

interface Written {
  readonly ids: Ids;
  /** Log-probability. */
  readonly score: number;
}
const NOTHING: Written = { ids: [], score: 0 };

function revisionsOf(model: EditModel, tagged: Tagged, written: readonly Written[], settings: EditSettings): Revised[] {
  const { prompt, from, tags } = tagged;
  const score = from.score + tagged.score;
  if (tags.every(tag => tag === KEEP)) return [{ prompt, text: { ...from, score, finished: 'done' } }];
  const count = tags.filter(isFilled).length;
  const edits = tags.filter(tag => tag !== KEEP).length;
  const revised = written.flatMap(({ ids, score: own }): Revised[] => {
    const text = applyEdits(from.ids, tags, readFillings(ids, model.markers, model.endId, count));
    if (text.length > roomFor(model, settings, prompt)) return [];
    const edited = from.edited + edits + ids.length;
    return [
      { prompt, text: { ids: text, score: score + own, revisions: from.revisions + 1, finished: undefined, edited } },
    ];
  });
  return revised.length > 0 ? revised : [{ prompt, text: { ...from, finished: 'length' } }];
}

/** What the generator writes for each input, several ways. */
async function write(
  model: EditModel,
  inputs: readonly EditInput[],
  { numBeams, topP, maxNewTokens, signal }: EditSettings,
  seeds: readonly number[] | undefined,
): Promise<Written[][]> {
  const session = await model.fill(inputs, signal);
  try {
    const room = (session.decoder.contextLength ?? Number.POSITIVE_INFINITY) - session.prompts[0]!.length;
    const { sequences } = await generateAll(session.decoder, session.prompts, {
      ...{
        maxNewTokens: Math.min(maxNewTokens, room),
        signal,
        eosTokenId: model.endId,
        logprobs: true,
        numReturnSequences: numBeams,
      },
      ...(seeds ? { doSample: true, topP, seed: seeds } : { doSample: false, numBeams, lengthPenalty: 0 }),
    });
    const scoreOf = (logprobs: readonly number[] = []) => logprobs.reduce((sum, logp) => sum + logp, 0);
    return inputs.map((_, prompt) =>
      sequences.filter(s => s.prompt === prompt).map(({ ids, logprobs }) => ({ ids, score: scoreOf(logprobs) })),
    );
  } finally {
    session.dispose();
  }
}
