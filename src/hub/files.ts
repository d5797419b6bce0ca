/** Where the files of a model lie: a folder (in Node), memory, the web. Names are plain, so none leads out of the place. */
import { ConfigError, UnsupportedError } from '../errors.ts';
import {
  blobSource,
  bytesSource,
  checkFileName,
  fileIfThere,
  isWeightsFile,
  type ModelFiles,
  nodeFiles,
  splitPath,
} from '../formats/index.ts';

export type { ModelFiles } from '../formats/index.ts';
export { type DownloadProgress, type HubFiles, type HubFilesOptions, hubFiles } from './hub-files.ts';
export { type UrlFilesOptions, urlFiles } from './url-files.ts';

/**
 * The files in a folder, in Node; or beside a weights file (or an index of such files), which then holds the weights.
 * `open` throws ConfigError when there is nothing at the path, UnsupportedError outside Node.
 */
export function folderFiles(path: string): ModelFiles {
  const [folder, weights] = isWeightsFile(path) ? splitPath(path) : [`${path}/`, undefined];
  return {
    name: path,
    weights,
    async open(file) {
      checkFileName(file, path);
      const source = await fileIfThere(folder + file);
      if (!source) await checkPath(path, weights !== undefined);
      return source;
    },
    async list() {
      return (await nodeFiles()).readdir(folder || '.');
    },
    folder(name) {
      checkFileName(name, path);
      return folderFiles(folder + name);
    },
  };
}

/** Files in memory by name, those in folders as `folder/name`: bytes, or the Files that the reader of a page has chosen. */
export function memoryFiles(files: Readonly<Record<string, Uint8Array | Blob>>, name = 'memory'): ModelFiles {
  return {
    name,
    async open(file) {
      checkFileName(file, name);
      const content = Object.hasOwn(files, file) ? files[file] : undefined;
      if (content === undefined) return undefined;
      const where = `${name}/${file}`;
      if (content instanceof Uint8Array) return bytesSource(content, where);
      if (content instanceof Blob) return blobSource(content, where);
      throw new ConfigError('the content of a file is bytes or a Blob', { seen: typeof content, where });
    },
    async list() {
      return Object.keys(files).filter(file => !file.includes('/'));
    },
    folder(folder) {
      checkFileName(folder, name);
      const inside = Object.entries(files).filter(([file]) => file.startsWith(`${folder}/`));
      const plain = inside.map(([file, content]) => [file.slice(folder.length + 1), content] as const);
      return memoryFiles(Object.fromEntries(plain), `${name}/${folder}`);
    },
  };
}

/** Says what is wrong with a path that gives no files, if anything is. */
async function checkPath(path: string, isFile: boolean): Promise<void> {
  const { stat } = await nodeFiles();
  const facts = await stat(path).catch((cause: unknown) => {
    throw new ConfigError('there is no such model', {
      seen: path,
      expected: 'an existing folder or weights file, an http(s) URL, or the name of a model on the hub, org/name',
      cause,
    });
  });
  if (isFile || facts.isDirectory()) return;
  throw new UnsupportedError('the file is no model that can be loaded', {
    seen: path,
    expected: 'a folder with config.json and weights, or a .safetensors or PyTorch file with config.json beside it',
  });
}
