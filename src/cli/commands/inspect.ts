/** `heed inspect`: what a model folder or a weights file holds, from its headers alone. */
import { stat } from 'node:fs/promises';
import { ConfigError, UnsupportedError } from '../../errors.ts';
import { openCheckpoint } from '../../formats/index.ts';
import { folderFiles, type ModelFiles } from '../../hub/files.ts';
import { hubFiles } from '../../hub/hub-files.ts';
import { isHubId, placeOf } from '../../hub/load.ts';
import { type AdapterFacts, adapterFacts } from '../adapter-facts.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { cut, padEnd, table } from '../layout.ts';
import type { Say } from '../messages.ts';
import {
  type FileFacts,
  fileFacts,
  type MemoryFacts,
  type ModelFacts,
  modelFacts,
  type TokenizerFacts,
} from '../model-facts.ts';
import type { Numbers } from '../numbers.ts';
import { OUTPUT_OPTIONS } from '../options.ts';
import type { ParameterGroup } from '../parameter-tree.ts';
import { bar } from '../probability-table.ts';
import type { Terminal } from '../terminal.ts';
import { quote } from '../token-label.ts';
import { wordingFor } from '../wording.ts';

export const inspect = defineCommand({
  name: 'inspect',
  summary: 'shows what is in a model, without loading its weights.',
  positionals: [
    {
      name: 'PATH',
      help: 'model folder, folder of an adapter, model on the hub (org/name), or a weights file (.safetensors, .gguf, .bin, .pt, .pth, .ckpt)',
    },
  ],
  options: OUTPUT_OPTIONS,
  examples: [
    { line: 'heed inspect kleinwelt-llama', does: 'configuration, parameters, memory, tokens' },
    { line: 'heed inspect models/kleinwelt-bert/model.safetensors', does: 'the tensors of a file' },
    { line: 'heed inspect openai-community/gpt2', does: 'before it is downloaded: only the headers are read' },
    { line: 'heed inspect kleinwelt-llama --json', does: 'for a program' },
  ],
  async run({ values, positionals: [path], terminal, signal }) {
    const context: Context = { terminal, ...wordingFor(values, terminal) };
    const facts = isHubId(path!)
      ? await factsOfFiles(hubFiles(path!, { env: terminal.env, signal, weightsInPlace: true }))
      : await factsOfPath(placeOf(path!));
    if (values.json) terminal.write(`${jsonText(facts)}\n`);
    else terminal.write(`${('type' in facts ? modelPage(facts, context) : filePage(facts, context)).join('\n')}\n`);
  },
});

interface Context {
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
}

const factsOfFiles = async (files: ModelFiles): Promise<AdapterFacts | ModelFacts> =>
  (await adapterFacts(files)) ?? modelFacts(files);
