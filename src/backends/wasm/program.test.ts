import { describe, expect, it } from 'vitest';
import type { Plan, View } from '../../tensor/plan.ts';
import { END, PARALLEL } from './executor.ts';
import type { WasmKernel } from './kernel.ts';
import type { KernelModule } from './module.ts';
import { compileProgram, relocate, stepAt } from './program.ts';
import { step, view } from './test-kernels.ts';

const kernel = (name: string, work?: (n: number) => number): WasmKernel => ({
  name,
  emit() {
    throw new Error('never emitted');
  },
  args(s, out) {
    for (const input of s.inputs) out.address(input);
    out.address(s.output).i32(7).f32(0.5);
  },
  ...(work && { work: s => work(s.output.shape[0]!) }),
});
const kernels = [kernel('plain'), kernel('heavy', n => 1000 * n)];
const module: KernelModule = {
  bytes: new Uint8Array(),
  index: new Map(kernels.map((k, i) => [k.name, 10 + i])),
  kernels: new Map(kernels.map(k => [k.name, k])),
  features: { relaxed: false, dot: 'none', revec: false, threads: 4, tile: { mr: 2, nr: 16 } },
  tableSize: 20,
};
const leaf = (index: number, n: number) => view({ kind: 'leaf', index }, [n]);
const plan = (...steps: Plan['steps']): Plan => ({ steps, arenaBytes: 0, uploads: [], reads: [] });
const HALF = 0x3f000000;

describe('compileProgram', () => {
  it('writes table index, length, flags and arguments, and fills in addresses at each run', () => {
    const arena: View = { ...view({ kind: 'arena', offset: 128, bytes: 64 }, [4]), offset: 3 };
    const result = view({ kind: 'result', index: 1, bytes: 16 }, [4]);
    const program = compileProgram(
      plan(step('plain', [leaf(1, 4), arena], result), step('heavy', [], arena)),
      module,
      1,
    );
    expect({ leaves: program.leaves, results: program.results }).toEqual({ leaves: 2, results: 2 });
    for (const base of [1000, 2000]) {
      relocate(program, [base, 1, 2, 3, base + 500]);
      expect([...program.words]).toEqual([
        ...[10, 8, 0, 2, base + 128 + 12, base + 500, 7, HALF],
        ...[11, 6, 0, base + 128 + 12, 7, HALF],
        END,
      ]);
    }
  });

  it('lets all threads take part in steps with much work, by their elements or by what the kernel says', () => {
    const flags = (n: number, op: string, threads: number) =>
      compileProgram(plan(step(op, [], leaf(0, n))), module, threads).words[2];
    expect(flags(8_191, 'plain', 4)).toBe(0);
    expect(flags(8_192, 'plain', 4)).toBe(PARALLEL);
    expect(flags(8, 'heavy', 4)).toBe(0);
    expect(flags(9, 'heavy', 4)).toBe(PARALLEL);
    expect(flags(1 << 20, 'heavy', 1)).toBe(0);
  });

  it('reaches addresses above 2 GiB', () => {
    const far: View = { ...leaf(0, 4), offset: 3 * 2 ** 28 };
    const program = compileProgram(plan(step('plain', [], far)), module, 1);
    relocate(program, [0, 2 ** 29]);
    expect(program.words[3]! >>> 0).toBe(3 * 2 ** 30 + 2 ** 29);
  });

  it('leaves out steps without output elements', () => {
    const program = compileProgram(plan(step('plain', [], leaf(0, 0))), module, 1);
    expect([...program.words]).toEqual([END]);
  });

  it('finds the step of a program counter', () => {
    const steps = ['a', 'b', 'c'].map(path => step('plain', [], leaf(0, 4), undefined, path));
    const program = compileProgram(plan(...steps), module, 1);
    expect([0, 5, 6, 13].map(word => stepAt(program, word)?.path)).toEqual(['a', 'a', 'b', 'c']);
    expect(stepAt(program, -1)).toBeUndefined();
    expect(stepAt(program, 1000)).toBeUndefined();
  });
});
