/** Image classification: what a picture shows. */
import type { Model } from '../hub/model.ts';
import { readJson } from '../hub/read-json.ts';
import { type ImageConfig, imageConfig } from '../preprocess/index.ts';
import { Tensor } from '../tensor/index.ts';
import { howMany, oneOf } from './option-checks.ts';
import { isPicture, type PictureInput, pixelBatch, readPicture } from './picture-input.ts';
import {
  type LabelScore,
  labelsOf,
  SCORE_FUNCTIONS,
  type ScoreFunction,
  scoreFunctionOf,
  scoresBy,
  topLabels,
} from './scores-to-labels.ts';
import { type CallOptions, type Calls, defineTask } from './task.ts';
import { inGroups } from './text-batches.ts';

export interface ImageClassificationOptions extends CallOptions {
  /** Labels to give, the highest score first. Default 5. */
  readonly topK?: number | undefined;
  /** Default: what the checkpoint's kind of problem asks for. */
  readonly functionToApply?: ScoreFunction | undefined;
}
export type ImageClassification = Calls<PictureInput, ImageClassificationOptions, LabelScore[]>;

const TOP_K = 5;

export const task = defineTask<PictureInput, ImageClassificationOptions, LabelScore[]>({
  name: 'image-classification',
  heads: ['imageClassification'],
  modality: 'image',
  expects: 'a picture: { width, height, data }, the bytes, path or address of a file',
  isInput: isPicture,
  options: { topK: howMany, functionToApply: oneOf(...SCORE_FUNCTIONS) },
  async run(model, pictures, options) {
    const config = await pixelConfig(model, options.signal);
    const labels = labelsOf(model);
    const results: LabelScore[][] = [];
    await inGroups(
      pictures.map(() => 0),
      options,
      async group => {
        const read = await Promise.all(group.map(i => readPicture(pictures[i]!, options.signal)));
        const pixels = pixelBatch(read, config);
        const { logits } = model.graph({ pixel_values: Tensor.from(pixels.data, pixels.dims) });
        const scores = (await logits.data()) as Float32Array;
        const N = logits.dim(1);
        for (const [b, i] of group.entries()) {
          const row = scores.subarray(b * N, (b + 1) * N);
          const apply = options.functionToApply ?? scoreFunctionOf(model, N);
          results[i] = topLabels(scoresBy(apply, row), labels, options.topK ?? TOP_K);
        }
      },
    );
    return results;
  },
});

/** What preprocessor_config.json says; where there is none, pictures of the size that the model takes. */
async function pixelConfig(model: Model, signal?: AbortSignal): Promise<ImageConfig> {
  const { origin, config } = model.parts;
  const json = origin && (await readJson(origin.files, 'preprocessor_config.json', signal));
  const { image_size } = config as { readonly image_size?: number };
  return imageConfig(json ?? (image_size === undefined ? {} : { size: image_size }));
}
