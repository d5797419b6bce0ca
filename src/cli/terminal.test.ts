import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeTerminal } from './terminal.ts';

afterEach(() => void vi.restoreAllMocks());

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
