/** Data for training: read, tokenized once, shuffled, and looked at. */
export { type BatchesOptions, batches } from './batches.ts';
export { checkData, type DataReport, type LengthBin, type PartReport } from './check-data.ts';
export type { Columns, ColumnType, Dataset, Example } from './dataset.ts';
export { type PackedOptions, packed } from './packed.ts';
export { type ReadCsvOptions, readCsv } from './read-csv.ts';
export { readJsonl } from './read-jsonl.ts';
export { type ReadRowsOptions, readRows } from './read-rows.ts';
export { type ReadTextOptions, readText } from './read-text.ts';
export { type Row, type Rows, rowsOf } from './row.ts';
export { type SplitOptions, splitRows } from './split-rows.ts';
export { folderStore, memoryStore, type TokenStore } from './token-store.ts';
export { dataKey, type TokenizeOptions, tokenizeRows } from './tokenize-rows.ts';
