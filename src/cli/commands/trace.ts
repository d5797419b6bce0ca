/** `heed trace`: every named intermediate value of a forward pass. */
import type { TypedArray } from '../../tensor/index.ts';
import { defineCommand, UsageError, type Values } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { table } from '../layout.ts';
import { type Matrix, numberLines, patternLines } from '../matrix-view.ts';
import type { Say } from '../messages.ts';
import { element, isVisible } from '../numbers.ts';
import { openModel } from '../open-model.ts';
import { ENGINE_OPTIONS, FROM_INPUT, IDS_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { textOrIds } from '../read-text.ts';
import type { Terminal } from '../terminal.ts';
import { mediaInput, type TraceInput, textInput } from '../trace-input.ts';
import { wordingFor } from '../wording.ts';

const OPTIONS = {
  get: { kind: 'text', short: 'g', value: 'NAME', help: 'print the values of one of them' },
  head: { kind: 'integer', value: 'N', min: 0, help: 'only this attention head' },
  names: { kind: 'flag', help: 'print only the names, one a line' },
  ...IDS_OPTION,
  decoder: { kind: 'text', value: 'TEXT', help: 'what the decoder of an encoder-decoder has written so far' },
  'decoder-ids': { kind: 'ids', value: 'IDS', help: 'the same as token ids' },
  ...ENGINE_OPTIONS,
  ...OUTPUT_OPTIONS,
} as const;

export const trace = defineCommand({
  name: 'trace',
  summary: 'shows every intermediate value of a model for a text: what it is called, its shape, its numbers.',
  positionals: [
    { name: 'MODEL', help: 'folder with config.json and model.safetensors, or a model on the hub: org/name' },
    { name: '[TEXT]', help: `the text to read, or the file of a picture or recording; ${FROM_INPUT}` },
  ],
  options: OPTIONS,
  examples: [
    { line: 'heed trace kleinwelt-llama "Der Hund jagt"', does: 'a line for each value' },
    {
      line: 'heed trace kleinwelt-llama "Der Hund jagt" --get blocks.0.attn.pattern --head 1',
      does: 'who looks at whom',
    },
    {
      line: 'heed trace kleinwelt-llama "Der Hund jagt" --get blocks.1.mlp.act --json',
      does: 'all numbers, for a program',
    },
  ],
  async run({ values, positionals: [folder, argument], terminal, signal }) {
    const { say, numbers } = wordingFor(values, terminal);
    const given = await textOrIds(argument, values.ids, { name: 'trace', what: 'a text', terminal, signal });
    const { model, close } = await openModel(folder!, { engine: values, terminal, say, numbers, signal });
    try {
      const options = { decoder: values['decoder-ids'] ?? values.decoder };
      const text = (model.parts.architecture.modality ?? 'text') === 'text';
      const input = text ? textInput(model, given, options) : await mediaInput(model, folder!, given, options);
      const { inputs } = input;
      const names = values.get === undefined ? model.names(inputs) : [values.get];
      if (values.names) {
        terminal.write(`${names.join('\n')}\n`);
        return;
      }
      const result = await model.run(inputs, { trace: names });
      signal.throwIfAborted();
      const tensors: Traced[] = [];
      for (const name of names) {
        const tensor = result.trace[name]!;
        tensors.push({ name, shape: tensor.shape, data: await tensor.data() });
      }
      const show =
        values.get === undefined ? (values.json ? overviewJson : overviewTable) : values.json ? valuesJson : valuesText;
      terminal.write(`${show(tensors, { input, values, terminal, say })}\n`);
    } finally {
      close();
    }
  },
});

/** A tensor that was computed. */
export interface Traced {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}
interface Context {
  readonly input: TraceInput;
  readonly values: Values<typeof OPTIONS>;
  readonly terminal: Terminal;
  readonly say: Say;
}

/** Mean, standard deviation and range, in two passes, which keep a small spread around a large mean. */
export function summary(data: TypedArray): { mean: number; std: number; min: number; max: number } {
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const x of data) {
    sum += x;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const mean = sum / data.length;
  let squares = 0;
  for (const x of data) squares += (x - mean) ** 2;
  return { mean, std: Math.sqrt(squares / data.length), min, max };
}

// ---- all of them
const FIRST = 4;
/** Columns of a terminal that has room for the first values. */
const WIDE = 110;

function overviewTable(tensors: readonly Traced[], { terminal, say }: Context): string {
  const rows = tensors.map(({ name, shape, data }) => {
    const { mean, std, min, max } = summary(data.filter(isVisible));
    const numbers = [mean, std, min, max].map(x => element(x, 7));
    return [name, `[${shape.join(', ')}]`, ...numbers, first(data, terminal)];
  });
  const titles = [say('name'), say('shape'), say('mean'), say('deviation'), say('least'), say('most')];
  if (terminal.columns >= WIDE) titles.push(say('firstValues'));
  const right = { align: 'right' } as const;
  const lines = table([titles, ...rows], [{}, {}, right, right, right, right, {}]);
  return lines.map((line, i) => (i === 0 ? terminal.paint.bold(line) : line)).join('\n');
}

const first = (data: TypedArray, { columns }: Terminal) => {
  const values = [...data.subarray(0, columns >= WIDE ? FIRST : 0)].map(x => element(x, 7));
  return values.join(' ') + (values.length && data.length > values.length ? ' …' : '');
};

function overviewJson(tensors: readonly Traced[], { input }: Context): string {
  return jsonText({
    ids: input.ids,
    tensors: tensors.map(({ name, shape, data }) => ({ name, shape, ...summary(data.filter(isVisible)) })),
  });
}

// ---- one of them
function valuesJson([tensor]: readonly Traced[], { input, values }: Context): string {
  const { name, shape, data } = withHead(tensor!, values.head);
  return JSON.stringify({ name, ids: input.ids, shape, values: nested(data, shape) });
}

/** Arrays in arrays, as JSON has them; -inf and NaN become null there. */
function nested(data: TypedArray, shape: readonly number[]): unknown {
  if (shape.length === 0) return data[0];
  if (shape.length === 1) return [...data];
  const [n, ...rest] = shape;
  const size = rest.reduce((a, b) => a * b, 1);
  return Array.from({ length: n! }, (_, i) => nested(data.subarray(i * size, (i + 1) * size), rest));
}

function withHead(tensor: Traced, head: number | undefined): Traced {
  if (head === undefined) return tensor;
  const { name, shape, data } = tensor;
  if (shape.length !== 4)
    throw new UsageError(`--head: ${name} has no heads, its shape is [${shape.join(', ')}]`, 'trace');
  const [batch, heads, rows, columns] = shape as [number, number, number, number];
  if (head >= heads) throw new UsageError(`--head ${head}: there are ${heads} heads, 0 to ${heads - 1}`, 'trace');
  const size = rows * columns;
  return { name, shape: [batch, rows, columns], data: data.slice(head * size, (head + 1) * size) };
}

function valuesText([whole]: readonly Traced[], context: Context): string {
  const { values, terminal, say, input } = context;
  const { paint, columns: width } = terminal;
  const tensor = withHead(whole!, values.head);
  const { name, shape, data } = tensor;
  const labels = input.labels(name);
  const isPattern = name.endsWith('.pattern') || name === 'pattern';
  const lines = [`${paint.bold(name)}  ${paint.dim(`[${whole!.shape.join(', ')}]`)}`];
  const matrices = matricesOf(tensor);
  let note: string | undefined;
  matrices.forEach((matrix, i) => {
    const head = values.head ?? (shape.length === 4 ? i % shape[1]! : undefined);
    lines.push('');
    if (head !== undefined) lines.push(paint.bold(`${say('head')} ${head}`));
    if (isPattern) {
      const view = patternLines(matrix, labels, width, paint);
      lines.push(...view.lines);
      note = say(view.asNumbers ? 'percentOfAttention' : 'shadesOfAttention');
    } else {
      // Rows are tokens wherever there are as many of them.
      const view = numberLines(matrix, matrix.rows === labels.rows.length ? labels.rows : [], width, paint);
      lines.push(...view.lines);
      if (!view.complete) note = say('moreColumns');
    }
  });
  if (data.length === 0) lines.push('', '[]');
  if (note) lines.push('', paint.dim(note));
  return lines.join('\n');
}

/** The last two axes as matrices, one for each index of the others. */
function matricesOf({ shape, data }: Traced): Matrix[] {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.at(-2) ?? 1;
  const size = rows * columns;
  if (size === 0) return [];
  return Array.from({ length: data.length / size }, (_, i) => ({
    data: data.subarray(i * size, (i + 1) * size),
    rows,
    columns,
  }));
}
