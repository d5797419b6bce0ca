/**
 * Which files a commit has: as the hub says it, and as it is kept beside them, for when the hub is not asked.
 * Source: huggingface/huggingface_hub, hf_api.py and _tree_cache.py.
 */
import { CheckpointError, FormatError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { isPlainFileName } from '../formats/source.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import { isCommit } from './hub-id.ts';

/** A file of a commit. */
export interface HubFile {
  /** Path in the repository, plain names between slashes. */
  readonly path: string;
  /** SHA-256 of a large file, else the SHA-1 that git gives its blob, in hex; mirrors may have others. */
  readonly etag: string;
  /** In bytes. */
  readonly size: number;
}
export interface HubListing {
  readonly commit: string;
  /** By path; undefined where the hub tells only the names. */
  readonly files: ReadonlyMap<string, HubFile | undefined>;
}

/** A file whose facts can be names in a folder; undefined when they are not known or cannot. */
export function fileOf(path: string, etag: unknown, size: unknown): HubFile | undefined {
  if (typeof etag !== 'string' || !/^\w[\w-]{0,127}$/.test(etag)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { path, etag, size };
}

/** The hub's own listing. @throws FormatError when it is none, CheckpointError for a name that leads out of the model */
export function parseListing(bytes: Uint8Array, where: string): HubListing {
  const wrong = (seen: string, cause?: unknown) =>
    new FormatError('this is not how a hub lists a model', {
      seen,
      expected: '{ sha, siblings: [{ rfilename }] }',
      fix: 'check HF_ENDPOINT',
      where,
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(decodeUtf8(bytes, where));
  } catch (cause) {
    throw wrong(`no JSON: ${(cause as Error).message}`, cause);
  }
  const { sha, siblings } = asRecord(json);
  if (typeof sha !== 'string' || !isCommit(sha)) throw wrong(`sha ${quoted(String(sha))}`);
  if (!Array.isArray(siblings)) throw wrong(`siblings ${typeof siblings}`);
  const files = new Map<string, HubFile | undefined>();
  for (const entry of siblings) {
    const { rfilename: path, size, blobId, lfs } = asRecord(entry);
    if (typeof path !== 'string') throw wrong(`a file named ${typeof path}`);
    checkPath(path, where);
    const large = asRecord(lfs);
    files.set(path, lfs ? fileOf(path, large.sha256, large.size) : fileOf(path, blobId, size));
  }
  return { commit: sha, files };
}

const asRecord = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

const isPath = (path: string) => path.split('/').every(isPlainFileName);

/** Throws CheckpointError for a path that is not plain names between slashes. */
export function checkPath(path: string, where: string): void {
  if (isPath(path)) return;
  throw new CheckpointError('file name leaves the model', {
    seen: quoted(path),
    expected: 'plain names between slashes',
    where,
  });
}

/** A listing to keep, in the reference's form; heed's own files have other names, as it does not know all that stands there. */
export function encodeListing({ files }: HubListing): Uint8Array {
  const entries = [...files].map(([path, file]) => {
    if (!file) return [path, {}];
    const { etag, size } = file;
    return [path, etag.length === 64 ? { size, lfs_sha256: etag, lfs_size: size } : { size, blob_id: etag }];
  });
  return new TextEncoder().encode(JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) }));
}

/** A kept listing; undefined when it is none, of another version, or damaged: the hub can be asked again. */
export function decodeListing(text: string, commit: string): HubListing | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { format_version: version, files } = asRecord(json);
  const entries = Object.entries(asRecord(files));
  if (version !== 1 || entries.length === 0 || !entries.every(([path]) => isPath(path))) return undefined;
  return {
    commit,
    files: new Map(
      entries.map(([path, entry]) => {
        const { size, blob_id: blob, lfs_sha256: sha256 = null, lfs_size: large } = asRecord(entry);
        return [path, sha256 === null ? fileOf(path, blob, size) : fileOf(path, sha256, large)];
      }),
    ),
  };
}
