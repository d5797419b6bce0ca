/** `AutoProcessor`: pictures and recordings as the tensors that a model reads. */
import { ConfigError } from '../errors.ts';
import { audioConfig, imageConfig, logMel } from '../preprocess/index.ts';
import { samplesOf } from '../tasks/automatic-speech-recognition.ts';
import { pixelBatch, readPicture } from '../tasks/picture-input.ts';
import { type PretrainedOptions, readConfig, type Source } from './pretrained.ts';
import { Tensor } from './tensor.ts';
import { AutoTokenizer, type PreTrainedTokenizer } from './tokenizer.ts';

/** Pixels in rows, `channels` bytes each. */
export class RawImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: number;

  constructor(data: Uint8Array | Uint8ClampedArray, width: number, height: number, channels: number) {
    if (data.length !== width * height * channels)
      throw new ConfigError('the bytes of an image do not fill it', {
        seen: `${data.length}`,
        expected: `${width} x ${height} x ${channels}`,
      });
    this.data = data;
    this.width = width;
    this.height = height;
    this.channels = channels;
  }
  /** Width and height. */
  get size(): [number, number] {
    return [this.width, this.height];
  }
  /** A file's bytes, its path (in Node) or address, as far as `readPicture` reads it. */
  static async read(input: RawImage | string | URL | Blob | Uint8Array): Promise<RawImage> {
    if (input instanceof RawImage) return input;
    const { data, width, height } = await readPicture(input instanceof URL ? input.href : input);
    return new RawImage(Uint8Array.from(data), width, height, data.length / (width * height));
  }
  static fromURL(url: string | URL): Promise<RawImage> {
    return RawImage.read(url);
  }
  static fromBlob(blob: Blob): Promise<RawImage> {
    return RawImage.read(blob);
  }
}

/** Mono samples of a WAV file at a rate. */
export const read_audio = (url: string | URL, sampling_rate?: number): Promise<Float32Array> =>
  samplesOf(url instanceof URL ? url.href : url, { rate: sampling_rate });

type Images = RawImage | readonly RawImage[];
export interface Processor {
  (input: Images): Promise<{ readonly pixel_values: Tensor }>;
  (input: Float32Array): Promise<{ readonly input_features: Tensor }>;
  /** Where the model has one. */
  readonly tokenizer: PreTrainedTokenizer | undefined;
  batch_decode(...call: Parameters<PreTrainedTokenizer['batch_decode']>): string[];
}

export const AutoProcessor = {
  /** @throws ConfigError when the model has no preprocessor_config.json, or one that heed does not know */
  async from_pretrained(source: Source, options: PretrainedOptions = {}): Promise<Processor> {
    const json = await readConfig(source, options, 'preprocessor_config.json');
    const hears = 'feature_extractor_type' in json && !('image_processor_type' in json);
    const tokenizer = hears ? await AutoTokenizer.from_pretrained(source, options) : undefined;
    const call = hears ? featuresBy(audioConfig(json)) : pixelsBy(imageConfig(json));
    const batch_decode: Processor['batch_decode'] = (...rest) => {
      if (tokenizer) return tokenizer.batch_decode(...rest);
      throw new ConfigError('a processor of images has no texts to decode');
    };
    return Object.assign(call, { tokenizer, batch_decode }) as unknown as Processor;
  },
};
export const AutoImageProcessor = AutoProcessor;
export const AutoFeatureExtractor = AutoProcessor;

/** `[B, 3, H, W]`. */
const pixelsBy = (config: ReturnType<typeof imageConfig>) => async (input: Images) => {
  const { data, dims } = pixelBatch([input].flat(), config);
  return { pixel_values: new Tensor('float32', data, dims) };
};
/** `[1, mel bins, frames]`. */
const featuresBy = (config: ReturnType<typeof audioConfig>) => async (samples: Float32Array) => ({
  input_features: new Tensor('float32', logMel(samples, config), [1, config.bins, config.frames]),
});
