/** heed and llama.cpp (by its Node binding) on the same GGUF files, in turns, with the ratios. */
import { load } from '../../engine.ts';
import { ALL, measure, speeds } from '../../llama.ts';
import { benchFiles } from '../../llama-models.ts';
import { printTable, type Row } from '../../table.ts';

const PEER = 'node-llama-cpp';

/** @param chosen parts of names of files, such as `llama-1.1b-q8_0`; empty = all */
export async function llamaPeers(chosen: readonly string[], rounds: number, json: boolean): Promise<void> {
  const wanted = ALL.filter(
    ({ model, type }) => chosen.length === 0 || chosen.some(name => `${model}-${type}`.includes(name)),
  );
  for (const one of wanted) {
    const { files, cleanUp } = await benchFiles([one]);
    try {
      const results = await measure(files[0]!, ['heed', PEER], rounds);
      if (results.length === 0) continue;
      const rows = results.map((run): Row => {
        const { engine, threads } = run;
        return { engine, threads, 'load ms': run.loadMs, ...speeds(run) };
      });
      const of = (engine: string, threads: number) =>
        rows.find(row => row.engine === engine && row.threads === threads)!;
      const ratios = [...new Set(results.map(({ threads }) => threads))].map((threads): Row => {
        const [own, peer] = [of('heed', threads), of(PEER, threads)];
        const figures = Object.keys(own).filter(key => key.includes('tok/s'));
        return {
          ...{ engine: 'ratio', threads },
          ...Object.fromEntries(figures.map(key => [key, Number(own[key]) / Number(peer[key])])),
        };
      });
      printTable(`${one.model} ${one.type}, load average ${load()}`, [...rows, ...ratios], json);
    } finally {
      cleanUp();
    }
  }
}
