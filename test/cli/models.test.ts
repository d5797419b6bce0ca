/** `heed models`: each bundled model with a command that there is, in lines that fit a terminal. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { widthOf } from '../../src/cli/layout.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { fakeTerminal } from './fake-terminal.ts';

async function models(...options: string[]): Promise<string> {
  const terminal = fakeTerminal({ env: { HF_HOME: '/nowhere' } });
  expect(await runCli(['models', ...options], terminal, new AbortController().signal)).toBe(0);
  return terminal.out();
}

describe('heed models', () => {
  it('names commands that there are', async () => {
    const { bundled } = JSON.parse(await models('--json')) as { bundled: { name: string; command: string }[] };
    const names = COMMANDS.map(({ name }) => name);
    expect(bundled.filter(({ command }) => !names.includes(command))).toEqual([]);
  });
  it.each(['en', 'de'])('fits 80 columns in %s', async language => {
    const long = (await models('--lang', language)).split('\n').filter(line => widthOf(line) > 80);
    expect(long).toEqual([]);
  });
});
