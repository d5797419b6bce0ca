/** A process that pulls a model, for tests of several at once: `tsx pull-process.ts ENDPOINT HOME ID`. Prints what it fetched. */
import { hubFiles } from '../../src/hub/files.ts';
import { optionsFor } from './tiny-hub.ts';

const [endpoint = '', home = '', id = ''] = process.argv.slice(2);
const retry = { tries: 5, firstWaitMs: 10, longestWaitMs: 1000, stallMs: 60_000 };
const { fetchedBytes } = await hubFiles(id, { ...optionsFor({ endpoint }, home), retry }).pull();
process.stdout.write(`${fetchedBytes}\n`);
