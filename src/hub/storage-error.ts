/** What the file system's refusals mean for the folder of downloaded models. */
import { BackendError, ConfigError, HeedError } from '../errors.ts';

const OTHER_PLACE = 'set HF_HUB_CACHE or cacheDir to another folder';

/** Runs a step that writes below the cache. @throws BackendError for a full disk, ConfigError where heed may not write */
export async function storing<T>(path: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw storageError(path, error);
  }
}

function storageError(path: string, error: unknown): unknown {
  if (error instanceof HeedError || !(error instanceof Error) || !('code' in error)) return error;
  const facts = { seen: error.message, where: path, cause: error };
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BackendError('the disk is full', { ...facts, fix: `make room (heed ls, heed rm), or ${OTHER_PLACE}` });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ConfigError('heed may not write into the folder of downloaded models', {
        ...facts,
        fix: `give it the right to, or ${OTHER_PLACE}`,
      });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
    case 'ELOOP':
      return new ConfigError('something else stands where downloaded models are kept', {
        ...facts,
        fix: `remove it, or ${OTHER_PLACE}`,
      });
    default:
      return new BackendError('a downloaded file cannot be kept', { ...facts, fix: OTHER_PLACE });
  }
}
