/** `heed eval`: what a model gets right, with intervals, on tasks, texts, pairs of sentences and tests of bias. */
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { ConfigError } from '../../errors.ts';
import {
  compareReports,
  evaluate,
  type Report,
  type ReportComparison,
  readReport,
  reportJson,
  reportMarkdown,
  reportPage,
} from '../../evaluate/index.ts';
import { createReportWording } from '../../evaluate/report/wording.ts';
import { defineCommand, grouped, UsageError, type Values } from '../command.ts';
import { biasTask, checkFile, pairsTask, readTasks, textOf, textTask } from '../evaluation-data.ts';
import { createEvaluationProgress, evaluationLines } from '../evaluation-view.ts';
import { createMessages, languageOf } from '../messages.ts';
import { createNumbers } from '../numbers.ts';
import { type OpenModel, openModel } from '../open-model.ts';
import { ADAPTER_OPTION, ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { VERSION } from '../version.ts';

const OPTIONS = {
  ...grouped('What', {
    tasks: {
      kind: 'list',
      value: 'FILE',
      help: 'task files in the form of lm-evaluation-harness; several with commas',
    },
    'data-dir': { kind: 'text', value: 'DIR', help: 'where their data are (default: beside each task file)' },
    perplexity: { kind: 'list', value: 'FILE', help: 'how well the model foretells a text' },
    'minimal-pairs': { kind: 'list', value: 'FILE', help: 'pairs of sentences in the form of BLiMP (.jsonl)' },
    bias: { kind: 'list', value: 'FILE', help: 'CrowS-Pairs (.csv), StereoSet or WEAT (.json, .jsonl)' },
    compare: {
      kind: 'text',
      value: 'OTHER',
      help: 'another model, or its report (.json): which is better, and is it chance',
    },
  }),
  ...grouped('How', {
    limit: { kind: 'integer', value: 'N', min: 1, help: 'most items of each task (default: all)' },
    'few-shot': {
      kind: 'integer',
      value: 'N',
      min: 0,
      help: 'examples before each item (default: what the task says)',
    },
    'batch-size': { kind: 'integer', value: 'N', min: 1, help: 'rows that the network reads at once (default 16)' },
    bootstrap: { kind: 'integer', value: 'N', min: 1, help: 'samples for the intervals (default 1000)' },
    seed: { kind: 'integer', value: 'N', help: 'of examples, sampling and intervals (default 0)' },
  }),
  ...ADAPTER_OPTION,
  ...ENGINE_OPTIONS,
  ...OUTPUT_OPTIONS,
  ...grouped('Output', {
    out: {
      kind: 'list',
      short: 'o',
      value: 'FILE',
      help: 'write the report: a page (.html), .md, or .json; may be given several times',
    },
  }),
} as const;
type EvalValues = Values<typeof OPTIONS>;

export const evalCommand = defineCommand({
  name: 'eval',
  summary: 'measures what a model gets right, with intervals, and whether another one is better.',
  positionals: [
    { name: 'MODEL', help: 'folder with config.json and model.safetensors, or a model on the hub: org/name' },
  ],
  options: OPTIONS,
  examples: [
    {
      line: 'heed eval kleinwelt-llama --perplexity examples/data/story.txt',
      does: 'perplexity per token, word and byte',
    },
    { line: 'heed eval kleinwelt-llama --minimal-pairs examples/data/pairs.jsonl', does: 'grammar, by phenomenon' },
    {
      line: 'heed eval kleinwelt-llama --tasks examples/data/animals.yaml -o report.html',
      does: 'a task, with a page of all items',
    },
    {
      line: 'heed eval kleinwelt-bert --bias examples/data/crows_pairs.csv',
      does: 'which sentence of a pair it prefers',
    },
    {
      line: 'heed eval kleinwelt-llama --minimal-pairs examples/data/pairs.jsonl --compare kleinwelt-lstm',
      does: 'two models on the same items',
    },
  ],
  async run({ values, positionals: [source], terminal, signal }) {
    const writers = values.out.map(writerFor);
    if ([values.tasks, values.perplexity, values['minimal-pairs'], values.bias].every(list => list.length === 0))
      throw new UsageError('nothing to ask: give --tasks, --perplexity, --minimal-pairs or --bias', 'eval');
    const language = values.lang ?? languageOf(terminal.env);
    const before = values.compare && extname(values.compare) === '.json' ? await readOther(values.compare) : undefined;
    const report = await evaluated(source!, values, terminal, signal);
    const other =
      before ?? (values.compare && (await evaluated(values.compare, { ...values, adapter: [] }, terminal, signal)));
    const comparison = other ? compareReports(report, other) : undefined;
    for (const write of writers) await write(report, comparison, language);
    if (values.json) {
      terminal.write(comparison ? `${JSON.stringify({ report, comparison }, undefined, 1)}\n` : reportJson(report));
      return;
    }
    terminal.write(`${evaluationLines(report, comparison, { terminal, language }).join('\n')}\n`);
    for (const file of values.out) terminal.note(`→ ${file}\n`);
  },
});

type Writer = (report: Report, comparison: ReportComparison | undefined, language: 'en' | 'de') => Promise<void>;
/** @throws UsageError for a file that no report is written to */
function writerFor(file: string): Writer {
  const forms: Readonly<Record<string, (...args: Parameters<Writer>) => string>> = {
    '.html': (report, comparison, language) => reportPage(report, { comparison, language }),
    '.md': (report, comparison, language) => reportMarkdown(report, { comparison, language }),
    '.json': reportJson,
  };
  const form = forms[extname(file).toLowerCase()];
  if (!form) throw new UsageError(`--out writes .html, .md or .json, not ${file}`, 'eval');
  return async (...args) => {
    await writeFile(file, form(...args)).catch(cause => {
      throw new ConfigError('the report cannot be written', { seen: String(cause), where: file, cause });
    });
  };
}

const readOther = async (file: string): Promise<Report> => readReport(await textOf(file, 'report'), file);

/** Opens a model, asks it, and closes it. */
async function evaluated(source: string, values: EvalValues, terminal: Terminal, signal: AbortSignal): Promise<Report> {
  const language = values.lang ?? languageOf(terminal.env);
  const wording = createReportWording(language);
  const [say, numbers] = [createMessages(language), createNumbers(language)];
  // Files come first: a mistake in one shows before a large model is loaded.
  for (const file of [...values.perplexity, ...values['minimal-pairs'], ...values.bias]) await checkFile(file, 'file');
  const files = await readTasks(
    values.tasks.flatMap(list => list.split(',')),
    values['data-dir'],
  );
  const fixed = [...values['minimal-pairs'].map(pairsTask), ...(await Promise.all(values.bias.map(biasTask)))];
  const open = await openModel(source, { engine: values, terminal, say, numbers, signal, adapters: values.adapter });
  const progress = createEvaluationProgress(terminal, wording);
  try {
    const masked = /maskedLM/i.test(open.model.parts.head);
    const texts = values.perplexity.map(file => textTask(file, masked));
    return await evaluate(open.model, [...files.tasks, ...texts, ...fixed], {
      ...{ groups: files.groups, signal, limit: values.limit, fewShot: values['few-shot'], seed: values.seed },
      ...{ batchSize: values['batch-size'], bootstrap: values.bootstrap },
      onProgress: where => progress.show(where, values.limit),
      model: { name: [source, ...values.adapter].join(' + '), facts: factsOf(open) },
      versions: { heed: VERSION, node: process.version },
    });
  } finally {
    progress.clear();
    open.close();
  }
}

function factsOf({ model, backend }: OpenModel): Readonly<Record<string, string | number>> {
  return {
    type: model.parts.type,
    vocabulary: model.vocabSize,
    ...(model.contextLength !== undefined && { context: model.contextLength }),
    backend: backend.name,
  };
}
