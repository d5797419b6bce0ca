/** The steps of optimizers: one pass over tensors of one shape, with scalars from memory; and sums of squares. */
import { sizeOf } from '../../../tensor/shape.ts';
import { type Code, call, f32x4, i32, type Local, select, set, v128, when } from '../assembler.ts';
import { KERNEL_PARAMS, type WasmKernel } from '../kernel.ts';
import { type VectorMath, vectorMath } from './math.ts';
import { acrossLanes, eachRow, rowLoop, threadRange } from './rows.ts';

interface OptimizerStep {
  readonly name: string;
  readonly tensors: number;
  readonly scalars: number;
  readonly work: number;
  /** Code for four elements; `free` is a local for its use. */
  code(m: VectorMath, tensors: readonly Code[], scalars: readonly Local[], free: Local): Code;
}

/** Argument words: elements, output, tensors, scalars. */
const optimizerStep = ({ name, tensors, scalars, work, code }: OptimizerStep): WasmKernel => ({
  name,
  inPlace: true,
  accepts: inputs => inputs.slice(0, tensors).every(t => sizeOf(t.shape) === sizeOf(inputs[0]!.shape)),
  emit({ module, features }) {
    const f = module.func(name, KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const math = vectorMath(f, features.relaxed);
    const [from, to, at, out] = f.i32s(4);
    const free = f.local('v128');
    const addresses: Local[] = f.i32s(tensors);
    const values: Local[] = f.v128s(scalars);
    const word = (i: number) => i32.load(args, 4 * i);
    const start = (i: number) => i32.add(word(i), i32.shl(from, i32.const(2)));
    return f.emit(
      threadRange(word(0), thread, threads, 64, from, to),
      when(i32.lt(from, to), [
        set(out, start(1)),
        addresses.map((address, i) => set(address, start(2 + i))),
        values.map((value, i) => set(value, v128.load32splat(word(2 + tensors + i)))),
        set(to, i32.shl(i32.sub(to, from), i32.const(2))),
        rowLoop(at, to, 2, row =>
          row.store(
            out,
            code(
              math,
              addresses.map(a => row.load(a)),
              values,
              free,
            ),
          ),
        ),
      ]),
    );
  },
  args({ inputs, output }, out) {
    out.i32(sizeOf(output.shape)).address(output);
    for (const input of inputs) out.address(input);
  },
  work: ({ output }) => work * sizeOf(output.shape),
});

const STEPS: readonly OptimizerStep[] = [
  {
    name: 'blend',
    tensors: 2,
    scalars: 2,
    work: 1,
    code: (m, [x, y], [a, b]) => m.madd(x!, a!, f32x4.mul(y!, b!)),
  },
  {
    name: 'blendSquare',
    tensors: 2,
    scalars: 2,
    work: 1,
    code: (m, [x, y], [a, b]) => m.madd(x!, a!, f32x4.mul(f32x4.mul(y!, y!), b!)),
  },
  {
    name: 'adamStep',
    tensors: 3,
    scalars: 4,
    work: 4,
    code: (m, [p, moment, v], [shrink, rate, root, eps]) =>
      f32x4.sub(f32x4.mul(p!, shrink!), f32x4.div(f32x4.mul(moment!, rate!), m.madd(f32x4.sqrt(v!), root!, eps!))),
  },
  {
    name: 'lionStep',
    tensors: 3,
    scalars: 4,
    work: 2,
    code: (m, [p, moment, g], [shrink, rate, a, b], direction) => [
      set(direction, m.madd(moment!, a!, f32x4.mul(g!, b!))),
      f32x4.sub(
        f32x4.mul(p!, shrink!),
        // The rate with the sign of the direction, 0 where that is 0.
        v128.and(v128.xor(rate!, v128.and(direction, m.i32(-0x80000000))), f32x4.ne(direction, v128.zero)),
      ),
    ],
  },
];

/** Sums of squares of pieces of a tensor; a thread takes whole pieces, so the sums are the same for any number of threads. */
const squareSums: WasmKernel = {
  name: 'squareSums',
  emit({ module }) {
    const row = module.func('square sum', ['i32', 'i32', 'i32']);
    {
      const [out, x, bytes] = row.params;
      const at = row.local('i32');
      const sums = row.v128s(4);
      const [first, second, third, fourth] = sums;
      row.emit(
        sums.map(sum => set(sum, v128.zero)),
        rowLoop(at, bytes, 4, (access, u) =>
          set(sums[u]!, f32x4.add(sums[u]!, f32x4.mul(access.load(x), access.load(x)))),
        ),
        set(first, f32x4.add(f32x4.add(first, second), f32x4.add(third, fourth))),
        v128.store32lane(out, acrossLanes(f32x4.add, first), 0),
      );
    }
    const f = module.func('squareSums', KERNEL_PARAMS);
    const [args, thread, threads] = f.params;
    const [piece, to, left, bytes] = f.i32s(4);
    const word = (i: number) => i32.load(args, 4 * i);
    return f.emit(
      threadRange(word(0), thread, threads, 1, piece, to),
      set(bytes, word(4)),
      eachRow(
        piece,
        to,
        set(left, i32.sub(word(1), i32.mul(piece, bytes))),
        call(
          row,
          i32.add(word(2), i32.shl(piece, i32.const(2))),
          i32.add(word(3), i32.mul(piece, bytes)),
          select(bytes, left, i32.ltu(bytes, left)),
        ),
      ),
    );
  },
  args({ inputs: [x], output, attrs }, out) {
    const { piece } = attrs as { piece: number };
    out
      .i32(sizeOf(output.shape))
      .i32(4 * sizeOf(x!.shape))
      .address(output)
      .address(x!)
      .i32(4 * piece);
  },
  work: ({ inputs: [x] }) => sizeOf(x!.shape) / 2,
};

export const OPTIMIZER_KERNELS: readonly WasmKernel[] = [...STEPS.map(optimizerStep), squareSums];
