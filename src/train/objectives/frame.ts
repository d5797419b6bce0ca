/** What a tokenizer puts around texts, found by asking it: `[CLS] a [SEP] b [SEP]`, `a </s>`. */
import { ConfigError } from '../../errors.ts';
import type { SpecialTokens, Tokenizer } from '../../tokenizers/index.ts';
import type { ColumnType } from '../data/dataset.ts';

/** Tokens before, between and after texts, with the segment of each. */
export interface Frame {
  /** One entry more than texts. */
  readonly added: readonly { readonly ids: readonly number[]; readonly types: readonly number[] }[];
  /** Segment of each text. */
  readonly types: readonly number[];
  /** Number of added tokens. */
  readonly size: number;
}

/** The frame of one text or of two. @throws ConfigError for a tokenizer that makes no token of a letter */
export function frameOf(tokenizer: Tokenizer, texts: 1 | 2): Frame {
  const encoding = tokenizer.encode('a', texts === 2 ? { pair: 'b' } : {});
  const added: { ids: number[]; types: number[] }[] = [{ ids: [], types: [] }];
  const types: number[] = [];
  encoding.sequenceIds.forEach((text, i) => {
    if (text === null) {
      added.at(-1)!.ids.push(encoding.ids[i]!);
      added.at(-1)!.types.push(encoding.typeIds[i]!);
    } else if (text === types.length) {
      types.push(encoding.typeIds[i]!);
      added.push({ ids: [], types: [] });
    }
  });
  if (types.length !== texts)
    throw new ConfigError('the tokenizer makes no tokens of a letter', { seen: `${encoding.tokens}` });
  return { added, types, size: added.reduce((n, { ids }) => n + ids.length, 0) };
}

/** Tokens of as many texts as the frame has room for, with all that belongs around them. */
export function framed(frame: Frame, texts: readonly ArrayLike<number>[]): { ids: number[]; types: number[] } {
  const [ids, types]: [number[], number[]] = [[...frame.added[0]!.ids], [...frame.added[0]!.types]];
  texts.forEach((text, i) => {
    for (const id of Array.from(text)) ids.push(id);
    for (let n = text.length; n > 0; n--) types.push(frame.types[i]!);
    ids.push(...frame.added[i + 1]!.ids);
    types.push(...frame.added[i + 1]!.types);
  });
  return { ids, types };
}

/** Values of each text's tokens, with others at the tokens around them. */
export function framedValues(frame: Frame, texts: readonly ArrayLike<number>[], around: number): number[] {
  const fill = (i: number) => frame.added[i]!.ids.map(() => around);
  return [...fill(0), ...texts.flatMap((text, i) => [...Array.from(text), ...fill(i + 1)])];
}

/** The token of a role. @throws ConfigError when the tokenizer has none */
export function neededToken(tokenizer: Tokenizer, role: keyof SpecialTokens, objective: string): number {
  const id = tokenizer.specialTokens[role];
  if (id !== undefined) return id;
  throw new ConfigError(`the objective needs a ${role} token, which the tokenizer does not have`, {
    fix: 'choose another objective, or a tokenizer that was made for this one',
    where: objective,
  });
}

/** The narrowest column for a tokenizer's ids. */
export const tokenColumn = ({ vocabSize }: Tokenizer): ColumnType => (vocabSize <= 0x10000 ? 'u16' : 'u32');

/** @throws ConfigError unless a length leaves room for at least `least` tokens beside those around them */
export function checkLength(length: number, size: number, objective: string, least = 1): void {
  if (Number.isSafeInteger(length) && length >= size + least) return;
  throw new ConfigError('the length leaves no room for text', {
    seen: `${length}`,
    expected: `a whole number from ${size + least}`,
    where: objective,
  });
}

/** @throws ConfigError unless all are from 0 to 1 */
export function checkShares(shares: Readonly<Record<string, number>>, objective: string): void {
  const wrong = Object.entries(shares).find(([, share]) => !(share >= 0 && share <= 1));
  if (wrong)
    throw new ConfigError(`${wrong[0]} is a share`, { seen: `${wrong[1]}`, expected: '0 to 1', where: objective });
}
