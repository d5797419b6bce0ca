/** The link of last resort and of tests: the program runs on the calling thread. */
import type { ExecutorExports } from './executor.ts';
import { createMemory, LinearMemory } from './linear-memory.ts';
import { type Link, type LinkOptions, RunFailure } from './link.ts';
import { HEADER } from './module.ts';

export async function inlineLink({ module, initial, maxima }: LinkOptions): Promise<Link> {
  const memory = new LinearMemory(createMemory(initial, maxima, false));
  const imports = { env: { memory: memory.memory, now: () => performance.now() } };
  let exports: ExecutorExports | undefined = (await WebAssembly.instantiate(await module(), imports))
    .exports as unknown as ExecutorExports;
  return {
    kind: 'inline',
    threads: 1,
    get size() {
      return memory.size;
    },
    limit: memory.limit,
    grow: size => memory.grow(size),
    write: (address, bytes) => memory.write(address, bytes),
    async run({ program, reads }) {
      if (!exports) throw new RunFailure('backend is closed');
      if (program) {
        try {
          exports.run(program, 1);
        } catch (cause) {
          throw new RunFailure('a kernel failed', { seen: String(cause), cause }, memory.word(HEADER.step));
        }
      }
      memory.readAll(reads);
      return program ? memory.elapsed() : 0;
    },
    close() {
      exports = undefined;
      memory.drop();
    },
  };
}
