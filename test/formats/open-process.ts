/**
 * A process that opens weights files one after the other, for tests of memory: `tsx open-process.ts` with their paths in
 * JSON on its standard input. Prints for each how many bytes the process has grown by since the first, and what became of it.
 */
import { readFileSync } from 'node:fs';
import { HeedError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/formats/index.ts';

async function outcomeOf(file: string): Promise<string> {
  try {
    const checkpoint = await openCheckpoint(file);
    await checkpoint.close();
    return 'opened';
  } catch (error) {
    if (error instanceof HeedError) return error.message;
    throw error;
  }
}

const peakBytes = () => 1024 * process.resourceUsage().maxRSS;
// What opening needs of the engine itself is there before it is measured.
await outcomeOf('no such file');
const before = peakBytes();
for (const file of JSON.parse(readFileSync(0, 'utf8')) as string[]) {
  const outcome = await outcomeOf(file);
  globalThis.gc?.();
  console.log(JSON.stringify({ file, grownBytes: peakBytes() - before, outcome: outcome.slice(0, 300) }));
}
