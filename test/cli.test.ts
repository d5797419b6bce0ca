/** The built program as a person or a script meets it: what it prints where, how it ends, what stops it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const MAIN = at('dist/cli/main.js');
const START = at('dist/cli/start.js');
const MODEL = at('test/golden/data/gpt2');
const MODEL_PATH = 'test/golden/data/gpt2';

/** Greedy ids of the reference implementation, and the prompt that they follow. */
const { prompts, cases } = JSON.parse(readFileSync(`${MODEL}/generation.json`, 'utf8'));
const PROMPT: number[] = prompts.single.input_ids[0];
const GREEDY: number[] = cases.greedy_single.new_tokens[0];
const GREEDY_LOGPROBS: number[] = cases.greedy_single.token_logprobs[0];
const RUN = ['run', MODEL_PATH, '--ids', PROMPT.join(',')];

/** Undefined when the program is there and newer than its sources, else why not. */
function notBuilt(): string | undefined {
  const newest = Math.max(
    ...readdirSync(at('src'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map(name => statSync(at(`src/${name}`)).mtimeMs),
  );
  const isFresh = () => existsSync(MAIN) && statSync(MAIN).mtimeMs >= newest;
  if (isFresh()) return undefined;
  try {
    execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      cwd: at('.'),
    });
  } catch (error) {
    if (!isFresh()) return `npm run build failed: ${String((error as { stdout?: unknown }).stdout).slice(0, 200)}`;
  }
  return isFresh() ? undefined : 'npm run build made no dist/cli/main.js';
}
const reason = notBuilt();

interface Options {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly program?: string;
  /** Called once the program has written something. */
  readonly onOutput?: (child: ChildProcess) => void;
}
interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
function heed(argv: readonly string[], { input = '', env, program = MAIN, onOutput }: Options = {}): Promise<Outcome> {
  const { HEED_DEBUG: _, NO_COLOR: __, ...clean } = process.env;
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: at('.'),
    env: { ...clean, LANG: 'C', LC_ALL: 'C', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', text => (out += text));
  child.stderr.setEncoding('utf8').on('data', text => (err += text));
  if (onOutput) child.stdout.once('data', () => onOutput(child));
  // A program that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, out, err }));
  });
}

