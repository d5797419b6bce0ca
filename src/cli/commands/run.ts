/** `heed run`: continues a text and streams what the model says. */
import { ConfigError } from '../../errors.ts';
import {
  type GeneratedText,
  type GenerateEvent,
  type GenerateTextOptions,
  mergeOptions,
  type TextDoneEvent,
  type TextEvent,
  type TextTokenEvent,
} from '../../generate/index.ts';
import { headOf } from '../../models/forward.ts';
import { defineCommand, grouped, UsageError, type Values } from '../command.ts';
import { CONSTRAINED_RUN_OPTIONS, constrainedRun, constrainedRunProblem } from '../constrained-run.ts';
import { CONTINUATION_OPTIONS, contradiction, generationSettings } from '../generation-options.ts';
import { oneOrAll } from '../json-text.ts';
import { padEnd } from '../layout.ts';
import type { Say } from '../messages.ts';
import type { Numbers } from '../numbers.ts';
import type { OpenModel } from '../open-model.ts';
import { FROM_INPUT, IDS_OPTION } from '../options.ts';
import { createProbabilityTable } from '../probability-table.ts';
import { textOrIds } from '../read-text.ts';
import { TASK_OPTIONS, withModel } from '../task-call.ts';
import type { Terminal } from '../terminal.ts';
import { tokenLabels } from '../token-label.ts';

const OPTIONS = {
  ...CONTINUATION_OPTIONS,
  ...CONSTRAINED_RUN_OPTIONS,
  ...TASK_OPTIONS,
  ...grouped('Output', {
    ...IDS_OPTION,
    'show-probs': {
      kind: 'integer',
      sets: 'topLogprobs',
      value: 'K',
      min: 1,
      alone: 5,
      help: 'a line per token, with the K (5) most probable tokens beside it',
    },
    verbose: { kind: 'flag', help: 'report times and memory on standard error' },
    quiet: { kind: 'flag', short: 'q', help: 'nothing but the text' },
  }),
} as const;
type RunValues = Values<typeof OPTIONS>;

