/** What keeps the files of a hub: a folder in Node, the browser's cache in a page. */
import type { ByteSource } from '../formats/index.ts';
import type { HubConnection } from './hub-connection.ts';
import type { HubFile, HubListing } from './hub-listing.ts';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that came, or (`there`) were there already; negative when they have to be fetched again. */
  readonly onBytes?: ((bytes: number, there?: boolean) => void) | undefined;
}

/** The files of one model, by commit. A file is either there as a whole or not at all. */
export interface HubCache {
  /** For messages. */
  readonly place: string;
  /** The commit that a revision was when the hub was asked last. */
  commitOf(revision: string): Promise<string | undefined>;
  /** Which files a commit has, if that was kept. */
  listing(commit: string): Promise<HubListing | undefined>;
  /** Keeps what the hub says of a revision. */
  keep(revision: string, listing: HubListing): Promise<void>;
  /** Whether a file is there, and has the size if that is known. */
  has(commit: string, path: string, size?: number): Promise<boolean>;
  open(commit: string, path: string): Promise<ByteSource | undefined>;
  /** Paths of the files that are there. */
  list(commit: string): Promise<readonly string[]>;
  /** Fetches a file and checks it. */
  fetch(connection: HubConnection, commit: string, file: HubFile, options?: FetchOptions): Promise<void>;
}
