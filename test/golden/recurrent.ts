/** Recurrent layers: outputs, final states and every gradient against the reference's own layers. */
import { mapSpec } from '../../src/nn/params.ts';
import { type CellName, Recurrent, type RecurrentShape, recurrent, stateWidths } from '../../src/nn/recurrent.ts';
import { type Backend, concat, dataOfAll, gradient, Tensor } from '../../src/tensor/index.ts';
import { broken, type Check, compareFloats, compareGradient, compareNumber, type Expected } from './compare.ts';
import { type GoldenFiles, readJson, readTensors } from './golden-files.ts';

/** Arguments of the reference's constructor. */
interface Arguments {
  readonly class_: 'RNN' | 'GRU' | 'LSTM';
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bias?: boolean;
  readonly bidirectional?: boolean;
}
const CELLS: Readonly<Record<Arguments['class_'], CellName>> = { RNN: 'rnn_tanh', GRU: 'gru', LSTM: 'lstm' };

/** Checks of every case that `FOLDER/recurrent.json` lists. */
export async function* recurrentChecks(files: GoldenFiles, folder: string, backend: Backend): AsyncGenerator<Check> {
  const cases = (await readJson<Record<string, Arguments>>(files, `${folder}/recurrent.json`)) ?? {};
  for (const [name, args] of Object.entries(cases)) {
    const expected = await readTensors(files, `${folder}/${name}.safetensors`);
    if (expected) yield* caseChecks(name, args, expected, backend);
    else yield broken(name, 'there is no file of this name');
  }
}

async function* caseChecks(
  name: string,
  args: Arguments,
  expected: ReadonlyMap<string, Expected>,
  backend: Backend,
): AsyncGenerator<Check> {
  const shape: RecurrentShape = {
    cell: CELLS[args.class_],
    input: args.input_size,
    hidden: args.hidden_size,
    layers: args.num_layers,
    bias: args.bias,
    bidirectional: args.bidirectional,
  };
  // In the backend's memory, so that the graph runs there.
  const leaves: Tensor[] = [];
  const leaf = (key: string) => {
    leaves.push(onDevice(backend, expected.get(key)!));
    return leaves.at(-1)!;
  };
  const params = mapSpec(Recurrent(shape), key => leaf(`weights/${key}`));
  const given = { x: leaf('x'), h0: leaf('h0'), ...(expected.has('c0') && { c0: leaf('c0') }) };
  const passes = stateWidths(shape).length;
  const starts = [given.h0, ...(given.c0 ? [given.c0] : [])];
  const states = Array.from({ length: passes }, (_, i) =>
    starts.map(s => s.slice(0, i, i + 1).reshape(s.dim(1), s.dim(2))),
  );
  const result = recurrent(params, shape, given.x, { states, mask: maskOf(expected) });
  const last = (k: number) =>
    concat(
      result.states.map(state => state[k]!.reshape(1, ...state[k]!.shape)),
      0,
    );
  const made = new Map([['out', result.outputs], ...starts.map((_, k) => [k === 0 ? 'hn' : 'cn', last(k)] as const)]);
  const loss = [...made]
    .map(([key, tensor]) => tensor.mul(leaf(`grad_of_${key}`)).sumAll())
    .reduce((sum, part) => sum.add(part));
  const wanted = new Map(Object.entries({ ...given, ...params }));
  const gradients = gradient(loss, [...wanted.values()]);

  const [lossData, ...data] = await dataOfAll(loss, ...made.values(), ...gradients);
  for (const tensor of leaves) tensor.dispose();
  yield { name: `${name}/loss`, ...compareNumber(lossData![0]!, expected.get('loss')!.data[0]!) };
  for (const key of made.keys()) yield { name: `${name}/${key}`, ...compareFloats(data.shift()!, expected.get(key)!) };
  for (const part of wanted.keys())
    yield { name: `${name}/gradients`, part, ...compareGradient(data.shift()!, expected.get(`grad/${part}`)!) };
}

/** True for the first `lengths` tokens of each row; undefined when every row is full. */
function maskOf(expected: ReadonlyMap<string, Expected>): Tensor | undefined {
  const lengths = expected.get('lengths');
  if (!lengths) return undefined;
  const [B, T] = expected.get('x')!.shape as [number, number];
  const real = Uint8Array.from({ length: B * T }, (_, i) => (i % T < lengths.data[Math.floor(i / T)]! ? 1 : 0));
  return Tensor.from(real, [B, T], 'bool');
}
/** A leaf in the backend's memory. */
function onDevice(backend: Backend, { shape, data }: Expected): Tensor {
  const values = Float32Array.from(data);
  const buffer = backend.alloc(values.byteLength);
  backend.write(buffer, values);
  return Tensor.fromDevice(buffer, shape);
}
