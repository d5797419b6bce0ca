/** Pictures and recordings as the tensors that models of images and audio read. */
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
import { readPicture } from '../tasks/picture-input.ts';
import { readMedia } from '../tasks/read-media.ts';
import { Tensor } from '../tensor/index.ts';

/** `[1, 3, height, width]`, as the model folder's preprocessor_config.json says. @throws FormatError, UnsupportedError */
export async function readImage(path: string, modelFolder: string): Promise<Tensor> {
  const config = imageConfig((await settings(modelFolder)) ?? {});
  const { width, height, data } = preprocessImage(await readPicture(path), config);
  return Tensor.from(data, [1, 3, height, width]);
}

/** `[1, mel bins, frames]` of the beginning of a WAV file. @throws FormatError, UnsupportedError */
export async function readAudio(path: string, modelFolder: string, bins: number, frames: number): Promise<Tensor> {
  const config = audioConfig((await settings(modelFolder)) ?? { feature_size: bins });
  const { samples, sampleRate } = readWav((await readMedia(path)).bytes);
  const features = logMel(resample(samples, sampleRate, SAMPLE_RATE), { bins: config.bins, frames });
  return Tensor.from(features, [1, config.bins, frames]);
}

const settings = (folder: string) => readJson(modelFiles(folder), 'preprocessor_config.json');