export const run = defineCommand({
  name: 'run',
  summary: 'continues a text with a language model, token by token as they come.',
  positionals: [
    { name: 'MODEL', help: 'folder with config.json and model.safetensors, or a model on the hub: org/name' },
    { name: '[PROMPT]', help: `the text to go on with, which an encoder-decoder answers; ${FROM_INPUT}` },
  ],
  options: OPTIONS,
  examples: [
    { line: 'heed run kleinwelt-llama "Der Hund"', does: 'the most probable continuation' },
    {
      line: 'heed run kleinwelt-llama "Anna sieht" -t 0.8 --top-p 0.95 --seed 1 -n 40',
      does: 'a sampled one that can be repeated',
    },
    { line: 'heed run kleinwelt-llama "Die Katze" -n 3 --show-probs', does: 'what else it could have said' },
    {
      line: 'heed run kleinwelt-llama "Anna wohnt" --adapter ./my-lora:0.5',
      does: 'with half of an adapter that finetune made',
    },
    {
      line: 'heed run kleinwelt-llama "Anna:" -n 60 --json-schema examples/data/person.json',
      does: 'JSON of a given form',
    },
    {
      line: 'cat examples/data/beginnings.txt | heed run kleinwelt-llama -n 20 --stop "\\n" --json',
      does: 'from a program',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    checkTogether(values);
    const call = { name: 'run', source: source!, values, terminal, signal };
    const prompt = await textOrIds(argument, values.ids, { what: 'a prompt', ...call });
    await withModel(call, async ({ open, say, numbers }) => {
      const { draftModel, ...form } = await constrainedRun(values, open, signal);
      try {
        const options = { ...optionsOf(values, signal), ...form };
        const events = generation(open, prompt, options);
        const { numBeams = 1, numReturnSequences = 1 } = mergeOptions(open.model.parts.defaults, options);
        if (values['show-probs'] !== undefined && !values.json && numBeams > 1)
          throw new UsageError(`${NO_PROBABILITIES}: this checkpoint asks for ${numBeams} beams, add --beams 1`, 'run');
        const show = values.json
          ? jsonView
          : values['show-probs'] !== undefined
            ? tableView
            : numBeams > 1 || numReturnSequences > 1
              ? listView
              : streamView;
        const meter = startMeter(open);
        const view = show({ open, prompt, values, terminal, say, numbers });
        try {
          for await (const event of events) {
            if (event.type === 'token') {
              meter.step();
              view.token(event);
            }
            if (event.type !== 'done') continue;
            view.done(event);
            if (values.verbose) terminal.note(report(event, open, meter.kernelMs, say, numbers));
          }
        } catch (error) {
          if (signal.aborted && error === signal.reason) view.interrupted();
          throw error;
        }
      } finally {
        draftModel?.dispose();
      }
    });
  },
});

const severalSequences = (values: RunValues) => (values['num-return-sequences'] ?? 1) > 1 || (values.beams ?? 1) > 1;

const NO_PROBABILITIES = '--show-probs has no meaning in a beam search, which compares whole sequences';
function checkTogether(values: RunValues): void {
  const problem =
    values['show-probs'] !== undefined && severalSequences(values) && !values.json
      ? '--show-probs shows one sequence: leave --beams and --num-return-sequences out, or ask for --json'
      : values['show-probs'] !== undefined && (values.beams ?? 1) > 1
        ? NO_PROBABILITIES
        : (contradiction(values) ?? constrainedRunProblem(values, values.beams ?? 1));
  if (problem) throw new UsageError(problem, 'run');
}

// ---- what is generated
const optionsOf = (values: RunValues, signal: AbortSignal): GenerateTextOptions => ({
  ...generationSettings(OPTIONS, values),
  logprobs: values.json || undefined,
  signal,
});
function generation(
  { model }: OpenModel,
  prompt: string | readonly number[],
  { stopStrings, ...given }: GenerateTextOptions,
) {
  if (model.parts.tokenizer)
    return model.generate(typeof prompt === 'string' ? prompt : [prompt], { ...given, stopStrings });
  if (typeof prompt === 'string' || stopStrings !== undefined)
    throw new ConfigError('this model has no tokenizer, so it reads and writes token ids only', {
      expected: 'tokenizer.json, vocab.json with merges.txt, or tokenizer.model beside the weights',
      fix: 'give the prompt as ids, --ids 5,17,42, without --stop',
    });
  return idsAsText(model.generateIds([prompt], given));
}

/** The events of a model without a tokenizer, its ids as their text. */
async function* idsAsText(events: AsyncIterable<GenerateEvent>): AsyncGenerator<TextEvent, void, undefined> {
  const begun = new Set<number>();
  for await (const event of events) {
    if (event.type === 'token') {
      yield { ...event, text: begun.has(event.sequence) ? ` ${event.id}` : `${event.id}` };
      begun.add(event.sequence);
    } else if (event.type === 'beams') yield { ...event, text: '' };
    else
      yield {
        ...event,
        text: '',
        sequences: event.sequences.map(sequence => ({ ...sequence, text: sequence.ids.join(' ') })),
      };
  }
}

// ---- how it is shown
interface ViewContext {
  readonly open: OpenModel;
  readonly prompt: string | readonly number[];
  readonly values: RunValues;
  readonly terminal: Terminal;
  readonly say: Say;
  readonly numbers: Numbers;
}
interface View {
  token(event: TextTokenEvent): void;
  done(event: TextDoneEvent): void;
  /** Ctrl-C: ends what stands there. */
  interrupted(): void;
}

function streamView({ open, prompt, values, terminal, say }: ViewContext): View {
  let last = '';
  const write = (text: string) => {
    terminal.write(text);
    last = text || last;
  };
  const end = () => {
    if (!last.endsWith('\n')) terminal.write('\n');
  };
  // The continuation of a text reads badly without it, but a program wants the continuation alone.
  const goesOn = !headOf(open.model.parts).encode;
  if (terminal.interactive && !values.quiet && goesOn && typeof prompt === 'string') write(terminal.paint.dim(prompt));
  const done = ({ sequences }: TextDoneEvent) => {
    end();
    // Without a word about it, no text looks like a fault.
    if (terminal.interactiveErrors && !values.quiet && sequences[0]!.text === '')
      terminal.note(`${terminal.paint.dim(say('nothingFollows'))}\n`);
  };
  return { token: event => write(event.text), done, interrupted: end };
}

function listView({ terminal }: ViewContext): View {
  return {
    token() {},
    done({ sequences }) {
      if (sequences.length === 1) terminal.write(`${sequences[0]!.text}\n`);
      else
        terminal.write(
          `${sequences.map(({ text }, i) => `${terminal.paint.bold(`[${i + 1}]`)} ${text}`).join('\n\n')}\n`,
        );
    },
    interrupted() {},
  };
}

function tableView({ open, terminal, say, numbers }: ViewContext): View {
  const rows = createProbabilityTable(terminal, say, numbers, tokenLabels(open.model.parts.tokenizer));
  let text = '';
  const end = () => terminal.write(`\n${text.trimEnd()}\n`);
  terminal.write(rows.header());
  return {
    token(event) {
      text += event.text;
      terminal.write(rows.row(event));
    },
    done: end,
    interrupted: end,
  };
}

function jsonView({ open, terminal }: ViewContext): View {
  const { tokenizer } = open.model.parts;
  const tops: { token: string | undefined; id: number; logprob: number }[][][] = [];
  const texts: string[] = [];
  const write = (entries: readonly unknown[]) => terminal.write(oneOrAll(entries));
  const named = (sequence: Omit<GeneratedText, 'finishReason'> & { finishReason: string }, i: number) => ({
    ...(tokenizer && { text: sequence.text }),
    ids: sequence.ids,
    ...(sequence.logprobs && { logprobs: sequence.logprobs }),
    ...(tops[i] && { top: tops[i] }),
    ...(sequence.score !== undefined && { score: sequence.score }),
    finishReason: sequence.finishReason,
    ...(sequence.stopString !== undefined && { stopString: sequence.stopString }),
  });
  const ids: number[][] = [];
  return {
    token({ sequence, id, text, top }) {
      (ids[sequence] ??= []).push(id);
      texts[sequence] = (texts[sequence] ?? '') + text;
      if (top)
        (tops[sequence] ??= []).push(top.map(({ id, logprob }) => ({ token: tokenizer?.idToToken(id), id, logprob })));
    },
    done: ({ sequences, stats }) => write(sequences.map((sequence, i) => ({ ...named(sequence, i), stats }))),
    interrupted: () =>
      write(ids.map((list, i) => named({ prompt: 0, ids: list, text: texts[i]!, finishReason: 'interrupted' }, i))),
  };
}

// ---- how long it took
/** Adds up the time in kernels of the steps behind the prompt. */
function startMeter({ wasm }: OpenModel) {
  let last: unknown;
  let first = true;
  const meter = {
    kernelMs: 0,
    step() {
      if (!wasm || wasm.lastRun === last) return;
      last = wasm.lastRun;
      if (!first) meter.kernelMs += wasm.lastRun.kernelMs;
      first = false;
    },
  };
  return meter;
}

function report(
  { stats }: TextDoneEvent,
  { loadMs, wasm }: OpenModel,
  kernelMs: number,
  say: Say,
  numbers: Numbers,
): string {
  const { promptTokens, promptMs, newTokens, generationMs } = stats;
  const rate = (tokens: number, ms: number) =>
    `${numbers.digits((1000 * tokens) / Math.max(ms, 1e-3))} ${say('perSecond')}`;
  // The first token comes out of reading the prompt.
  const steps = Math.max(1, newTokens - 1);
  const rows: [string, string][] = [
    [say('loaded'), numbers.duration(loadMs)],
    [say('prompt'), `${promptTokens} ${say('tokens')}, ${numbers.duration(promptMs)}, ${rate(promptTokens, promptMs)}`],
    [
      say('generated'),
      `${newTokens} ${say('tokens')}, ${numbers.duration(generationMs / steps)} ${say('perToken')}, ${rate(steps, generationMs)}`,
    ],
  ];
  if (wasm && kernelMs > 0)
    rows.push([say('kernels'), `${numbers.percent(Math.min(1, kernelMs / generationMs))} ${say('ofTheTime')}`]);
  rows.push([say('peakMemory'), numbers.bytes(process.resourceUsage().maxRSS * 1024)]);
  if (stats.seed !== undefined) rows.push([say('seed'), String(stats.seed)]);
  return `\n${rows.map(([name, value]) => `${padEnd(name, 18)}${value}\n`).join('')}`;
}
