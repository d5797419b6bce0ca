/**
 * What was typed into chats, kept for the arrow keys: a line each in `heed/chat-history` of the user's state folder
 * (XDG_STATE_HOME, else ~/.local/state). HEED_NO_HISTORY=1 neither reads nor writes it.
 */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface ChatHistory {
  /** The newest last. */
  readonly lines: readonly string[];
  add(text: string): Promise<void>;
}

const MOST_LINES = 1000;

/** A file that cannot be read or written is an empty one: no conversation fails for want of its arrow keys. */
export async function openChatHistory(env: Readonly<Record<string, string | undefined>>): Promise<ChatHistory> {
  if (env.HEED_NO_HISTORY) return { lines: [], add: async () => {} };
  const folder = join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'heed');
  const path = join(folder, 'chat-history');
  const all = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(line => line !== '');
  const lines = all.slice(-MOST_LINES);
  // What people ask is nobody else's business.
  const own = { mode: 0o600 };
  if (all.length > MOST_LINES) await writeFile(path, `${lines.join('\n')}\n`, own).catch(() => {});
  return {
    lines,
    async add(text) {
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => {});
      await appendFile(path, `${text}\n`, own).catch(() => {});
    },
  };
}
