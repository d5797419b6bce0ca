/**
 * Recurrent layers, the baseline of the transformer: simple RNN (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997, with
 * the forget gate of Gers et al. 2000), GRU (Cho et al. 2014, with the reset gate behind the product). Parameter names,
 * their layout and the order of the gates are PyTorch's.
 *
 * The input's share of the gates is one product for all steps. What is left is a chain of T short steps, so nodes, work
 * and memory grow with T and no faster.
 */
import { ConfigError, ShapeError } from '../errors.ts';
import { concat, linear, relu, scope, sigmoid, Tensor } from '../tensor/index.ts';
import { type ParamSpec, param } from './params.ts';

/** What happens to the state in one step. */
interface Cell {
  /** Rows of the matrices for each unit of the state. */
  readonly gates: number;
  /** Keeps a memory cell beside what it puts out. */
  readonly memory?: boolean;
  /**
   * The next state, `[B, 1, U]` each, the output first.
   * @param x the input's share of the gates `[B, 1, gates * U]`
   * @param h the state's share of them
   */
  step(x: Tensor, h: Tensor, state: readonly Tensor[]): Tensor[];
}

const CELLS = {
  rnn_tanh: { gates: 1, step: (x, h) => [x.add(h).tanh()] },
  rnn_relu: { gates: 1, step: (x, h) => [relu(x.add(h))] },
  /** r, z, n: h' = (1 - z) n + z h with n = tanh(x_n + r h_n). */
  gru: {
    gates: 3,
    step(x, h, [before]) {
      const [xr, xz, xn] = x.split(3) as [Tensor, Tensor, Tensor];
      const [hr, hz, hn] = h.split(3) as [Tensor, Tensor, Tensor];
      const reset = sigmoid(xr.add(hr));
      const update = sigmoid(xz.add(hz));
      const proposed = xn.add(reset.mul(hn)).tanh();
      return [proposed.add(update.mul(before!.sub(proposed)))];
    },
  },
  /** i, f, g, o: c' = f c + i g, h' = o tanh(c'). */
  lstm: {
    gates: 4,
    memory: true,
    step(x, h, [, before]) {
      const [input, forget, proposed, output] = x.add(h).split(4) as [Tensor, Tensor, Tensor, Tensor];
      const c = sigmoid(forget).mul(before!).add(sigmoid(input).mul(proposed.tanh()));
      return [sigmoid(output).mul(c.tanh()), c];
    },
  },
} satisfies Record<string, Cell>;
export type CellName = keyof typeof CELLS;
export const CELL_NAMES = Object.keys(CELLS) as readonly CellName[];

/** Layers of one kind on top of each other. */
export interface RecurrentShape {
  readonly cell: CellName;
  /** Features of the input. */
  readonly input: number;
  /** Units U. */
  readonly hidden: number;
  readonly layers: number;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Every layer also runs from the end to the start; its outputs come behind the others. */
  readonly bidirectional?: boolean | undefined;
  /** An LSTM's output is projected to this width P before it is used (Sak et al. 2014). Default: it is not, P = U. */
  readonly projection?: number | undefined;
}
/** Tensors by PyTorch's names: `weight_ih_l0`, `bias_hh_l1_reverse`. */
export type RecurrentParams = Readonly<Record<string, Tensor>>;

/** One pass of a layer over the text, in the order in which parameters and states are listed. */
interface Pass {
  readonly layer: number;
  readonly suffix: string;
  readonly reverse: boolean;
}
function passes({ layers, bidirectional }: RecurrentShape): Pass[] {
  return Array.from({ length: layers }, (_, layer) => {
    const forward = { layer, suffix: `l${layer}`, reverse: false };
    return bidirectional ? [forward, { layer, suffix: `l${layer}_reverse`, reverse: true }] : [forward];
  }).flat();
}

/**
 * Declares weight_ih `[gates U, in]`, weight_hh `[gates U, P]`, both biases and an LSTM's weight_hr `[P, U]` of every
 * layer and direction.
 * @throws ConfigError for a projection of another cell than the LSTM
 */
export function Recurrent(shape: RecurrentShape): Record<string, ParamSpec> {
  const { cell, input, hidden, bias = true, projection } = shape;
  if (projection !== undefined && cell !== 'lstm')
    throw new ConfigError('only an LSTM has a projection', { seen: `projection ${projection} of ${cell}` });
  const rows = CELLS[cell].gates * hidden;
  const width = projection ?? hidden;
  const matrix = (out: number, nIn: number) => param([out, nIn], 'normal', { matrix: true });
  const specs: Record<string, ParamSpec> = {};
  for (const { layer, suffix } of passes(shape)) {
    specs[`weight_ih_${suffix}`] = matrix(rows, layer === 0 ? input : outputWidth(shape));
    specs[`weight_hh_${suffix}`] = matrix(rows, width);
    if (bias) for (const name of ['bias_ih', 'bias_hh']) specs[`${name}_${suffix}`] = param([rows], 'zeros');
    if (projection !== undefined) specs[`weight_hr_${suffix}`] = matrix(projection, hidden);
  }
  return specs;
}
/** Features of the output: P, or 2 P of both directions. */
export const outputWidth = ({ hidden, projection, bidirectional }: RecurrentShape): number =>
  (projection ?? hidden) * (bidirectional ? 2 : 1);
