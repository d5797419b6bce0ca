/**
 * Turns a plan into the words of a program. The addresses of buffers differ from run to run, so the words are a template
 * with a list of places to fill in.
 */
import { BackendError } from '../../errors.ts';
import { bytesOf } from '../../tensor/dtype.ts';
import type { Plan, Slot, Step, View } from '../../tensor/plan.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { bankOf, formatOf } from './banks.ts';
import { END, PARALLEL } from './executor.ts';
import { type ArgWriter, ELSEWHERE, type WasmKernel } from './kernel.ts';
import { type KernelModule, tableIndexOf } from './module.ts';

/** Steps of fewer nanoseconds run on one thread: a fork and join costs 0.5 us, and 5 to 10 us if a thread fell asleep. */
const PARALLEL_WORK = 8_192;
/** Numbers per relocation: word, base, byte offset. */
const RELOCATION = 3;

export interface Program {
  readonly words: Int32Array<ArrayBuffer>;
  /** `[word, base, byte offset]` after each other; see `baseIndex` for the bases. */
  readonly relocations: Int32Array;
  /** The steps that became part of the program, and the word each begins at. */
  readonly steps: readonly Step[];
  readonly starts: readonly number[];
  /** How many buffers of each kind the plan binds. */
  readonly leaves: number;
  readonly results: number;
}

/** How many slots of a kind the plan binds: the highest index + 1. */
function countSlots(plan: Plan, kind: 'leaf' | 'result'): number {
  const views = [...plan.steps.flatMap(step => [...step.inputs, step.output]), ...plan.reads];
  return views.reduce((n, { slot }) => (slot.kind === kind ? Math.max(n, slot.index + 1) : n), 0);
}
/** What a slot's addresses count from: 0 is the arena, then come the leaves, then the results. */
export function baseIndex(slot: Slot, leaves: number): number {
  if (slot.kind === 'leaf') return 1 + slot.index;
  if (slot.kind === 'result') return 1 + leaves + slot.index;
  return 0;
}
/** Byte offset of a view's first element from its base. */
export function byteOffset({ slot, offset, dtype }: View): number {
  return ('offset' in slot ? slot.offset : 0) + offset * bytesOf(dtype);
}

/** @throws BackendError when there is no kernel for an op. */
export function compileProgram(plan: Plan, module: KernelModule, threads: number): Program {
  const leaves = countSlots(plan, 'leaf');
  const words: number[] = [];
  const relocations: number[] = [];
  const steps: Step[] = [];
  const starts: number[] = [];
  const bits = new DataView(new ArrayBuffer(4));
  const out: ArgWriter = {
    i32(value) {
      words.push(value | 0);
      return out;
    },
    f32(value) {
      bits.setFloat32(0, value);
      words.push(bits.getInt32(0));
      return out;
    },
    address(view) {
      // Offsets above 2 GiB wrap to negative words; the sum is taken modulo 2^32 and comes out right.
      relocations.push(words.length, baseIndex(view.slot, leaves), byteOffset(view) | 0);
      words.push(0);
      return out;
    },
  };
  for (const step of plan.steps) {
    const kernel = module.kernels.get(step.op);
    if (!kernel)
      throw new BackendError(`no kernel for ${step.op}`, {
        expected: [...module.kernels.keys()].join(', '),
        where: step.path || undefined,
      });
    if (sizeOf(step.output.shape) === 0) continue;
    for (const bank of banksOf(kernel, step)) {
      const start = words.length;
      steps.push(step);
      starts.push(start);
      words.push(tableIndexOf(module, step.op, bank), 0, parallel(kernel, step, threads) ? PARALLEL : 0);
      kernel.args(forBank(kernel, step, bank), out, module.features);
      words[start + 1] = words.length - start;
    }
  }
  words.push(END);
  return {
    words: new Int32Array(words),
    relocations: new Int32Array(relocations),
    steps,
    starts,
    leaves,
    results: countSlots(plan, 'result'),
  };
}

/** Whether an input (or the output, without an index) may be a packed weight. */
const takesWeight = ({ formats = [] }: WasmKernel, input: number): boolean =>
  formats.at(Math.min(input, formats.length - 1)) !== undefined;

/** The memories in which a step has weights: one in all but steps of several weights. */
function banksOf(kernel: WasmKernel, { inputs, output }: Step): Iterable<number> {
  if (!kernel.banked) return [0];
  if (output.format !== undefined) return [bankOf(output.format)];
  const weights = inputs.filter((_, i) => takesWeight(kernel, i));
  return new Set(weights.length ? weights.map(view => bankOf(view.format)) : [0]);
}

/** The step as the kernel of a bank sees it, which knows no other. */
function forBank(kernel: WasmKernel, step: Step, bank: number): Step {
  if (!kernel.banked) return step;
  const own = (view: View): View =>
    view.format === undefined && !bank
      ? view
      : { ...view, format: bankOf(view.format) === bank ? formatOf(view.format) : ELSEWHERE };
  const inputs = step.inputs.map((view, i) => (takesWeight(kernel, i) ? own(view) : view));
  return { ...step, inputs, output: step.output.format === undefined ? step.output : own(step.output) };
}

const parallel = (kernel: WasmKernel, step: Step, threads: number): boolean =>
  threads > 1 && (kernel.work?.(step) ?? sizeOf(step.output.shape)) >= PARALLEL_WORK;

/** Fills in the addresses: `bases` by `baseIndex`. */
export function relocate({ words, relocations }: Program, bases: readonly number[]): void {
  for (let i = 0; i < relocations.length; i += RELOCATION)
    words[relocations[i]!] = (bases[relocations[i + 1]!]! + relocations[i + 2]!) | 0;
}

/** The step whose words a program counter points at; `word` counts from the program's start. */
export function stepAt({ steps, starts, words }: Program, word: number): Step | undefined {
  if (word < 0 || word >= words.length) return undefined;
  return steps[starts.findLastIndex(start => start <= word)];
}
