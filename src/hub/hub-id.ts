/**
 * Names of models on a hub: `org/name`, `org/name@revision`, the old ones that have no organisation, and of one weights file
 * among several `org/name/file.gguf`, `org/name@revision/file.gguf`.
 */
import { ConfigError } from '../errors.ts';
import { isWeightsFile } from '../formats/index.ts';
import { quoted } from '../formats/quoted.ts';
import { isPlainFileName } from '../formats/source.ts';

export interface HubId {
  /** `org/name` or `name`. */
  readonly repo: string;
  /** A branch, a tag or a commit; undefined = what the caller or the hub takes for it. */
  readonly revision: string | undefined;
  /** The weights file; undefined = the usual one. */
  readonly weights: string | undefined;
}

const LONGEST_NAME = 96;
const LONGEST_REVISION = 250;
/** Names that end so are files that are not there, not models. */
const FILE_NAME = /\.(json|onnx|git)$/i;

/** What a text names on a hub; undefined when it cannot be such a name. Whether there is such a model is not asked. */
export function parseHubId(text: string): HubId | undefined {
  const cut = text.lastIndexOf('/');
  const last = text.slice(cut + 1);
  // A weights file of one's own, `models/x.gguf`, is no model named so.
  const hasFile = isWeightsFile(last);
  if (hasFile && text.split('/').length < 3) return undefined;
  const [name, weights] = hasFile ? [text.slice(0, cut), last] : [text, undefined];
  const at = name.indexOf('@');
  const [repo, revision] = at < 0 ? [name, undefined] : [name.slice(0, at), name.slice(at + 1)];
  const parts = repo.split('/');
  if (parts.length > 2 || !parts.every(isName) || FILE_NAME.test(repo)) return undefined;
  if (weights !== undefined && !isPlainFileName(weights)) return undefined;
  return revision === undefined || isRevision(revision) ? { repo, revision, weights } : undefined;
}

/** The same. @throws ConfigError when it cannot be such a name */
export function hubId(text: string): HubId {
  const id = parseHubId(text);
  if (id) return id;
  throw new ConfigError('not the name of a model on a hub', {
    seen: quoted(text),
    expected: 'org/name, org/name@revision or org/name/file.gguf',
  });
}

function isName(name: string): boolean {
  return name.length <= LONGEST_NAME && /^\w([\w.-]*\w)?$/.test(name) && !/--|\.\./.test(name);
}

/** Whether a revision can be a path below `refs`: slashes (`refs/pr/1`) separate plain names. */
export function isRevision(revision: string): boolean {
  return revision.length <= LONGEST_REVISION && revision.split('/').every(isPlainFileName);
}

/** Whether a text is the full hash of a commit, whose files never change. */
export const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);