/** Widths of the state of each layer, both directions of a layer one after the other: `[P]`, and `[P, U]` of an LSTM. */
export const stateWidths = (shape: RecurrentShape): number[][] =>
  passes(shape).map(() => [
    shape.projection ?? shape.hidden,
    ...((CELLS[shape.cell] as Cell).memory ? [shape.hidden] : []),
  ]);

export interface RecurrentOptions {
  /** State before the first step as `stateWidths` lists it, `[B, width]` each. Default: zero. */
  readonly states?: readonly (readonly Tensor[])[] | undefined;
  /** bool `[B, T]`, false at padding on either side: it leaves the state as it is, and its output is 0. Default: all real. */
  readonly mask?: Tensor | undefined;
}

/**
 * x `[B, T, input]` through all layers: outputs of the last one `[B, T, outputWidth]` and the states after the last step,
 * listed as `stateWidths` does. The backward direction starts at the end of each row's text. Names `blocks.{i}.out`.
 * @throws ShapeError when the mask or a state does not fit
 */
export function recurrent(
  p: RecurrentParams,
  shape: RecurrentShape,
  x: Tensor,
  { states, mask }: RecurrentOptions = {},
): { outputs: Tensor; states: Tensor[][] } {
  const [B, T] = x.shape as [number, number, number];
  if (mask && (mask.rank !== 2 || mask.dim(0) !== B || mask.dim(1) !== T))
    throw new ShapeError('recurrent: mask', { seen: `[${mask.shape}]`, expected: `[${B}, ${T}]` });
  const before = startOf(shape, B, states);
  const real = mask?.reshape(B, T, 1);
  const after: Tensor[][] = [];
  const perLayer = shape.bidirectional ? 2 : 1;
  for (let layer = 0; layer < shape.layers; layer++)
    x = scope(`blocks.${layer}`, () => {
      const directions = passes(shape).slice(layer * perLayer, (layer + 1) * perLayer);
      const outputs = directions.map(pass => {
        const { steps, state } = walk(p, shape.cell, pass, x, before[after.length]!, real);
        after.push(state);
        return concat(steps, 1);
      });
      const joined = concat(outputs, 2);
      return (real ? real.where(joined, 0) : joined).named('out');
    });
  return { outputs: x, states: after.map(state => state.map(s => s.reshape(B, s.dim(2)))) };
}

/** One pass: the output of every step in the order of the text, and the last state, `[B, 1, width]` each. */
function walk(
  p: RecurrentParams,
  cell: CellName,
  { suffix, reverse }: Pass,
  x: Tensor,
  state: Tensor[],
  real: Tensor | undefined,
): { steps: Tensor[]; state: Tensor[] } {
  const T = x.dim(1);
  const [weight, projection] = [p[`weight_hh_${suffix}`]!, p[`weight_hr_${suffix}`]];
  const bias = p[`bias_hh_${suffix}`];
  const inputs = linear(x, p[`weight_ih_${suffix}`]!, p[`bias_ih_${suffix}`]); // [B, T, gates * U]
  const steps = new Array<Tensor>(T);
  for (let i = 0; i < T; i++) {
    const t = reverse ? T - 1 - i : i;
    const next = CELLS[cell].step(inputs.slice(1, t, t + 1), linear(state[0]!, weight, bias), state);
    if (projection) next[0] = linear(next[0]!, projection);
    const here = real?.slice(1, t, t + 1);
    const kept = state;
    state = here ? next.map((s, k) => here.where(s, kept[k]!)) : next;
    steps[t] = state[0]!;
  }
  return { steps, state };
}

/** States before the first step, `[B, 1, width]` each. */
function startOf(shape: RecurrentShape, B: number, given: RecurrentOptions['states']): Tensor[][] {
  const widths = stateWidths(shape);
  if (!given) return widths.map(layer => layer.map(width => Tensor.full([B, 1, width], 0)));
  const seen = given.map(layer => layer.map(s => `[${s.shape}]`).join(' ')).join(', ');
  const expected = widths.map(layer => layer.map(width => `[${B},${width}]`).join(' ')).join(', ');
  if (seen !== expected) throw new ShapeError('recurrent: states', { seen, expected });
  return given.map(layer => layer.map(s => s.reshape(B, 1, s.dim(1))));
}
