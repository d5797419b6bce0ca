/**
 * Tokenized examples as bytes: one file of numbers per column, all examples end to end, and one that says where each ends.
 * Written in one pass, read by ranges, so neither has to fit into memory. Little-endian.
 */
import { ConfigError, FormatError } from '../../errors.ts';
import type { ByteSource } from '../../formats/index.ts';
import { typedView } from '../../util/bytes.ts';
import type { Columns, ColumnType, Dataset, Example } from './dataset.ts';

const ARRAYS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, i32: Int32Array, f32: Float32Array } as const;
const END_BYTES = 8;
const BUFFERED = 1 << 16;

/** The description of the files. */
export interface TokenFacts<C extends string = string> {
  readonly format: 'heed-tokens';
  readonly version: 1;
  readonly examples: number;
  readonly columns: Readonly<Record<C, { readonly type: ColumnType; readonly values: number }>>;
}
/** Where bytes go, in order. */
export type Take = (bytes: Uint8Array) => Promise<void>;
export const valuesFile = (column: string): string => `${column}.values`;
export const endsFile = (column: string): string => `${column}.ends`;

/**
 * Writes examples as they come. `open` starts a file.
 * @throws ConfigError for a number that its column cannot hold
 */
export async function writeTokens<C extends string>(
  columns: Columns<C>,
  examples: Iterable<Example<C>> | AsyncIterable<Example<C>>,
  open: (file: string) => Promise<Take>,
): Promise<TokenFacts<C>> {
  const names = Object.keys(columns) as C[];
  const writers = await Promise.all(
    names.map(async name => ({
      name,
      values: numberWriter(new ARRAYS[columns[name]](BUFFERED), await open(valuesFile(name)), name),
      ends: numberWriter(new Float64Array(BUFFERED), await open(endsFile(name)), name),
    })),
  );
  let count = 0;
  for await (const example of examples) {
    for (const { name, values, ends } of writers) {
      await values.add(example[name]);
      await ends.add([values.written()]);
    }
    count++;
  }
  for (const { values, ends } of writers) {
    await values.flush();
    await ends.flush();
  }
  return {
    format: 'heed-tokens',
    version: 1,
    examples: count,
    columns: Object.fromEntries(
      writers.map(({ name, values }) => [name, { type: columns[name], values: values.written() }]),
    ) as TokenFacts<C>['columns'],
  };
}

function numberWriter(buffer: InstanceType<(typeof ARRAYS)[ColumnType]> | Float64Array, take: Take, column: string) {
  let [filled, total] = [0, 0];
  const flush = async () => {
    await take(new Uint8Array(buffer.buffer, 0, filled * buffer.BYTES_PER_ELEMENT).slice());
    filled = 0;
  };
  return {
    written: () => total,
    flush,
    async add(values: ArrayLike<number>) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        if (filled === buffer.length) await flush();
        buffer[filled] = value;
        if (buffer[filled] !== value && !(buffer instanceof Float32Array && Number.isFinite(value)))
          throw new ConfigError(`a number does not fit into the column ${column}`, {
            seen: `${value}`,
            expected: `one of ${buffer.constructor.name.replace('Array', '')}`,
          });
        filled++;
      }
      total += values.length;
    },
  };
}

/**
 * The examples in files that `writeTokens` wrote.
 * @throws FormatError when the description or the files' sizes do not fit each other
 */
