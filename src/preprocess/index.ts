/** From recordings and pictures to what models of them read. */
export { type Pixels, preprocessImage } from './image.ts';
export { HOP, logMel, SAMPLE_RATE, WINDOW_FRAMES } from './log-mel.ts';
export { type AudioConfig, audioConfig, type ImageConfig, imageConfig } from './preprocessor-config.ts';
export { resample } from './resample.ts';
export { type Picture, type ResizeFilter, resize } from './resize.ts';
export type { Samples } from './sample-stream.ts';
export { readWav, type Wav } from './wav.ts';