describe.skipIf(reason !== undefined)(`heed${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('prints the ids that the reference implementation generates, and nothing else', async () => {
    const { code, out, err } = await heed([...RUN, '-n', '20']);
    expect(out).toBe(`${GREEDY.join(' ')}\n`);
    expect([code, err]).toEqual([0, '']);
  });
  it('gives the same on every engine setting', async () => {
    for (const setting of [
      ['--threads', '0'],
      ['--threads', '1', '--no-revectorize'],
      ['--device', 'reference'],
    ])
      expect((await heed([...RUN, '-n', '20', ...setting])).out, setting.join(' ')).toBe(`${GREEDY.join(' ')}\n`);
  });
  it('prints one JSON object with --json, with log-probabilities and candidates', async () => {
    const { code, out } = await heed([...RUN, '-n', '4', '--json', '--show-probs', '3']);
    const result = JSON.parse(out);
    expect(code).toBe(0);
    expect(result.ids).toEqual(GREEDY.slice(0, 4));
    result.logprobs.forEach((logprob: number, i: number) => {
      expect(logprob).toBeCloseTo(GREEDY_LOGPROBS[i]!, 4);
    });
    expect(
      result.top.map((top: { id: number }[]) => top.map(({ id }) => id)).every((ids: number[]) => ids.length === 3),
    ).toBe(true);
    expect(result.top[0][0].id).toBe(GREEDY[0]);
    expect(result.finishReason).toBe('length');
    expect(result.stats).toMatchObject({ promptTokens: PROMPT.length, newTokens: 4 });
  });
  it('prints an array of JSON objects for several sequences', async () => {
    const { out } = await heed([...RUN, '-n', '20', '--beams', '4', '--num-return-sequences', '4', '--json']);
    const results = JSON.parse(out);
    expect(results.map(({ ids }: { ids: number[] }) => ids)).toEqual(cases.beam4.new_tokens);
    expect(results[0].score).toBeCloseTo(cases.beam4.sequences_scores[0], 4);
  });
  it('repeats a sampled text with its seed, and reports the seed it used', async () => {
    const sampled = ['-n', '12', '-t', '1.5', '--json'];
    const first = JSON.parse((await heed([...RUN, ...sampled])).out);
    const again = JSON.parse((await heed([...RUN, ...sampled, '--seed', String(first.stats.seed)])).out);
    expect(again.ids).toEqual(first.ids);
  });
  it('shows a line per token with --show-probs, and no colours in a pipe', async () => {
    const { out } = await heed([...RUN, '-n', '3', '--show-probs']);
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^token +probability +alternatives$/);
    expect(lines[2]).toMatch(new RegExp(`^#${GREEDY[0]} +${(100 * Math.exp(GREEDY_LOGPROBS[0]!)).toFixed(1)} % +█`));
    expect(out).not.toContain('\x1b');
  });
  it('reports times on standard error with --verbose, in the language of the environment', async () => {
    const { out, err } = await heed([...RUN, '-n', '5', '--verbose'], { env: { LC_ALL: '', LANG: 'de_DE.UTF-8' } });
    expect(out).toBe(`${GREEDY.slice(0, 5).join(' ')}\n`);
    expect(err).toMatch(/^Laden +[\d,]+ m?s$/m);
    expect(err).toMatch(/^Ausgabe +5 Tokens, [\d,]+ ms pro Token, [\d.,]+ Tokens\/s$/m);
    expect(err).toMatch(/^Kernel +[\d,]+ % der Zeit$/m);
    expect(err).toMatch(/^Speicherspitze +[\d,]+ MB$/m);
  });

  it('inspects a folder without reading its weights', async () => {
    const { code, out } = await heed(['inspect', MODEL_PATH]);
    expect(code).toBe(0);
    expect(out).toMatch(/^gpt2 {2}31\.4 K parameters {2}causal language model$/m);
    expect(out).toMatch(/h\.\{0\.\.1\}\.attn\.c_attn\.weight +\[32, 96\] +f32 +2 × 3,072/);
    const facts = JSON.parse((await heed(['inspect', MODEL_PATH, '--json'])).out);
    expect(facts).toMatchObject({ type: 'gpt2', head: 'causalLM', parameterCount: 31360 });
    // 2 layers, keys and values, 32 wide, 4 bytes.
    expect(facts.memory).toEqual({ weightBytes: 4 * 31360, cacheBytesPerToken: 2 * 2 * 32 * 4, contextLength: 64 });
    expect(facts.config).toContainEqual({ message: 'layers', field: 'n_layer', value: 2 });
  });
  it('inspects a file', async () => {
    const facts = JSON.parse((await heed(['inspect', `${MODEL_PATH}/model.safetensors`, '--json'])).out);
    expect(facts).toMatchObject({ format: 'safetensors', parameterCount: 31360, diskBytes: 4 * 31360 });
  });
  it('inspects a GGUF file as the model that it is', async () => {
    const file = 'test/formats/data/gguf/llama-q4_0.gguf';
    const facts = JSON.parse((await heed(['inspect', file, '--json'])).out);
    expect(facts).toMatchObject({ type: 'llama', head: 'causalLM', tokenizer: { vocabSize: 80, chatTemplate: false } });
    expect(facts.config).toContainEqual({ message: 'normEpsilon', field: 'rms_norm_eps', value: 1e-5 });
    expect(facts.parameters).toContainEqual(
      expect.objectContaining({ name: 'model.layers.{0..1}.self_attn.q_proj.weight', dtype: 'Q4_0', times: 2 }),
    );
    expect((await heed(['inspect', file])).out).toMatch(/self_attn\.k_proj\.weight +\[32, 64\] +q4_0 +2 × 2,048/);
  });
  it('traces names, shapes and values', async () => {
    const trace = ['trace', MODEL_PATH, '--ids', PROMPT.join(',')];
    const T = PROMPT.length;
    const names = (await heed([...trace, '--names'])).out.trim().split('\n');
    expect(names).toContain('blocks.1.attn.pattern');
    const { tensors } = JSON.parse((await heed([...trace, '--json'])).out);
    expect(tensors.map(({ name }: { name: string }) => name)).toEqual(names);
    expect(tensors.at(-1)).toMatchObject({ name: 'logits', shape: [1, T, 120] });
    const get = [...trace, '--get', 'blocks.0.attn.pattern', '--head', '2'];
    const { shape, values } = JSON.parse((await heed([...get, '--json'])).out);
    expect(shape).toEqual([1, T, T]);
    values[0].forEach((row: number[], i: number) => {
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(row.slice(i + 1)).toEqual(new Array(T - 1 - i).fill(0));
    });
    expect((await heed(get)).out).toMatch(new RegExp(`^ *#${PROMPT[0]}  +100`, 'm'));
  });
  it('finds every kernel right', async () => {
    const { code, out } = await heed(['doctor', '--json']);
    const { ok, tests, threads } = JSON.parse(out);
    expect(tests.filter((test: { ok: boolean }) => !test.ok)).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    expect(threads).toBeGreaterThan(0);
  });

  it('ends with 1 and a paragraph when something is not there', async () => {
    const { code, out, err } = await heed(['run', 'no/such/folder', 'x']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^heed: there is no such model\n {2}seen: +no\/such\/folder\n/);
    expect(err).not.toContain('    at ');
    const debugged = await heed(['run', 'no/such/folder', 'x'], { env: { HEED_DEBUG: '1' } });
    expect(debugged.err).toContain('    at ');
  });
  it('says how to go on without a tokenizer', async () => {
    const { code, err } = await heed(['run', MODEL_PATH], { input: 'Hello\n' });
    expect(code).toBe(1);
    expect(err).toContain('has no tokenizer');
    expect(err).toContain('--ids');
  });
  it('names what a name could have been', async () => {
    const { code, err } = await heed(['trace', MODEL_PATH, '--ids', '1', '--get', 'blocks.9.attn.pattern']);
    expect(code).toBe(1);
    expect(err).toContain('blocks.0.attn.pattern');
  });
  it('ends with 2 for wrong usage', async () => {
    const { code, err } = await heed(['run', MODEL_PATH, '--temprature', '1']);
    expect(code).toBe(2);
    expect(err).toContain('did you mean --temperature?');
  });

  const endless = [...RUN, '-n', '1000000', '--overflow', 'slide'];
  it('stops at Ctrl-C with what it has, exit code 130', async () => {
    const { code, out, err } = await heed(endless, { onOutput: child => child.kill('SIGINT') });
    expect(code).toBe(130);
    expect(out).toMatch(/^\d+( \d+)*\n$/);
    const ids = out.trim().split(' ').map(Number).slice(0, GREEDY.length);
    expect(ids).toEqual(GREEDY.slice(0, ids.length));
    expect(err).toBe('');
  });
  it('names the options of the command when the generation refuses them', async () => {
    const { code, err } = await heed([...RUN, '--top-p', '3']);
    expect(code).toBe(1);
    expect(err).toContain('--top-p 3 is not a number from 0 to 1');
    const full = (await heed([...RUN, '-n', '1000'])).err.replace(/\s+/g, ' ');
    expect(full).toContain('choose --overflow truncate or --overflow slide');
  });
  it.skipIf(!existsSync('/dev/full'))('says that a disk is full (needs /dev/full)', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, ...RUN, '-n', '3'], { cwd: at('.'), stdio: ['ignore', full, 'pipe'] });
    let err = '';
    child.stderr!.setEncoding('utf8').on('data', text => (err += text));
    const code = await new Promise(resolve => child.on('close', resolve));
    closeSync(full);
    expect(err).toMatch(/^heed: write failed: ENOSPC: [^\n]+\n$/);
    expect(code).toBe(1);
  });
  it('ends quietly when nobody reads on', async () => {
    const { code, err } = await heed(endless, { onOutput: child => child.stdout!.destroy() });
    expect([code, err]).toEqual([0, '']);
  });
});

describe.skipIf(reason !== undefined)(`npm start${reason ? ` (skipped: ${reason})` : ''}`, () => {
  it('shows what the bundled models do', async () => {
    const { code, out, err } = await heed([], { program: START });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Anna hat einen roten Ball.');
    expect(out.match(/^" ?.+" +[\d.]+ % /gm)!.length).toBeGreaterThan(5);
    expect(out).toContain('→ The dog chases the cat.');
    expect(out).toMatch(/^negative +[\d.]+ %/m);
    expect(out).toMatch(/░░.*\.$/m);
    expect(out.match(/^ +\d\.\d( +[\d·]+){8}$/gm)).toHaveLength(16);
    expect(out).toContain('npm start -- FOLDER');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
  it('runs the folder it is given', async () => {
    const { out, err } = await heed([MODEL_PATH, '--ids', PROMPT.join(','), '-n', '5'], { program: START });
    expect(out).toBe(`${GREEDY.slice(0, 5).join(' ')}\n`);
    expect(err).toMatch(/^load /m);
  });
});
