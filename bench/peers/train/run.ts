/** A step of training in heed and in jax-js, in turns, with the ratio. jax-js computes loss and gradients only. */
import { fork } from 'node:child_process';
import { load } from '../../engine.ts';
import { printTable, type Row } from '../../table.ts';
import { summarize } from '../../timing.ts';
import { SHAPE, TOKENS, type Training, training } from '../../train-step.ts';

/** What jax-js.mjs answers a message with. */
interface Answer {
  readonly ms: number;
  readonly loss: number;
}

export async function trainPeers(turns: number, json: boolean): Promise<void> {
  const { layers, width, heads, context, batch, vocabulary } = SHAPE;
  const path = new URL('jax-js.mjs', import.meta.url).pathname;
  const peer = fork(path, [layers, width, heads, context, batch, vocabulary].map(String), { execArgv: [] });
  const answer = () => new Promise<Answer>(resolve => peer.once('message', message => resolve(message as Answer)));
  const timed = async (run: () => Promise<void>) => {
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  await answer();
  const own: Training[] = [];
  for (const threads of [1, 2]) own.push(await training(threads));
  const times = own.map(() => ({ step: [] as number[], peak: [] as number[] }));
  const theirs: number[] = [];
  // The first turn compiles and is not counted.
  for (let turn = 0; turn <= turns; turn++) {
    for (const [i, { step, peak }] of own.entries()) {
      const [stepMs, peakMs] = [await timed(step), await timed(peak)];
      if (turn === 0) continue;
      times[i]!.step.push(stepMs);
      times[i]!.peak.push(peakMs);
    }
    const next = answer();
    peer.send('step');
    const { ms } = await next;
    if (turn > 0) theirs.push(ms);
  }
  const peerTimes = summarize(theirs);
  const rows = own.map((run, i): Row => {
    const [step, peak] = [summarize(times[i]!.step), summarize(times[i]!.peak)];
    return {
      ...{ engine: 'heed, with AdamW', ...run.row(step, peak) },
      ...{ ratio: peerTimes.min / step.min, '(of medians)': peerTimes.median / step.median },
    };
  });
  rows.push({
    ...{ engine: 'jax-js, gradients only', threads: 1, 'step ms': peerTimes.min },
    ...{ 'tokens/s': (1000 * TOKENS) / peerTimes.min, '(median)': (1000 * TOKENS) / peerTimes.median },
  });
  printTable(`train-step, load average ${load()}`, rows, json);
  for (const { close } of own) close();
  peer.kill();
}
