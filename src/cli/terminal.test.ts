import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeTerminal } from './terminal.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The terminal of a process whose streams are these. */
function terminalOn(stdin: PassThrough) {
  for (const [name, stream] of Object.entries({ stdin, stdout: new PassThrough(), stderr: new PassThrough() }))
    vi.spyOn(process, name as 'stdin', 'get').mockReturnValue(stream as unknown as typeof process.stdin);
  return nodeTerminal();
}

describe('reading standard input', () => {
  it('takes all of it, with characters that come in parts', async () => {
    const stdin = new PassThrough();
    const text = terminalOn(stdin).read(new AbortController().signal);
    for (const byte of new TextEncoder().encode('für\n')) stdin.write(Uint8Array.of(byte));
    stdin.end();
    expect(await text).toBe('für\n');
  });
  it('ends at Ctrl-C, although nobody has closed it', async () => {
    const stdin = new PassThrough();
    const interrupt = new AbortController();
    const text = terminalOn(stdin).read(interrupt.signal);
    stdin.write('half a sent');
    interrupt.abort();
    await expect(text).rejects.toBe(interrupt.signal.reason);
  });
});

describe('colours', () => {
  it('reach terminals only, also when one of the two outputs is a file', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    const stdout = Object.assign(new PassThrough(), { isTTY: true });
    const stderr = new PassThrough();
    for (const [name, stream] of Object.entries({ stdout, stderr }))
      vi.spyOn(process, name as 'stdout', 'get').mockReturnValue(stream as unknown as typeof process.stdout);
    const { paint, write, note } = nodeTerminal();
    for (const print of [write, note]) print(paint.dim('seen'));
    expect([String(stdout.read()), String(stderr.read())]).toEqual(['\x1b[2mseen\x1b[0m', 'seen']);
  });
});
