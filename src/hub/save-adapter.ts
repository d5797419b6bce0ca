/** Writes an adapter as a folder that PEFT and `loadAdapter` read. */
import { nodeFiles, type TensorToWrite, writeSafetensors } from '../formats/index.ts';
import { tensorToWrite } from '../nn/tensor-to-write.ts';
import { leavesOf } from '../tensor/index.ts';
import { ADAPTER_CONFIG } from './adapter-config.ts';
import { LABELS } from './adapter-head.ts';
import { ADAPTER_FILES, type Adapter } from './adapters.ts';
import { type SaveOptions, savedDType } from './save-model.ts';
import { writeFolder } from './write-folder.ts';

/**
 * Writes `adapter_config.json` as it was read and `adapter_model.safetensors` with what the tensors hold now, in Node.
 * The folder is there when it is complete.
 * @returns the names of the files
 * @throws ConfigError when the folder holds an adapter already and `overwrite` is not set
 */
export async function saveAdapter(
  { params, config, fileNames, transposed, labels }: Adapter,
  folder: string,
  { overwrite = false, dtype = 'f32', signal }: Pick<SaveOptions, 'overwrite' | 'dtype' | 'signal'> = {},
): Promise<readonly string[]> {
  const tensors: TensorToWrite[] = leavesOf(params).flatMap(([name, tensor]) => {
    const key = fileNames.get(name);
    // What was made for the model alone has no name in the file.
    return key === undefined
      ? []
      : [tensorToWrite(key, tensor, { transposed: transposed.has(name) }, savedDType(dtype).file)];
  });
  const holds = (name: string) => name === ADAPTER_CONFIG || (ADAPTER_FILES as readonly string[]).includes(name);
  return writeFolder(folder, { holds, last: ADAPTER_CONFIG, what: 'an adapter', overwrite }, async stage => {
    const { writeFile } = await nodeFiles();
    const metadata = { format: 'pt', ...(labels && { [LABELS]: JSON.stringify(labels) }) };
    await writeSafetensors(`${stage}/${ADAPTER_FILES[0]}`, tensors, { metadata, signal });
    await writeFile(`${stage}/${ADAPTER_CONFIG}`, config.text);
  });
}
