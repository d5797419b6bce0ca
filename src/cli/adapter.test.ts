import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { runCli } from './run-cli.ts';

const at = (folder: string) => fileURLToPath(new URL(`../../test/golden/data/${folder}`, import.meta.url));
async function heed(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runCli(argv, terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}
const RUN = ['--ids', '5,9,2', '-n', '8', '--greedy', '--json', '--threads', '1'];
const idsOf = (out: string): number[] => JSON.parse(out).ids;

describe('heed run --adapter', () => {
  it('applies adapters, scaled and one on the other', async () => {
    const [base, once] = [await heed('run', at('gpt2'), ...RUN), await heed('run', at('gpt2-lora'), ...RUN)];
    expect([base.code, once.code]).toEqual([0, 0]);
    expect(idsOf(once.out)).not.toEqual(idsOf(base.out));
    const ids = async (...scales: string[]) => {
      const adapters = scales.flatMap(scale => ['--adapter', at('gpt2-lora') + scale]);
      return idsOf((await heed('run', at('gpt2'), ...adapters, ...RUN)).out);
    };
    expect(await ids('')).toEqual(idsOf(once.out));
    expect(await ids(':0')).toEqual(idsOf(base.out));
    expect(await ids(':0.25', ':.75')).toEqual(idsOf(once.out));
  });
  it('says what is not an adapter', async () => {
    const { code, err } = await heed('run', at('gpt2'), '--adapter', at('llama'), ...RUN);
    expect(code).toBe(1);
    expect(err).toMatch(/no adapter.*adapter_config\.json/s);
  });
});

describe('heed inspect', () => {
  it('says what an adapter is', async () => {
    const { code, out } = await heed('inspect', at('gpt2-lora'));
    expect(code).toBe(0);
    for (const line of [
      /Adapter\n/,
      /kind +LoRA\n/,
      /base model +\.\.\/gpt2\n/,
      /task +CAUSAL_LM\n/,
      /rank +4\n/,
      /scale +2\n/,
    ])
      expect(out).toMatch(line);
    const facts = JSON.parse((await heed('inspect', at('gpt2-lora'), '--json')).out);
    expect(facts.adapter).toEqual({ kind: 'LoRA', base: '../gpt2', task: 'CAUSAL_LM', rank: 4, scale: 2 });
    expect(facts.parameterCount).toBe(2 * (4 * (32 + 96) + 4 * (32 + 32) + 4 * (128 + 32)));
  });
});
