/** Completion scripts, run in the shells that are there. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { completionScript, SHELLS } from '../../src/cli/shell-completion.ts';
import { fakeTerminal } from './fake-terminal.ts';

const runs = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'exit 0']);
    return true;
  } catch {
    return false;
  }
};
const there = Object.fromEntries(SHELLS.map(shell => [shell, runs(shell)]));

describe.skipIf(!there.bash)(`bash${there.bash ? '' : ' (is not here)'}`, () => {
  /** What bash offers for the last word of a line. */
  async function offered(...words: string[]): Promise<string[]> {
    const line = `COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`;
    const script = `${await completionScript('bash', COMMANDS)}\n${line}; _heed; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).trim().split('\n');
  }
  it('completes commands', async () => {
    expect(await offered('heed', 'qua')).toEqual(['quantize']);
    expect(await offered('heed', '')).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
    expect(await offered('heed', 'help', 'cha')).toEqual(['chat']);
  });
  it('completes options, long and short, and their values', async () => {
    expect(await offered('heed', 'run', '--temp')).toEqual(['--temperature']);
    expect(await offered('heed', 'chat', '-t')).toEqual(['-t']);
    expect(await offered('heed', 'run', 'x', '--device', '')).toEqual(['wasm', 'reference']);
    expect(await offered('heed', 'run', 'x', '--temperature', '')).toEqual(['']);
    expect(await offered('heed', 'completion', '')).toEqual(expect.arrayContaining([...SHELLS]));
  });
  it('completes models that come with heed, and files', async () => {
    expect(await offered('heed', 'run', 'kleinwelt-ll')).toEqual(['kleinwelt-llama']);
    expect(await offered('heed', 'run', 'package.js')).toEqual(['package.json']);
    expect(await offered('heed', 'chat', 'x', '--load', 'package.js')).toEqual(['package.json']);
    expect(await offered('heed', 'nothing', '')).toEqual(['']);
  });
});

describe.skipIf(!there.zsh)(`zsh${there.zsh ? '' : ' (is not here)'}`, () => {
  it('reads its script', async () => {
    const script = await completionScript('zsh', COMMANDS);
    expect(() => execFileSync('zsh', ['-f', '-n'], { input: script, stdio: 'pipe' })).not.toThrow();
  });
});
describe.skipIf(!there.fish)(`fish${there.fish ? '' : ' (is not here)'}`, () => {
  const offered = async (line: string) =>
    execFileSync('fish', ['--no-config', '-c', `${await completionScript('fish', COMMANDS)}\ncomplete -C '${line}'`], {
      encoding: 'utf8',
    });
  it('completes commands, options and values', async () => {
    expect(await offered('heed qua')).toMatch(/^quantize\t/);
    expect(await offered('heed run --temp')).toMatch(/^--temperature\t/);
    expect(await offered('heed run x --device ')).toMatch(/^reference/);
  });
});

describe('every script', () => {
  it.each(SHELLS)('of %s names every option of every command', async shell => {
    const script = await completionScript(shell, COMMANDS);
    for (const entry of COMMANDS)
      for (const name of Object.keys((await entry.load()).options))
        expect(script).toContain(shell === 'fish' ? `-l ${name} ` : `--${name}`);
  });
  it('is for a shell that there is', async () => {
    const terminal = fakeTerminal();
    expect(await runCli(['completion', 'zhs'], terminal, new AbortController().signal)).toBe(2);
    expect(terminal.err()).toContain('did you mean zsh?');
  });
});
