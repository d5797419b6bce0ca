/** `heed doctor`: what the machine and its engine can do, and whether every kernel computes what it should. */
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { createWasmBackend } from '../../backends/wasm/index.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { padEnd, table, wrap } from '../layout.ts';
import type { Say } from '../messages.ts';
import type { Numbers } from '../numbers.ts';
import { ENGINE_OPTIONS, OUTPUT_OPTIONS } from '../options.ts';
import { type KernelTest, selfTest } from '../self-test.ts';
import type { Terminal } from '../terminal.ts';
import { VERSION } from '../version.ts';
import { wordingFor } from '../wording.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'shows what this machine can do, and tests each kernel for its numbers and its speed.',
  positionals: [],
  options: {
    threads: ENGINE_OPTIONS.threads,
    'no-revectorize': ENGINE_OPTIONS['no-revectorize'],
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: 'heed doctor', does: 'a few seconds' },
    { line: 'heed doctor --threads 1 --json', does: 'for a report' },
  ],
  async run({ values, terminal, signal }) {
    const start = performance.now();
    const { threads } = values;
    const backend = await createWasmBackend({
      ...(threads !== undefined && { threads }),
      ...(values['no-revectorize'] && { revectorize: false }),
    });
    try {
      const startMs = performance.now() - start;
      const { features } = backend.module;
      const facts: Facts = {
        heed: VERSION,
        node: process.version,
        v8: process.versions.v8,
        platform: `${process.platform} ${process.arch}`,
        processor: cpus()[0]?.model.trim() ?? '',
        cores: availableParallelism(),
        memoryBytes: totalmem(),
        freeBytes: freemem(),
        link: backend.link.kind,
        threads: backend.link.threads,
        relaxedSimd: features.relaxed,
        revectorised: features.revec,
        tile: [features.tile.mr, features.tile.nr],
        limitBytes: backend.memory().limit,
        startMs,
      };
      const tests = await selfTest(backend, signal);
      const ok = tests.every(test => test.ok);
      if (values.json) terminal.write(`${jsonText({ ...facts, tests, ok })}\n`);
      else terminal.write(`${page(facts, tests, { terminal, ...wordingFor(values, terminal) })}\n`);
      return ok ? 0 : 1;
    } finally {
      backend.close();
    }
  },
});

interface Facts {
  readonly heed: string;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  readonly link: string;
  readonly threads: number;
  readonly relaxedSimd: boolean;
  readonly revectorised: boolean;
  readonly tile: readonly [number, number];
  readonly limitBytes: number;
  readonly startMs: number;
}

function page(
  facts: Facts,
  tests: readonly KernelTest[],
  { terminal, say, numbers }: { terminal: Terminal; say: Say; numbers: Numbers },
): string {
  const { paint } = terminal;
  const row = (name: string, value: string) => `  ${paint.dim(padEnd(name, 24))}${value}`;
  const onOff = (on: boolean) => (on ? paint.green(say('on')) : say('off'));
  const right = { align: 'right' } as const;
  const titles = [`    ${say('kernel')}`, say('shape'), say('error'), say('time'), '', ''];
  const rows = tests.map(test => [
    `  ${test.ok ? paint.green('✓') : paint.red('✗')} ${test.kernel}`,
    test.shape,
    test.error === 0 ? '0' : Number.isFinite(test.error) ? test.error.toExponential(0) : 'inf',
    ...(test.failure ? [] : [numbers.duration(test.ms), numbers.digits(test.speed), test.unit]),
  ]);
  const wrong = tests.filter(test => !test.ok).map(test => test.kernel + (test.failure ? ` (${test.failure})` : ''));
  return [
    `${paint.bold(`heed ${facts.heed}`)}  Node ${facts.node}  V8 ${facts.v8}  ${facts.platform}`,
    '',
    paint.bold(say('machine')),
    row(say('processor'), facts.processor),
    row(say('cores'), String(facts.cores)),
    row(say('ram'), `${numbers.bytes(facts.memoryBytes)}, ${numbers.bytes(facts.freeBytes)} ${say('available')}`),
    '',
    paint.bold(say('engine')),
    row(say('backend'), `wasm, ${facts.link}`),
    row(say('threads'), String(facts.threads)),
    row(say('relaxedSimd'), onOff(facts.relaxedSimd)),
    row(say('revectoriser'), onOff(facts.revectorised)),
    row(say('tile'), facts.tile.join(' × ')),
    row(say('memoryLimit'), numbers.bytes(facts.limitBytes)),
    row(say('startTime'), numbers.duration(facts.startMs)),
    '',
    paint.bold(say('selfTest')),
    ...table([titles, ...rows], [{}, {}, right, right, right, {}]).map((line, i) => (i === 0 ? paint.dim(line) : line)),
    '',
    wrong.length === 0
      ? paint.green(say('allRight'))
      : paint.red(wrap(`${say('notRight')}: ${wrong.join('; ')}. ${say('helpWrong')}`, terminal.columns)),
  ].join('\n');
}