async function factsOfPath(path: string): Promise<AdapterFacts | FileFacts | ModelFacts> {
  const entry = await stat(path).catch((cause: Error) => {
    throw new ConfigError('there is no such file or folder', { seen: cause.message, where: path, cause });
  });
  if (entry.isDirectory()) return factsOfFiles(folderFiles(path));
  if (path.endsWith('.gguf')) {
    // Such a file says what a folder says; of a model that is not known its tensors are shown.
    const facts = await modelFacts(path).catch((error: unknown) => {
      if (error instanceof UnsupportedError) return undefined;
      throw error;
    });
    if (facts) return facts;
  }
  const checkpoint = await openCheckpoint(path);
  try {
    return fileFacts(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function modelPage(facts: ModelFacts, context: Context): string[] {
  const { say, numbers, terminal } = context;
  const { paint } = terminal;
  const kind = facts.head ? paint.dim(say(facts.head)) : paint.yellow(say('notRunnable'));
  return [
    `${paint.bold(facts.type)}  ${numbers.short(facts.parameterCount)} ${say('ofParameters')}  ${kind}`,
    ...section(say('config'), context),
    ...facts.config.map(({ message, field, value }) => row(say(message), shown(value, context), context, field)),
    ...section(say('parameters'), context),
    ...parameterRows(facts.parameters, context),
    ...section(say('memory'), context),
    row(say('onDisk'), numbers.bytes(facts.diskBytes), context, dtypes(facts.parameters)),
    ...(facts.memory ? memoryRows(facts.memory, facts.parameterCount, context) : []),
    ...section(say('tokenizer'), context),
    ...(facts.tokenizer ? tokenizerRows(facts.tokenizer, context) : [`  ${say('none')}`]),
  ];
}

function filePage(facts: AdapterFacts | FileFacts, context: Context): string[] {
  const { say, numbers, terminal } = context;
  const metadata = Object.entries(facts.metadata);
  return [
    `${terminal.paint.bold(facts.format)}  ${numbers.short(facts.parameterCount)} ${say('ofParameters')}  ${numbers.bytes(facts.diskBytes)}`,
    ...('adapter' in facts ? adapterRows(facts.adapter, context) : []),
    ...(metadata.length ? section(say('metadata'), context) : []),
    ...metadata.map(([name, value]) => row(name, cut(quote(value), terminal.columns - WIDTH - 4), context)),
    ...section(say('parameters'), context),
    ...parameterRows(facts.parameters, context),
  ];
}

function adapterRows({ kind, base, task, rank, scale }: AdapterFacts['adapter'], context: Context): string[] {
  const { say } = context;
  return [
    ...section(say('adapter'), context),
    row(say('kind'), kind, context),
    row(say('baseModel'), base ?? say('none'), context),
    ...(task === undefined ? [] : [row(say('task'), task, context)]),
    row(say('adapterRank'), shown(rank, context), context),
    row(say('adapterScale'), shown(scale, context), context),
  ];
}

const WIDTH = 26;
/** Columns of a terminal that has room for bars. */
const WIDE = 100;
const section = (title: string, { terminal }: Context) => ['', terminal.paint.bold(title)];
const row = (name: string, value: string, { terminal }: Context, note = '') =>
  `  ${terminal.paint.dim(padEnd(name, WIDTH))}${note ? `${padEnd(value, 14)}  ${terminal.paint.dim(note)}` : value}`.trimEnd();

function shown(value: number | string | boolean, { say, numbers }: Context): string {
  if (typeof value === 'boolean') return say(value ? 'yes' : 'no');
  if (typeof value === 'string') return value;
  if (Number.isInteger(value)) return numbers.count(value);
  return value < 1e-3 ? value.toExponential() : String(value);
}

const dtypes = (parameters: readonly ParameterGroup[]) =>
  [...new Set(parameters.map(p => p.dtype.toLowerCase()))].join(', ');

function parameterRows(groups: readonly ParameterGroup[], { terminal, say, numbers }: Context): string[] {
  const { paint, columns } = terminal;
  const total = groups.reduce((n, { count }) => n + count, 0);
  const rows = groups.map(({ name, shape, dtype, times, count }) => [
    name,
    `[${shape.join(', ')}]`,
    dtype.toLowerCase(),
    `${times > 1 ? `${times} × ` : ''}${numbers.count(count / times)}`,
    numbers.percent(total ? count / total : 0),
    ...(columns >= WIDE ? [bar(total ? count / total : 0, 12)] : []),
  ]);
  const titles = [say('name'), say('shape'), '', say('number'), say('share')];
  const sum = [say('total'), '', '', numbers.count(total)];
  const right = { align: 'right' } as const;
  const lines = table([titles, ...rows, sum], [{ shrinks: true }, {}, {}, right, right], columns - 2);
  const paints = lines.map((_, i) => (i === 0 ? paint.dim : i === lines.length - 1 ? paint.bold : undefined));
  return lines.map((line, i) => `  ${paints[i]?.(line) ?? line}`);
}

function memoryRows(
  { weightBytes, cacheBytesPerToken, contextLength }: MemoryFacts,
  parameterCount: number,
  context: Context,
): string[] {
  const { say, numbers } = context;
  const plain = weightBytes === 4 * parameterCount;
  const rows = [row(say('weightsInMemory'), numbers.bytes(weightBytes), context, plain ? 'f32' : '')];
  if (cacheBytesPerToken === 0) return rows;
  rows.push(row(say('cachePerToken'), numbers.bytes(cacheBytesPerToken), context, 'f32'));
  if (contextLength === undefined) return rows;
  const full = cacheBytesPerToken * contextLength;
  return [
    ...rows,
    row(say('cacheFull'), numbers.bytes(full), context, `${numbers.count(contextLength)} ${say('tokens')}`),
    row(say('allInAll'), numbers.bytes(weightBytes + full), context),
  ];
}

function tokenizerRows({ kind, vocabSize, special, chatTemplate }: TokenizerFacts, context: Context): string[] {
  const { say, numbers } = context;
  const roles = Object.entries(special).map(([role, { id, token }]) => `${role} ${token ?? ''} (${id})`);
  return [
    row(say('kind'), kind, context),
    row(say('vocabulary'), `${numbers.count(vocabSize)} ${say('tokens')}`, context),
    ...roles.map((text, i) => row(i === 0 ? say('specialTokens') : '', text, context)),
    row(say('chatTemplate'), say(chatTemplate ? 'yes' : 'no'), context),
  ];
}
