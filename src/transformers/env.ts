/** The settings of transformers.js that hold for everything that is loaded, as far as heed has them. */
import { bundledAddress } from '../hub/bundled.ts';
import { inNode } from '../hub/hub-settings.ts';

export interface Env {
  /** Whether models may be fetched from the hub; false = only what is in the cache or on the disk. */
  allowRemoteModels: boolean;
  allowLocalModels: boolean;
  /**
   * A folder below which models are looked for first, by their ids. In a page, where nothing says what there is, an address that is
   * asked only with `allowRemoteModels: false`.
   */
  localModelPath: string | undefined;
  /** Folder of downloaded models. Default: that of the Python tools. */
  cacheDir: string | undefined;
  /** Address of the hub. */
  remoteHost: string | undefined;
  /** Settings of the engine there; read by nothing here. */
  readonly backends: { readonly onnx: { wasm: Record<string, unknown>; webgpu: Record<string, unknown> } };
}

export const env: Env = {
  ...{ allowRemoteModels: true, allowLocalModels: true, localModelPath: undefined },
  ...{ cacheDir: undefined, remoteHost: undefined },
  backends: { onnx: { wasm: {}, webgpu: {} } },
};

/** Where a model of this id is. */
export function placeOfModel(id: string): string {
  const { allowLocalModels, allowRemoteModels, localModelPath } = env;
  if (!allowLocalModels || localModelPath === undefined || bundledAddress(id) !== undefined) return id;
  const place = `${localModelPath.replace(/\/$/, '')}/${id}`;
  const isThere = inNode() && process.getBuiltinModule('node:fs').existsSync(place);
  return isThere || !allowRemoteModels ? place : id;
}

const said = new Set<string>();
/** Says once what a program asks for and does not get. */
export function warn(text: string): void {
  if (!said.has(text)) console.warn(`heed/transformers: ${text}`);
  said.add(text);
}
