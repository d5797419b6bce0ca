/**
 * The walk of all elementwise and copying kernels: over an output and up to three inputs, each with strides of its own
 * (0 = the element repeats), in runs along the innermost axis.
 *
 * The axes are collapsed to the fewest when the arguments are written. The walk then hands every run to a row function
 * in which each input is either contiguous or one element: an input with any other stride is first gathered into
 * scratch memory. So an op needs one small loop, whatever the shapes.
 */
import { bytesOf, type DType } from '../../../tensor/dtype.ts';
import type { View } from '../../../tensor/plan.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import {
  br,
  brIf,
  type Code,
  call,
  type Func,
  i32,
  i32x4,
  type Local,
  loop,
  ret,
  set,
  shuffle,
  tee,
  v128,
  when,
} from '../assembler.ts';
import { type ArgWriter, KERNEL_PARAMS, type ModuleContext, type WasmKernel } from '../kernel.ts';
import { type VectorMath, vectorMath } from './math.ts';
import { threadRange } from './rows.ts';

/** How an operand lies in memory and in a vector. */
export type Kind = 'word' | 'mask' | 'byte' | 'bytes';

interface Layout {
  /** Bytes of one element in memory. */
  readonly size: number;
  /** Elements of a vector. */
  readonly lanes: number;
  load(address: Code, offset: number): Code;
  loadOne(address: Code): Code;
  store(address: Code, value: Code, offset: number): Code;
  storeOne(address: Code, value: Code): Code;
}
const LOW_BYTES = [0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const WIDEN_BYTES = [0, 16, 16, 16, 1, 16, 16, 16, 2, 16, 16, 16, 3, 16, 16, 16];
const byte: Layout = {
  size: 1,
  lanes: 4,
  load: (address, offset) => shuffle(v128.load32zero(address, offset), v128.zero, WIDEN_BYTES),
  loadOne: address => i32x4.splat(i32.load8u(address)),
  store: (address, value, offset) => v128.store32lane(address, shuffle(value, v128.zero, LOW_BYTES), 0, offset),
  storeOne: (address, value) => i32.store8(address, i32x4.extract(value, 0)),
};
const isSet = (x: Code) => i32x4.ne(x, v128.zero);
const asBit = (x: Code) => v128.and(x, i32x4.const(1));
const LAYOUTS: Record<Kind, Layout> = {
  /** 4-byte elements. */
  word: {
    size: 4,
    lanes: 4,
    load: v128.load,
    loadOne: address => v128.load32zero(address),
    store: v128.store,
    storeOne: (address, value) => v128.store32lane(address, value, 0),
  },
  /** Bytes, one in each 32-bit lane. */
  byte,
  /** Bools, as lanes of 32 ones or zeros. */
  mask: {
    ...byte,
    load: (address, offset) => isSet(byte.load(address, offset)),
    loadOne: address => isSet(byte.loadOne(address)),
    store: (address, value, offset) => byte.store(address, asBit(value), offset),
    storeOne: (address, value) => byte.storeOne(address, asBit(value)),
  },
  /** Bytes, 16 to a vector. */
  bytes: {
    size: 1,
    lanes: 16,
    load: v128.load,
    loadOne: byte.loadOne,
    store: v128.store,
    storeOne: byte.storeOne,
  },
};

/** One form of an op: which operands it takes and the vector code. */
export interface Form {
  readonly from: readonly DType[];
  readonly to: DType;
  readonly kinds: readonly Kind[];
  readonly result: Kind;
  code(math: VectorMath, a: Code, b: Code, c: Code): Code;
}
export interface ElementwiseOp {
  readonly name: string;
  readonly forms: readonly Form[];
  /** Elementary operations per element. Default: 1. */
  readonly work?: number;
}

const INPUTS = 3;
// Vectors per turn of the loop. An even number lets the revectoriser pair them.
const UNROLL = 2;
/** Signature of row functions: output address, elements, then address and bytes per element (0 = repeat) of each input. */
const ROW_PARAMS = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;

/** Emits the loop of one form over one run. */
export function rowFunction({ module, features }: ModuleContext, name: string, form: Form): Func {
  const f = module.func(name, ROW_PARAMS);
  const [out, n, ...pairs] = f.params;
  const math = vectorMath(f, features.relaxed);
  const inputs = form.kinds.map((kind, i) => ({
    layout: LAYOUTS[kind],
    at: pairs[2 * i]!,
    step: pairs[2 * i + 1]!,
    vectorStep: f.local('i32'),
  }));
  const result = LAYOUTS[form.result];
  const run = result.lanes * UNROLL;
  const apply = (load: (input: (typeof inputs)[number]) => Code) => {
    const [a, b, c] = inputs.map(load);
    return form.code(math, a ?? [], b ?? [], c ?? []);
  };
  const rest = f.local('i32');
  f.emit(
    inputs.map(({ vectorStep, step }) => set(vectorStep, i32.mul(step, i32.const(run)))),
    set(rest, i32.and(n, i32.const(run - 1))),
    when(
      tee(n, i32.sub(n, rest)),
      loop(
        Array.from({ length: UNROLL }, (_, u) =>
          result.store(
            out,
            apply(({ layout, at }) => layout.load(at, u * layout.lanes * layout.size)),
            u * result.lanes * result.size,
          ),
        ),
        inputs.map(({ at, vectorStep }) => set(at, i32.add(at, vectorStep))),
        set(out, i32.add(out, i32.const(run * result.size))),
        brIf(0, tee(n, i32.sub(n, i32.const(run)))),
      ),
    ),
    when(
      rest,
      loop(
        result.storeOne(
          out,
          apply(({ layout, at }) => layout.loadOne(at)),
        ),
        inputs.map(({ at, step }) => set(at, i32.add(at, step))),
        set(out, i32.add(out, i32.const(result.size))),
        brIf(0, tee(rest, i32.sub(rest, i32.const(1)))),
      ),
    ),
  );
  return f;
}

// ---- the walk -----------------------------------------------------------------------------------------------------
// Argument words: table offset of the row function, elements, axes, 1 = some input must be gathered; per operand
// address and element bytes; per axis, outermost first, length and the byte strides of the operands.
const OPERANDS = 1 + INPUTS;
const HEAD = 4;
const AXES = 4 * (HEAD + 2 * OPERANDS);
const AXIS = 4 * (1 + OPERANDS);
const GATHER = 2048;
// Scratch: coordinates, one repeated element per operand, gathered runs.
const REPEAT = 1024;
const REPEAT_BYTES = 16 * UNROLL;
const GATHERED = 2048;

/** `(to, from, byte stride, elements, element bytes)`: contiguous copy of a strided run. */
function gatherFunction({ module }: ModuleContext): Func {
  const f = module.func('gather run', ['i32', 'i32', 'i32', 'i32', 'i32']);
  const [to, from, stride, n, size] = f.params;
  const copy = (step: number, move: Code) =>
    loop(
      move,
      set(to, i32.add(to, i32.const(step))),
      set(from, i32.add(from, stride)),
      brIf(0, tee(n, i32.sub(n, i32.const(1)))),
    );
  return f.emit(
    when(i32.eq(size, i32.const(4)), copy(4, i32.store(to, i32.load(from))), copy(1, i32.store8(to, i32.load8u(from)))),
  );
}

/** `(args, thread, threads, table index of the first row function)`; `like` is any row function. */
function walkFunction(context: ModuleContext, like: Func): Func {
  const { module } = context;
  const gather = context.shared('gather run', () => gatherFunction(context));
  const f = module.func('walk', ['i32', 'i32', 'i32', 'i32']);
  const [args, thread, threads, table] = f.params;
  const [at, end, scratch, axis, rest, count, column, length, coordinate] = f.i32s(9);
  const address = f.i32s(OPERANDS);
  const inner = f.i32s(OPERANDS);
  const rowAt = f.i32s(OPERANDS);
  const rowStep = f.i32s(OPERANDS);
  const word = (i: number) => i32.load(args, 4 * i);
  const size = (k: number) => word(HEAD + 2 * k + 1);
  const strideAt = (k: number) => i32.load(axis, 4 * (1 + k));
  const move = (k: number, by: Code) => set(address[k]!, i32.add(address[k]!, by));
  // Coordinates stand in scratch memory at the same distances as the axes in the arguments.
  const slot = i32.add(i32.sub(scratch, i32.add(args, i32.const(AXES))), axis);
  const lastAxis = i32.add(args, i32.add(i32.const(AXES - AXIS), i32.mul(word(2), i32.const(AXIS))));
  const operands = address.map((_, k) => k);
  const inputs = operands.slice(1);
  return f.emit(
    // Shares of whole 64-element blocks: no two threads write to one cache line.
    threadRange(word(1), thread, threads, 64, at, end),
    when(i32.ge(at, end), ret),
    set(scratch, context.scratch(thread)),
    operands.map(k => set(address[k]!, word(HEAD + 2 * k))),
    set(axis, lastAxis),
    set(length, i32.load(axis)),
    operands.map(k => set(inner[k]!, strideAt(k))),
    // Coordinates of the first element.
    set(rest, at),
    loop(
      set(coordinate, i32.remu(rest, i32.load(axis))),
      set(rest, i32.divu(rest, i32.load(axis))),
      i32.store(slot, coordinate),
      operands.map(k => move(k, i32.mul(coordinate, strideAt(k)))),
      set(axis, i32.sub(axis, i32.const(AXIS))),
      brIf(0, i32.geu(axis, i32.add(args, i32.const(AXES)))),
    ),
    set(axis, lastAxis),
    set(column, i32.load(slot)),
    loop(
      set(count, i32.sub(length, column)),
      when(i32.gt(count, i32.sub(end, at)), set(count, i32.sub(end, at))),
      when(i32.and(word(3), i32.gt(count, i32.const(GATHER))), set(count, i32.const(GATHER))),
      inputs.map(k => {
        const repeated = i32.add(scratch, i32.const(REPEAT + k * REPEAT_BYTES));
        const gathered = i32.add(scratch, i32.const(GATHERED + k * 4 * GATHER));
        const element = f.local('v128');
        return [
          set(rowAt[k]!, address[k]!),
          set(rowStep[k]!, size(k)),
          when(i32.ne(inner[k]!, rowStep[k]!), [
            when(
              inner[k]!,
              [call(gather, gathered, address[k]!, inner[k]!, count, rowStep[k]!), set(rowAt[k]!, gathered)],
              [
                when(
                  i32.eq(rowStep[k]!, i32.const(4)),
                  set(element, v128.load32splat(address[k]!)),
                  set(element, i32x4.splat(i32.mul(i32.load8u(address[k]!), i32.const(0x01010101)))),
                ),
                Array.from({ length: UNROLL }, (_, u) => v128.store(repeated, element, 16 * u)),
                set(rowAt[k]!, repeated),
                set(rowStep[k]!, i32.const(0)),
              ],
            ),
          ]),
        ];
      }),
      module.callTable(
        like,
        i32.add(table, word(0)),
        address[0]!,
        count,
        inputs.map(k => [rowAt[k]!, rowStep[k]!]),
      ),
      set(at, i32.add(at, count)),
      when(i32.lt(at, end), [
        when(
          i32.lt(i32.add(column, count), length),
          [operands.map(k => move(k, i32.mul(count, inner[k]!))), set(column, i32.add(column, count))],
          [
            // Next run: back to the start of this one, then one step along the innermost outer axis that has one left.
            operands.map(k => move(k, i32.sub(i32.const(0), i32.mul(column, inner[k]!)))),
            set(column, i32.const(0)),
            set(axis, i32.sub(lastAxis, i32.const(AXIS))),
            loop(
              operands.map(k => move(k, strideAt(k))),
              set(coordinate, i32.add(i32.load(slot), i32.const(1))),
              when(i32.eq(coordinate, i32.load(axis)), [
                i32.store(slot, i32.const(0)),
                operands.map(k => move(k, i32.sub(i32.const(0), i32.mul(coordinate, strideAt(k))))),
                set(axis, i32.sub(axis, i32.const(AXIS))),
                br(1),
              ]),
              i32.store(slot, coordinate),
            ),
          ],
        ),
        br(1),
      ]),
    ),
  );
}

/** Calls the walk with the row functions of `forms`, which get neighbouring table indices. */
export function emitWalk(context: ModuleContext, rows: readonly Func[], args: Code, thread: Code, threads: Code): Code {
  const [first] = rows.map(row => context.module.tableIndex(row));
  const walk = context.shared('walk', () => walkFunction(context, rows[0]!));
  return call(walk, args, thread, threads, i32.const(first!));
}

/** Writes the words of one walk: `form` is the place of the row function among those given to `emitWalk`. */
export function walkArgs(out: ArgWriter, form: number, output: View, inputs: readonly View[]): void {
  const operands = [output, ...inputs];
  const bytes = operands.map(view => bytesOf(view.dtype));
  const rank = output.shape.length;
  const axes: { n: number; strides: number[] }[] = [];
  output.shape.forEach((n, d) => {
    if (n === 1) return;
    const strides = operands.map((view, k) => {
      const own = d - rank + view.shape.length;
      return own < 0 || view.shape[own] === 1 ? 0 : view.strides[own]! * bytes[k]!;
    });
    const outer = axes.at(-1);
    if (outer?.strides.every((stride, k) => stride === strides[k]! * n)) {
      outer.n *= n;
      outer.strides = strides;
    } else axes.push({ n, strides });
  });
  // Row functions write contiguously: an output with gaps along its innermost axis is written in runs of one element.
  if (axes.at(-1)?.strides[0] !== bytes[0]) axes.push({ n: 1, strides: bytes });
  const inner = axes.at(-1)!;
  const gather = inner.strides.some((stride, k) => stride !== 0 && stride !== bytes[k]);
  out
    .i32(form)
    .i32(sizeOf(output.shape))
    .i32(axes.length)
    .i32(gather ? 1 : 0);
  for (let k = 0; k < OPERANDS; k++) {
    const view = operands[k];
    // An operand that is not there passes for a contiguous one.
    if (view) out.address(view).i32(bytes[k]!);
    else out.i32(0).i32(4);
  }
  for (const axis of axes) {
    out.i32(axis.n);
    for (let k = 0; k < OPERANDS; k++) out.i32(axis.strides[k] ?? (axis === inner ? 4 : 0));
  }
}
/** Address of the words after those of the walk at `args`. */
export const afterWalk = (args: Local): Code =>
  i32.add(i32.add(args, i32.const(AXES)), i32.mul(i32.load(args, 8), i32.const(AXIS)));

/** The kernel of an op given as data. */
export function elementwiseKernel(op: ElementwiseOp): WasmKernel {
  const formOf = (inputs: readonly { dtype: DType }[], to: DType) =>
    op.forms.findIndex(form => form.to === to && form.from.every((dtype, i) => inputs[i]?.dtype === dtype));
  return {
    name: op.name,
    access: ['strided'],
    inPlace: true,
    accepts: (inputs, _, output) => formOf(inputs, output.dtype) >= 0,
    emit(context) {
      const rows = op.forms.map((form, i) => rowFunction(context, `${op.name} row ${i}`, form));
      const f = context.module.func(op.name, KERNEL_PARAMS);
      const [args, thread, threads] = f.params;
      return f.emit(emitWalk(context, rows, args, thread, threads));
    },
    args: ({ inputs, output }, out) => walkArgs(out, formOf(inputs, output.dtype), output, inputs),
    work: ({ output }) => sizeOf(output.shape) * (op.work ?? 1),
  };
}
