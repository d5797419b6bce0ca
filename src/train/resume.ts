/** Whether a run begins or goes on, and from where. */
import { ConfigError } from '../errors.ts';
import {
  lastCheckpoint,
  listCheckpoints,
  type RunState,
  readState,
  removeUnfinished,
  type SavedRun,
} from './checkpoint.ts';
import type { TrainSettings } from './options.ts';

/**
 * The checkpoint that a run goes on from; undefined for one that begins. What a killed run left half written is removed.
 * @param warn is told of checkpoints that cannot be used, newer than the one that is
 * @throws ConfigError when a run is to begin in a folder that has another one's checkpoints, CheckpointError when the one that
 * was named cannot be used
 */
export async function startingPoint(
  { outputDir, resume }: Pick<TrainSettings, 'outputDir' | 'resume'>,
  warn: (message: string) => void,
): Promise<SavedRun | undefined> {
  if (outputDir !== undefined) await removeUnfinished(outputDir);
  if (typeof resume === 'string') return readState(resume);
  if (outputDir === undefined) return undefined;
  if (resume) return lastCheckpoint(outputDir, problem => warn(problem.message));
  const [first] = await listCheckpoints(outputDir);
  if (!first) return undefined;
  throw new ConfigError('the folder holds checkpoints of another run', {
    seen: first.path,
    fix: 'go on from the last one with resume: true, or choose another outputDir',
    where: outputDir,
  });
}

/** @throws ConfigError that lists what differs between a run and the one that it is to go on from */
export function checkSameRun(saved: SavedRun, now: Pick<RunState, 'recipe' | 'parameters'>): void {
  const differences = (what: string, before: object, after: object): string[] => {
    const [a, b] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
    return [...new Set([...a.keys(), ...b.keys()])].flatMap(key => {
      const [was, is] = [JSON.stringify(a.get(key)), JSON.stringify(b.get(key))];
      return was === is ? [] : [`${what}${key} was ${was ?? 'not there'}, now ${is ?? 'not there'}`];
    });
  };
  const found = [
    ...differences('', saved.recipe, now.recipe),
    ...differences('parameter ', saved.parameters, now.parameters),
  ];
  if (found.length === 0) return;
  throw new ConfigError('a run goes on as it began', {
    seen: found.slice(0, 8).join('; ') + (found.length > 8 ? `; and ${found.length - 8} more` : ''),
    fix: 'use the options that it began with, or begin another run from its weights in another outputDir',
    where: saved.path,
  });
}
