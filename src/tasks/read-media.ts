/** The bytes of a picture or a recording. */
import { ConfigError } from '../errors.ts';
import { nodeFiles } from '../formats/node-files.ts';

export interface Media {
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly where: string;
}

/**
 * @param input an address is `http(s):`, `data:`, `blob:`, or in Node `file:`; anything else is a path
 * @throws ConfigError for a file that is not there, UnsupportedError for a path outside Node
 */
export async function readMedia(input: Uint8Array | Blob | string, signal?: AbortSignal): Promise<Media> {
  if (input instanceof Uint8Array) return { bytes: input, where: 'the bytes given' };
  if (input instanceof Blob) return { bytes: new Uint8Array(await input.arrayBuffer()), where: 'the Blob given' };
  if (/^(https?|data|blob):/i.test(input)) {
    const response = await fetch(input, { signal: signal ?? null }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new ConfigError('the file cannot be fetched', { where: input.slice(0, 200), cause });
    });
    if (!response.ok)
      throw new ConfigError('the file cannot be fetched', {
        seen: `status ${response.status}`,
        where: input.slice(0, 200),
      });
    return { bytes: new Uint8Array(await response.arrayBuffer()), where: input.slice(0, 200) };
  }
  const { readFile } = await nodeFiles();
  const place = /^file:/i.test(input) && URL.canParse(input) ? new URL(input) : input;
  const bytes = await readFile(place).catch((cause: Error) => {
    throw new ConfigError('there is no such file', { seen: cause.message, where: input, cause });
  });
  return { bytes: new Uint8Array(bytes), where: input };
}
