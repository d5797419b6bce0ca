/** The small models that come with heed, by name: `models/` of the package, trained by heed itself on Kleinwelt. */
/** What each of them is, in the order in which they are shown. */
export const BUNDLED = [
  'kleinwelt-gpt',
  'kleinwelt-bert',
  'kleinwelt-bert-sentiment',
  'kleinwelt-bert-entities',
  'kleinwelt-bert-answers',
  'kleinwelt-bert-sentences',
  'kleinwelt-t5',
  'kleinwelt-diffusion',
  'kleinwelt-edits',
  'kleinwelt-lstm',
] as const;
export type BundledName = (typeof BUNDLED)[number];

/** By a name of its own: bundlers take a `new URL(path, import.meta.url)` for a file that they are to copy. */
const HERE = import.meta.url;

/** Where such a model lies: a folder beside this package's code, or on the server that the code came from. Undefined for other names. */
export function bundledAddress(name: string): string | undefined {
  if (!(BUNDLED as readonly string[]).includes(name)) return undefined;
  const { protocol, href, pathname } = new URL(`../../models/${name}`, HERE);
  return protocol === 'file:' ? decodeURIComponent(pathname).replace(/^\/([A-Za-z]:)/, '$1') : `${href}/`;
}
