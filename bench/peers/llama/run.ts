/** heed and llama.cpp (by its Node binding) on the same GGUF files, in turns, with the ratios. */
import { load } from '../../engine.ts';
import { filesToBench, llamaRows } from '../../llama.ts';
import { printTable } from '../../table.ts';

const PEER = 'node-llama-cpp';

/**
 * @param chosen parts of names of files, such as `llama-1.1b-q8_0`; empty = the usual ones
 * @param rounds at most
 */
export async function llamaPeers(chosen: readonly string[], rounds: number, json: boolean): Promise<void> {
  const peer = { name: PEER, engine: PEER, node: process.execPath, revectorize: true } as const;
  const rows = await llamaRows(filesToBench(chosen), rounds, peer);
  printTable(`heed and ${PEER}, load average ${load()}`, rows, json);
}
