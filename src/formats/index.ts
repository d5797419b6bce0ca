/** Weights files: reading and writing checkpoints. */
export { type Arrangement, arrangedRows, storedBytes } from './arranged-rows.ts';
export {
  type Checkpoint,
  elementBytes,
  FILE_DTYPES,
  type FileDType,
  isFileDType,
  type TensorDType,
  type TensorEntry,
  tensorBytes,
  toFloat32,
  toInt32,
} from './checkpoint.ts';
export { type TensorView, viewCheckpoint } from './checkpoint-view.ts';
export { type GgufCheckpoint, ggufNames, isGguf, openGguf } from './gguf.ts';
export {
  BLOCK_CODECS,
  type BlockDType,
  decodeBlocks,
  encodeBlocks,
  isBlockDType,
  WRITABLE_BLOCKS,
} from './gguf-blocks/index.ts';
export type { GgufMetadata, GgufValue } from './gguf-metadata.ts';
export { GGUF_WEIGHTS, type GgufWeights, type RoundingError, roundedTensor, storedAs } from './gguf-weights.ts';
export {
  encodeValues,
  type GgufMetadataToWrite,
  type GgufValueToWrite,
  ggufBytes,
  metadataToWrite,
  writeGguf,
} from './gguf-write.ts';
export { nodeFiles, splitPath } from './node-files.ts';
export { isWeightsFile, openCheckpoint, openCheckpointFrom } from './open-checkpoint.ts';
export { openSafetensors } from './safetensors.ts';
export {
  type ShardedWriteOptions,
  safetensorsBytes,
  type WriteOptions,
  writeSafetensors,
  writeShardedSafetensors,
} from './safetensors-write.ts';
export { openSharded, type ShardedOptions } from './sharded.ts';
export {
  type ByteSource,
  blobSource,
  bytesSource,
  checkFileName,
  fileIfThere,
  fileSource,
  type ModelFiles,
  readTarget,
  readWhole,
} from './source.ts';
export type { TensorToWrite, WriteProgress } from './tensor-stream.ts';
export { openTorch, stateDictOf, type TorchCheckpoint } from './torch.ts';
