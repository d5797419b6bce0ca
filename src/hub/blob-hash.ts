/** The checksums that are the names of blobs, in Node. Source: git's object format, and the pointers of Git LFS. */
import type { Hash } from 'node:crypto';

/**
 * A hash whose hex digest must be the blob's name: SHA-256 of the bytes of large files, git's SHA-1 of others, which counts the
 * size before them. Undefined for names that are neither, as mirrors may give.
 */
export function blobHash(etag: string, size: number): Hash | undefined {
  const { createHash } = globalThis.process.getBuiltinModule('node:crypto');
  if (/^[0-9a-f]{64}$/.test(etag)) return createHash('sha256');
  if (/^[0-9a-f]{40}$/.test(etag)) return createHash('sha1').update(`blob ${size}\0`);
  return undefined;
}
