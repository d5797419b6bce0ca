/** The link of last resort and of tests: the program runs on the calling thread. */
import type { ExecutorExports } from './executor.ts';
import { createMemory, LinearMemory, readAll } from './linear-memory.ts';
import { type Link, type LinkOptions, RunFailure } from './link.ts';
import { HEADER } from './module.ts';

export async function inlineLink({ module, initial, maxima }: LinkOptions): Promise<Link> {
  const memory = new LinearMemory(createMemory(initial, maxima, false));
  const memories = [memory];
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
    grow: (size, bank = 0) => memories[bank]!.grow(size),
    write: (address, bytes, bank = 0) => memories[bank]!.write(address, bytes),
    async addBank({ module, initial, maxima }) {
      const bank = new LinearMemory(createMemory(initial, maxima, false));
      const kernels = await WebAssembly.instantiate(module, { env: { memory: memory.memory, bank: bank.memory } });
      const table = exports?.table;
      if (!table) throw new RunFailure('backend is closed');
      for (const kernel of Object.values(kernels.exports)) table.set(table.grow(1), kernel);
      memories.push(bank);
      return bank;
    },
    async run({ program, reads }) {
      if (!exports) throw new RunFailure('backend is closed');
      if (program) {
        try {
          exports.run(program, 1);
        } catch (cause) {
          throw new RunFailure('a kernel failed', { seen: String(cause), cause }, memory.word(HEADER.step));
        }
      }
      readAll(memories, reads);
      return program ? memory.elapsed() : 0;
    },
    close() {
      exports = undefined;
      for (const each of memories) each.drop();
    },
  };
}
