/** The small models that come with heed, by name: `models/` of the package, trained by heed itself on Kleinwelt. */

/** What each of them is in its folder: the folder itself, or a file in it. In the order in which they are shown. */
const PLACES = {
  'kleinwelt-llama': 'model-q8_0.gguf',
  'kleinwelt-bert': '',
  'kleinwelt-bert-sentiment': '',
  'kleinwelt-bert-entities': '',
  'kleinwelt-bert-answers': '',
  'kleinwelt-bert-sentences': '',
  'kleinwelt-marian': '',
  'kleinwelt-diffusion': 'model-q8_0.gguf',
  'kleinwelt-edits': '',
  'kleinwelt-lstm': '',
} as const;
export type BundledName = keyof typeof PLACES;
export const BUNDLED = Object.keys(PLACES) as readonly BundledName[];

/** Below `models/`: `kleinwelt-bert`, `kleinwelt-llama/model-q8_0.gguf`. */
export const bundledPath = (name: BundledName): string => (PLACES[name] === '' ? name : `${name}/${PLACES[name]}`);

/** Where such a model lies: beside this package's code, on the disk or on the server that the code came from. Undefined for other names. */
export function bundledAddress(name: string): string | undefined {
  if (!Object.hasOwn(PLACES, name)) return undefined;
  const path = bundledPath(name as BundledName);
  const { protocol, href, pathname } = new URL(`../../models/${path}`, import.meta.url);
  if (protocol === 'file:') return decodeURIComponent(pathname).replace(/^\/([A-Za-z]:)/, '$1');
  return path === name ? `${href}/` : href;
}
