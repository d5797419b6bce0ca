/** Weights files: reading and writing checkpoints. */
export {
  type Checkpoint,
  elementBytes,
  FILE_DTYPES,
  type FileDType,
  isFileDType,
  type TensorEntry,
  tensorBytes,
  toFloat32,
  toInt32,
} from './checkpoint.ts';
export { nodeFiles, splitPath } from './node-files.ts';
export { isWeightsFile, openCheckpoint, openCheckpointFrom } from './open-checkpoint.ts';
export { openSafetensors } from './safetensors.ts';
export {
  type ShardedWriteOptions,
  safetensorsBytes,
  type TensorToWrite,
  type WriteOptions,
  type WriteProgress,
  writeSafetensors,
  writeShardedSafetensors,
} from './safetensors-write.ts';
export { openShardedSafetensors } from './sharded.ts';
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
