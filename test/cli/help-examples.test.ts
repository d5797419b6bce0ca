/**
 * Every example of every command's help runs, as a newcomer would paste it: with the models that come with heed where they are
 * there, else with tiny ones under their names; models of the hub come from one of our own.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRY } from '../../kleinwelt/training/card.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { OVERVIEW_EXAMPLES } from '../../src/cli/help.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { BUNDLED, type BundledName } from '../../src/hub/bundled.ts';
import { type Hub, startHub } from '../hub/hub-server.ts';
import { checkpointFiles } from '../hub/tiny-hub.ts';
import { tinyFiles } from '../tasks/tiny-checkpoints.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { tinyRecording, writeTiny } from './tiny-folders.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What stands in where the models are not there. */
const TINY: Readonly<Record<BundledName, string>> = {
  'kleinwelt-llama': 'gpt',
  'kleinwelt-bert': 'mlm',
  'kleinwelt-bert-sentiment': 'sentiment',
  'kleinwelt-bert-entities': 'ner',
  'kleinwelt-bert-answers': 'qa',
  'kleinwelt-bert-sentences': 'mlm',
  'kleinwelt-marian': 't5',
  'kleinwelt-diffusion': 'mlm',
  'kleinwelt-edits': 'edits',
  'kleinwelt-lstm': 'gpt',
};
/** Examples that follow from others come behind them, and what removes comes last. */
const FIRST = ['pull', 'finetune'];
const LAST = ['rm'];
const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) - 9 : LAST.includes(name) ? 9 : 0);

const isReal = (name: BundledName) => {
  const folder = join(ROOT, 'models', name);
  return existsSync(folder) && readdirSync(folder).some(file => /\.(gguf|safetensors)$/.test(file));
};
const hasEncodings = existsSync(join(ROOT, 'node_modules/gpt-tokenizer'));
/** Why an example cannot run here. */
const problem = (line: string): string | undefined =>
  line.includes('--encoding') && !hasEncodings
    ? 'needs gpt-tokenizer, which is optional'
    : line.includes('--json-schema') && !isReal('kleinwelt-llama')
      ? 'needs a vocabulary of bytes, which the tiny model has not'
      : undefined;

let folder = '';
let hub: Hub;
const home = process.cwd();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heed-examples-'));
  symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
  mkdirSync(join(folder, 'models'));
  for (const name of BUNDLED) {
    const real = join(ROOT, 'models', name);
    const here = join(folder, 'models', name);
    if (isReal(name)) symlinkSync(real, here);
    else {
      writeTiny(here, TINY[name]);
      symlinkSync(here, join(folder, name));
    }
  }
  const files = (name: string) => ({ files: tinyFiles(name) });
  hub = await startHub({
    'openai-community/gpt2': { files: checkpointFiles('gpt2') },
    'org/private': { files: checkpointFiles('gpt2') },
    'facebook/bart-large-mnli': files('nli'),
    'facebook/nllb-200-distilled-600M': files('nllb'),
    'google/vit-base-patch16-224': files('vit'),
    'cross-encoder/ms-marco-MiniLM-L6-v2': files('reranker'),
    'openai/whisper-tiny': files('whisper'),
  });
  writeFileSync(join(folder, 'talk.wav'), tinyRecording());
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Words of a line of a shell, without quotes around them. */
const wordsOf = (line: string) => [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(m => m[1] ?? m[2]!);

/** Runs `VARIABLE=value cat FILE | heed ... < FILE > FILE`, as much of a shell as the examples need. */
async function paste(line: string) {
  const [, source, rest] = /^(?:((?:cat|echo) .*?) \| )?(.*)$/.exec(line) as RegExpExecArray;
  const words = wordsOf(rest!);
  const env: Record<string, string> = { HF_HOME: join(folder, 'hub'), HF_ENDPOINT: hub.endpoint, HEED_NO_HISTORY: '1' };
  while (/^[A-Z_]+=/.test(words[0]!)) {
    const [name, value] = words.shift()!.split('=') as [string, string];
    env[name] = value;
  }
  expect(words.shift()).toBe('heed');
  const after = (sign: string) => {
    const at = words.indexOf(sign);
    return at < 0 ? undefined : words.splice(at, 2)[1];
  };
  const [from, into] = [after('<'), after('>')];
  const [verb, ...given] = wordsOf(source ?? '');
  const file = from ?? (verb === 'cat' ? given[0] : undefined);
  const input = file !== undefined ? readFileSync(file, 'utf8') : verb === 'echo' ? `${given.join(' ')}\n` : undefined;
  // Whether to remove a model.
  const ask = async () => 'y';
  const terminal = fakeTerminal({ env, ask, ...(input !== undefined && { input }) });
  const code = await runCli(words, terminal, new AbortController().signal);
  if (into !== undefined) writeFileSync(into, terminal.out());
  return { code, out: terminal.out(), err: terminal.err() };
}

const all = [...COMMANDS].sort((a, b) => place(a.name) - place(b.name));
for (const entry of all) {
  const { examples } = await entry.load();
  describe(`heed help ${entry.name}`, () => {
    for (const { line } of examples) {
      const reason = problem(line);
      it.skipIf(reason !== undefined)(
        reason === undefined ? line : `${line} (${reason})`,
        async () => {
          const { code, out, err } = await paste(line);
          expect(code, err).toBe(0);
          expect(out + err).not.toBe('');
        },
        300_000,
      );
    }
  });
}
describe('the cards of the bundled models', () => {
  it.each(Object.values(TRY).flat())('%s', async line => {
    const { code, err } = await paste(line);
    expect(code, err).toBe(0);
  });
});
describe('heed --help', () => {
  it.each(OVERVIEW_EXAMPLES)('%s', async line => {
    const { code, err } = await paste(line);
    expect(code, err).toBe(0);
  });
});
