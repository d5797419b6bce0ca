/** Pictures and recordings as the tensors that models of images and audio read. */
import { readFile } from 'node:fs/promises';
import { ConfigError, UnsupportedError } from '../errors.ts';
import { modelFiles } from '../hub/load.ts';
import { readJson } from '../hub/read-json.ts';
import {
  audioConfig,
  imageConfig,
  logMel,
  preprocessImage,
  readWav,
  resample,
  SAMPLE_RATE,
} from '../preprocess/index.ts';
import { isPnm, readPnm } from '../preprocess/pnm.ts';
import type { Picture } from '../preprocess/resize.ts';
import { Tensor } from '../tensor/index.ts';

/** `[1, 3, height, width]`, as the model folder's preprocessor_config.json says. @throws FormatError, UnsupportedError */
export async function readImage(path: string, modelFolder: string): Promise<Tensor> {
  const config = imageConfig((await settings(modelFolder)) ?? {});
  const { width, height, data } = preprocessImage(await pictureOf(path), config);
  return Tensor.from(data, [1, 3, height, width]);
}

/** `[1, mel bins, frames]` of the beginning of a WAV file. @throws FormatError, UnsupportedError */
export async function readAudio(path: string, modelFolder: string, bins: number, frames: number): Promise<Tensor> {
  const config = audioConfig((await settings(modelFolder)) ?? { feature_size: bins });
  const { samples, sampleRate } = readWav(await bytesOf(path));
  const features = logMel(resample(samples, sampleRate, SAMPLE_RATE), { bins: config.bins, frames });
  return Tensor.from(features, [1, config.bins, frames]);
}

const settings = (folder: string) => readJson(modelFiles(folder), 'preprocessor_config.json');

const bytesOf = async (path: string): Promise<Uint8Array> =>
  new Uint8Array(
    await readFile(path).catch((cause: Error) => {
      throw new ConfigError('there is no such file', { seen: cause.message, where: path, cause });
    }),
  );

/** Compressed pictures are read by the package sharp, which is not installed with heed. */
async function pictureOf(path: string): Promise<Picture> {
  const bytes = await bytesOf(path);
  if (isPnm(bytes)) return readPnm(bytes);
  const name = 'sharp';
  const { default: sharp } = (await import(name).catch((cause: unknown) => {
    throw new UnsupportedError('this picture is compressed, and the package that reads such files is not installed', {
      fix: 'npm install sharp, or convert the picture to .ppm',
      where: path,
      cause,
    });
  })) as { default: (bytes: Uint8Array) => Sharp };
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}
/** The part of sharp that is used. */
interface Sharp {
  removeAlpha(): Sharp;
  toColourspace(name: string): Sharp;
  raw(): Sharp;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number } }>;
}
