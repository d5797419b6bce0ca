/** `heed quantize`: writes a model as a GGUF file in a smaller type, and says what that costs. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../errors.ts';
import { GGUF_WEIGHTS, type GgufWeights } from '../../formats/index.ts';
import { type QuantizedTensor, type QuantizeReport, quantizeModel } from '../../hub/quantize-model.ts';
import { defineCommand, UsageError, type Values } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { table, wrap } from '../layout.ts';
import type { Say } from '../messages.ts';
import type { Numbers } from '../numbers.ts';
import { openModel } from '../open-model.ts';
import { CACHE_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import { type Perplexity, perplexityOf } from '../perplexity.ts';
import type { Terminal } from '../terminal.ts';
import { createTransferBar } from '../transfer-bar.ts';
import { wordingFor } from '../wording.ts';

const TYPES = Object.keys(GGUF_WEIGHTS) as GgufWeights[];

export const quantize = defineCommand({
  name: 'quantize',
  summary: 'writes a model as a GGUF file with smaller weights, and shows what rounding does to each.',
  positionals: [
    {
      name: 'SOURCE',
      help: 'model folder (safetensors or PyTorch weights), a .gguf file, or a model on the hub, org/name',
    },
    { name: 'TARGET', help: 'the file to write, FILE.gguf' },
  ],
  options: {
    type: { kind: 'text', value: 'TYPE', choices: TYPES, help: `what the weights become: ${TYPES.join(', ')}` },
    text: { kind: 'text', value: 'FILE', help: 'a text file: its perplexity before and after' },
    force: { kind: 'flag', help: 'in the place of a file that is there' },
    ...CACHE_OPTION,
    ...ENGINE_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: 'heed quantize kleinwelt-llama kleinwelt-q8_0.gguf --type q8_0',
      does: 'a quarter of the size, nearly the same numbers',
    },
    {
      line: 'heed quantize kleinwelt-llama kleinwelt-q4_k.gguf --type q4_k --text examples/data/story.txt',
      does: 'with perplexity before and after',
    },
    {
      line: 'heed quantize kleinwelt-q8_0.gguf kleinwelt-q4_0.gguf --type q4_0 --json',
      does: 'from a GGUF file, for a program',
    },
  ],
  async run({ values, positionals: [source, target], terminal, signal }) {
    const type = values.type as GgufWeights | undefined;
    if (!type) throw new UsageError(`--type is missing: one of ${TYPES.join(', ')}`, 'quantize');
    const context: Context = { terminal, ...wordingFor(values, terminal), signal };
    // The library names its own option, people type another.
    if (!values.force && existsSync(target!))
      throw new ConfigError('there is such a file already', { fix: 'choose another name, or --force', where: target });
    const text = values.text === undefined ? undefined : await textOf(values.text);
    const foretold = async (model: string) =>
      text === undefined ? undefined : perplexityIn(model, text, values, context);
    // First, so that a text that cannot be measured is told before the work is done.
    const before = await foretold(source!);
    const bar = createTransferBar(terminal, context.say, context.numbers);
    const report = await quantizeModel(source!, target!, {
      ...{ type, overwrite: values.force, signal },
      ...{ cacheDir: values['cache-dir'], env: terminal.env },
      onProgress: ({ tensor, writtenBytes, totalBytes }) => bar.show(tensor, writtenBytes, totalBytes),
    }).finally(bar.clear);
    const after = await foretold(target!);
    const perplexity = before && after && { before, after };
    if (values.json) terminal.write(`${jsonText({ target, type, ...report, perplexity })}\n`);
    else terminal.write(`${page(report, perplexity, context).join('\n')}\n`);
  },
});

interface Context {
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
  readonly signal: AbortSignal;
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new ConfigError('the text cannot be read', { seen: cause.message, where: path, cause });
  });
}

async function perplexityIn(
  source: string,
  text: string,
  engine: Values<typeof ENGINE_OPTIONS>,
  { terminal, say, numbers, signal }: Context,
): Promise<Perplexity> {
  const { model, close } = await openModel(source, { engine, terminal, say, numbers, signal });
  try {
    return await perplexityOf(model, text, signal);
  } finally {
    close();
  }
}

interface Change {
  readonly before: Perplexity;
  readonly after: Perplexity;
}

function page(report: QuantizeReport, perplexity: Change | undefined, context: Context) {
  const { say, numbers, terminal } = context;
  const { paint, columns } = terminal;
  const { tensors, bytesBefore, bytesAfter, leftOut, differentlyCut } = report;
  const note = (text: string) => paint.yellow(wrap(text, columns, '  '));
  const fallback = [...new Set(tensors.filter(tensor => tensor.fallback).map(({ to }) => to.toLowerCase()))];
  return [
    ...tensorRows(tensors, context),
    '',
    `${paint.bold(`${numbers.bytes(bytesBefore)} → ${numbers.bytes(bytesAfter)}`)}  ${numbers.percent(bytesAfter / bytesBefore)}`,
    ...(perplexity ? [`${say('perplexity')} ${perplexityText(perplexity, context)}`] : []),
    ...(fallback.length ? [note(say('fallback').replace('{}', fallback.join(', ')))] : []),
    ...(leftOut.length ? [note(`${say('leftOut')}: ${leftOut.join(', ')}`)] : []),
    ...differentlyCut.slice(0, 1).map(text => note(say('cutOtherwise').replace('{}', JSON.stringify(text)))),
  ];
}

function perplexityText({ before, after }: Change, { say, numbers, terminal }: Context): string {
  const share = after.perplexity / before.perplexity - 1;
  const change = `${share > 0 ? '+' : ''}${numbers.percent(share)}`;
  const figures = `${numbers.digits(before.perplexity, 5)} → ${numbers.digits(after.perplexity, 5)}`;
  return `${terminal.paint.bold(figures)}  ${change}  ${numbers.count(after.tokens)} ${say('tokens')}`;
}

/** Tensors that differ in the number of their layer only share a row, with the largest errors of all. */
function tensorRows(tensors: readonly QuantizedTensor[], { say, numbers, terminal }: Context): string[] {
  const groups = new Map<string, QuantizedTensor[]>();
  for (const tensor of tensors) {
    const name = tensor.name.replace(/\.\d+\./, '.#.');
    const key = JSON.stringify([name, tensor.shape, tensor.from, tensor.to]);
    const group = groups.get(key);
    if (group) group.push(tensor);
    else groups.set(key, [tensor]);
  }
  const rows = [...groups.values()].map(group => {
    const { name, shape, from, to } = group[0]!;
    const worst = (pick: (tensor: QuantizedTensor) => number) => Math.max(...group.map(pick));
    const error = worst(tensor => tensor.relativeRms);
    return [
      group.length > 1 ? name.replace(/\.\d+\./, '.#.') : name,
      `[${shape.join(', ')}]`,
      group.length > 1 ? `${group.length} ×` : '',
      `${from.toLowerCase()} → ${to.toLowerCase()}`,
      error === 0 ? '' : `${numbers.digits(100 * error, 2)} %`,
      error === 0
        ? ''
        : numbers.digits(
            worst(tensor => tensor.max),
            2,
          ),
    ];
  });
  const right = { align: 'right' } as const;
  const titles = [say('name'), say('shape'), '', '', say('relativeError'), say('largestError')];
  const [head, ...lines] = table([titles, ...rows], [{ shrinks: true }, {}, right, {}, right, right], terminal.columns);
  return [terminal.paint.dim(head!), ...lines];
}
