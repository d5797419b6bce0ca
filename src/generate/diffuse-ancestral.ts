/**
 * Running the noise backwards: between two times each hidden token is found with the probability that the noise hid it
 * there. Sahoo et al. 2024, "Simple and Effective Masked Diffusion Language Models".
 *
 * Whether a token is found at a step does not depend on the network, so that is drawn first: a step in which none is needs
 * no pass (the paper reuses the last prediction there, which needs a network that is not told the time).
 */

import { hiddenShare, NOISE_SCHEDULES } from '../nn/diffusion-loss.ts';
import { createTokenChooser, type TokenChooser } from './diffuse-choice.ts';
import type { CommittedToken, DiffuseEvent } from './diffuse-events.ts';
import { type DiffuseRun, doneEvent, stepEvent } from './diffuse-run.ts';

/** The time at which the steps end; the few tokens that are hidden then become the most probable ones. */
const LAST_TIME = 1e-5;

/** Runs all steps, window by window where the text is longer than the context window. */
export async function* diffuseAncestrally(run: DiffuseRun): AsyncGenerator<DiffuseEvent, void, undefined> {
  const { canvas, settings, rngs } = run;
  const { steps } = settings;
  const schedule = NOISE_SCHEDULES[settings.schedule];
  const draw = createTokenChooser(run, { maskCounts: false, temperature: settings.temperature });
  const best = createTokenChooser(run, { maskCounts: false, temperature: 0 });

  const find = async (at: number[][], t: number, choose: TokenChooser): Promise<CommittedToken[]> => {
    if (at.every(positions => positions.length === 0)) return [];
    const scores = await canvas.scores(at, { sigma: at.map(() => schedule.total(t)) });
    const found = at.flatMap((positions, prompt) =>
      positions.map((position, i) => choose(scores[prompt]![i]!, prompt, position)),
    );
    for (const token of found) canvas.write(token);
    return found;
  };

  const added = canvas.promptLengths.map(length => windowsOf(run, length));
  const windows = Math.max(...added.map(row => row.length));
  for (let w = 0; w < windows; w++) {
    canvas.extend(added.map(row => row[w] ?? 0));
    for (let step = 0; step < steps; step++) {
      const time = (i: number) => 1 - (i / steps) * (1 - LAST_TIME);
      const [before, after] = [hiddenShare(schedule, time(step)), hiddenShare(schedule, time(step + 1))];
      const isFound = (prompt: number) => rngs[prompt]!.uniform() < (before - after) / before;
      const found = canvas.hidden().map((positions, prompt) => positions.filter(() => isFound(prompt)));
      const committed = await find(found, time(step), draw);
      const rest = step === steps - 1 ? await find(canvas.hidden(), LAST_TIME, best) : [];
      yield stepEvent(run, w * steps + step + 1, windows * steps, [...committed, ...rest]);
    }
  }
  yield doneEvent(run);
}

/** How many tokens each window adds to a text: first as many as fit, then a stride at a time. */
function windowsOf({ denoiser, settings }: DiffuseRun, promptLength: number): number[] {
  const { genLength, stride = genLength } = settings;
  const windows = [Math.min(genLength, (denoiser.contextLength ?? Number.POSITIVE_INFINITY) - promptLength)];
  for (let done = windows[0]!; done < genLength; done += stride) windows.push(Math.min(stride, genLength - done));
  return windows;
}
