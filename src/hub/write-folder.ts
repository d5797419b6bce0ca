/** Folders that are complete or not there. */
import { ConfigError } from '../errors.ts';
import { nodeFiles } from '../formats/index.ts';

export interface FolderToWrite {
  /** Files whose presence means that something of the kind is there already. */
  readonly holds: (name: string) => boolean;
  /** Without this file the folder is nothing, so it comes last. */
  readonly last: string;
  /** What a folder of the kind is called in messages. */
  readonly what: string;
  /** In the place of what is there. */
  readonly overwrite: boolean;
}

/**
 * Has `fill` write into a folder beside the final place, and puts its files there once all are complete. Of what was there before
 * other files stay. If anything fails before, nothing changes and nothing is left behind. In Node.
 * @returns the names of the new files
 * @throws ConfigError when the folder holds something of the kind and `overwrite` is not set, and what `fill` throws
 */
export async function writeFolder(
  folder: string,
  { holds, last, what, overwrite }: FolderToWrite,
  fill: (stage: string) => Promise<void>,
): Promise<readonly string[]> {
  const { mkdir, rename, rm } = await nodeFiles();
  const before = await namesIn(folder);
  const held = before?.find(holds);
  if (held !== undefined && !overwrite)
    throw new ConfigError(`the folder holds ${what} already`, {
      seen: held,
      fix: 'choose another folder, or save with overwrite: true',
      where: folder,
    });
  const stage = `${folder.replace(/[/\\]+$/, '')}.${crypto.randomUUID()}.incomplete`;
  try {
    await mkdir(stage, { recursive: true });
    await fill(stage);
    const made = (await namesIn(stage)) ?? [];
    if (!before) {
      await rename(stage, folder);
      return made;
    }
    for (const name of made.sort((a, b) => Number(a === last) - Number(b === last)))
      await replace(`${stage}/${name}`, `${folder}/${name}`);
    for (const name of before) if (holds(name) && !made.includes(name)) await rm(`${folder}/${name}`);
    return made;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** A folder does not take the place of another one by itself. */
async function replace(from: string, to: string): Promise<void> {
  const { rename, rm, stat } = await nodeFiles();
  if ((await stat(from)).isDirectory()) await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

/** Names in a folder; undefined when there is none. */
async function namesIn(folder: string): Promise<string[] | undefined> {
  const { readdir } = await nodeFiles();
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