export async function readTokens<C extends string>(
  columns: Columns<C>,
  facts: unknown,
  open: (file: string) => Promise<ByteSource>,
  where: string,
): Promise<Dataset<C>> {
  const names = Object.keys(columns) as C[];
  const { examples, columns: kept } = checkedFacts(columns, facts, where);
  const parts: ColumnFiles[] = [];
  const close = async () => {
    for (const { values, ends } of parts) {
      await values.close();
      await ends.close();
    }
  };
  for (const name of names) {
    const part = { type: columns[name], values: await open(valuesFile(name)), ends: await open(endsFile(name)) };
    parts.push(part);
    const expected = [kept[name].values * ARRAYS[part.type].BYTES_PER_ELEMENT, examples * END_BYTES];
    const seen = [part.values.size, part.ends.size];
    if (`${seen}` === `${expected}`) continue;
    await close();
    throw new FormatError('tokenized data is damaged', {
      seen: `${seen.join(' and ')} bytes in column ${name}`,
      expected: `${expected.join(' and ')}`,
      fix: 'delete it; it is made anew',
      where,
    });
  }
  const [first] = parts as [ColumnFiles];
  const tokens = kept[names[0]!].values;
  const uneven = names.find(name => kept[name].values !== tokens);
  const together = async (read: (part: ColumnFiles) => Promise<ArrayLike<number>>) => {
    const values = await Promise.all(parts.map(read));
    return Object.fromEntries(names.map((name, i) => [name, values[i]!])) as unknown as Example<C>;
  };
  return {
    columns,
    length: examples,
    tokens,
    get: indices =>
      Promise.all(
        indices.map(index => together(async part => numbers(part, ...(await range(part, index, examples, where))))),
      ),
    lengths: indices =>
      Promise.all(
        indices.map(async index => {
          const [from, to] = await range(first, index, examples, where);
          return to - from;
        }),
      ),
    async slice(from, to) {
      if (uneven !== undefined)
        throw new ConfigError('examples can be laid end to end only where all columns are equally long', {
          seen: `${kept[uneven].values} numbers in ${uneven}, ${tokens} in ${names[0]}`,
        });
      if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to && to <= tokens))
        throw new ConfigError('no such tokens', { seen: `${from} to ${to}`, expected: `within 0 to ${tokens}`, where });
      return together(part => numbers(part, from, to));
    },
    close,
  };
}

interface ColumnFiles {
  readonly type: ColumnType;
  readonly values: ByteSource;
  readonly ends: ByteSource;
}

async function numbers({ type, values }: ColumnFiles, from: number, to: number): Promise<ArrayLike<number>> {
  const Numbers = ARRAYS[type];
  const size = Numbers.BYTES_PER_ELEMENT;
  return typedView<ArrayLike<number>>(Numbers, await values.read(from * size, (to - from) * size));
}

/** Where an example's numbers are in the column. */
async function range(
  { type, values, ends }: ColumnFiles,
  index: number,
  examples: number,
  where: string,
): Promise<[number, number]> {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < examples))
    throw new ConfigError('no such example', { seen: `${index}`, expected: `0 to ${examples - 1}`, where });
  const before = index === 0 ? 0 : 1;
  const read = await ends.read((index - before) * END_BYTES, (1 + before) * END_BYTES);
  const bounds = typedView<Float64Array>(Float64Array, read);
  const [from, to] = before ? [bounds[0]!, bounds[1]!] : [0, bounds[0]!];
  const total = values.size / ARRAYS[type].BYTES_PER_ELEMENT;
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from <= to && to <= total && from >= 0)
    return [from, to];
  throw new FormatError('tokenized data is damaged', {
    seen: `example ${index} from ${from} to ${to} of ${total}`,
    fix: 'delete it; it is made anew',
    where,
  });
}

function checkedFacts<C extends string>(columns: Columns<C>, facts: unknown, where: string): TokenFacts<C> {
  const given = facts as Partial<TokenFacts<C>> | null;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  const fits =
    given?.format === 'heed-tokens' &&
    given.version === 1 &&
    isCount(given.examples) &&
    Object.entries<ColumnType>(columns).every(([name, type]) => {
      const kept = given.columns?.[name as C];
      return kept?.type === type && isCount(kept.values);
    });
  if (fits) return given as TokenFacts<C>;
  throw new FormatError('not the tokenized data that was asked for', {
    seen: JSON.stringify(facts)?.slice(0, 200),
    expected: `columns ${JSON.stringify(columns)}`,
    fix: 'delete it; it is made anew',
    where,
  });
}
