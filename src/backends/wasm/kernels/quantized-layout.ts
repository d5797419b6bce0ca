/**
 * Quantised weights as physical formats: what a block of a file is, and how panels of them lie in memory.
 *
 * A panel is eight rows of a weight in one stream: for each block of k first the scales of the eight rows, then what is left
 * of their blocks, one 32-bit word of each row after the other. So a vector holds the same values of four rows, dot products
 * of it with four values of an activation, spread to all lanes, add up one row per lane, and no sum ever crosses lanes. The
 * numbers of the file are kept: panels have its size and give back its values to the bit.
 */
import type { BlockDType } from '../../../tensor/backend.ts';
import type { Features } from '../kernel.ts';

/** Rows of a panel: two vectors, which the revectoriser makes one. */
export const PANEL_ROWS = 8;
/** Values of k that share a scale of the activations. */
export const CHUNK = 32;

/** A block of a file. A value is `scale * (number - zero)`, or `scale * number + least`. */
interface Block {
  readonly dtype: BlockDType;
  readonly bits: 4 | 5 | 6 | 8;
  readonly zero: number;
  /** There is a least value, to which the numbers are added. */
  readonly least: boolean;
  /** Bytes in the file, and where among them its scale and least value lie, each f16. */
  readonly fileBytes: number;
  readonly scalesAt: readonly number[];
  /**
   * Blocks of 256 values: groups of this many values have short scales of their own, which are multiplied with the block's.
   */
  readonly group?: 16 | 32;
}

const BLOCKS = {
  q8_0: { dtype: 'Q8_0', bits: 8, zero: 0, least: false, fileBytes: 34, scalesAt: [0] },
  q4_0: { dtype: 'Q4_0', bits: 4, zero: 8, least: false, fileBytes: 18, scalesAt: [0] },
  q4_1: { dtype: 'Q4_1', bits: 4, zero: 0, least: true, fileBytes: 20, scalesAt: [0, 2] },
  q5_0: { dtype: 'Q5_0', bits: 5, zero: 16, least: false, fileBytes: 22, scalesAt: [0] },
  q5_1: { dtype: 'Q5_1', bits: 5, zero: 0, least: true, fileBytes: 24, scalesAt: [0, 2] },
  q4_k: { dtype: 'Q4_K', bits: 4, zero: 0, least: true, fileBytes: 144, scalesAt: [0, 2], group: 32 },
  q5_k: { dtype: 'Q5_K', bits: 5, zero: 0, least: true, fileBytes: 176, scalesAt: [0, 2], group: 32 },
  q6_k: { dtype: 'Q6_K', bits: 6, zero: 32, least: false, fileBytes: 210, scalesAt: [208], group: 16 },
} as const satisfies Record<string, Block>;

/** A physical format of quantised weights. */
export type QuantizedFormat = keyof typeof BLOCKS;
export const QUANTIZED_FORMATS = Object.keys(BLOCKS) as QuantizedFormat[];

/** Formats of halves: panels `[K][nr]` like those of floats, with half the bytes. */
export const HALVES = { f16: 'F16', bf16: 'BF16' } as const;
export type HalfFormat = keyof typeof HALVES;
export const HALF_FORMATS = Object.keys(HALVES) as HalfFormat[];

/** A format in which a weight keeps the numbers of its file. In the order of their numbers in argument words, from 1 on. */
export type KeptFormat = QuantizedFormat | HalfFormat;
export const KEPT_FORMATS: readonly KeptFormat[] = [...QUANTIZED_FORMATS, ...HALF_FORMATS];
export const isQuantized = (format: string | undefined): format is QuantizedFormat =>
  format !== undefined && Object.hasOwn(BLOCKS, format);
const isHalf = (format: string | undefined): format is HalfFormat =>
  format !== undefined && Object.hasOwn(HALVES, format);
export const isKept = (format: string | undefined): format is KeptFormat => isHalf(format) || isQuantized(format);
/** Number of a format in argument words; 0 = floats. */
export const kindOf = (format: string | undefined): number => (isKept(format) ? 1 + KEPT_FORMATS.indexOf(format) : 0);
/** The dtype of files that a format keeps. */
export const dtypeOfFormat = (format: KeptFormat): (typeof HALVES)[HalfFormat] | BlockDType =>
  isHalf(format) ? HALVES[format] : BLOCKS[format].dtype;
/** The format that keeps a dtype of files. */
export const formatOfDType = (dtype: string): KeptFormat | undefined =>
  KEPT_FORMATS.find(format => dtypeOfFormat(format) === dtype);

/** A block of a format in files, with the number of its values. */
export function blockOf(format: QuantizedFormat): Block & { readonly elements: 32 | 256 } {
  const block: Block = BLOCKS[format];
  return { ...block, elements: block.group ? 256 : CHUNK };
}

/** How the panels of a format lie in memory, and how their numbers meet an activation. All sizes in bytes. */
export interface PanelLayout extends Block {
  readonly format: QuantizedFormat;
  /** Values of a block, and how many chunks of 32 they are. */
  readonly elements: 32 | 256;
  readonly chunks: number;
  /** Scales of a block, f16 of eight rows: one vector, or two with the least values. */
  readonly headerBytes: number;
  /** A chunk: the short scales, the high bits, the low four bits (or all eight). */
  readonly chunkBytes: number;
  readonly highAt: number;
  readonly lowAt: number;
  /** A block of eight rows: the header and its chunks. */
  readonly blockBytes: number;
  /**
   * Bits of a lane when numbers are multiplied: 8 = four of a row at once by the relaxed dot product, 16 = two at once,
   * widened, exactly and on every engine.
   */
  readonly laneBits: 8 | 16;
  /**
   * Where the dot product saturates, it is three instructions, and one if it stops at 16 bits: how many groups of a chunk
   * can be added up there. 0 = none.
   */
  readonly pairGroups: 0 | 4 | 8;
  /** Numbers are stored with the highest bit turned, because the dot product takes them as unsigned. */
  readonly flipped: boolean;
  /** What the numbers as stored have too much. */
  readonly excess: number;
  /** Words of k (four or two values) that a chunk has. */
  readonly words: 8 | 16;
  /** Groups of a chunk with scales of their own. */
  readonly parts: 1 | 2;
}

/**
 * The layout of a format on an engine. Products of bytes above 127 need a dot product that does not saturate; those of
 * fewer bits are exact with any.
 */
export function panelLayout(format: QuantizedFormat, { dot }: Pick<Features, 'dot'>): PanelLayout {
  const block = blockOf(format);
  const { bits, least, group, zero, elements } = block;
  const wide = dot === 'none' || (bits === 8 && dot === 'saturating');
  const flipped = bits === 8 && dot === 'unsigned';
  const chunks = elements / CHUNK;
  const headerBytes = 2 * PANEL_ROWS * (least ? 2 : 1);
  const highAt = group ? 2 * PANEL_ROWS : 0;
  const lowAt = highAt + (bits === 8 ? 0 : (bits - 4) * CHUNK);
  const chunkBytes = lowAt + (bits === 8 ? 8 : 4) * CHUNK;
  return {
    ...block,
    ...{ format, chunks, headerBytes, chunkBytes, highAt, lowAt, flipped },
    blockBytes: headerBytes + chunks * chunkBytes,
    laneBits: wide ? 16 : 8,
    pairGroups: wide || dot !== 'saturating' ? 0 : bits === 4 ? 8 : bits === 5 ? 4 : 0,
    excess: flipped ? 128 : zero,
    words: wide ? 16 : 8,
    parts: group === 16 ? 2 : 1,
  };
}

/** Columns of a register tile: a panel, or two where the revectoriser makes one register out of two. */
export const tileColumns = ({ revec }: Pick<Features, 'revec'>): 8 | 16 => (revec ? 16 : 8);

/** What a row of `k` values is in a file: so many units of so many values, in so many bytes. */
export function unitsOf(k: number, format: KeptFormat): { readonly count: number; readonly bytes: number } {
  if (isHalf(format)) return { count: k, bytes: 2 * k };
  const { elements, fileBytes } = blockOf(format);
  return { count: k / elements, bytes: (k / elements) * fileBytes };
}

/** Rows of a panel. */
export const panelRows = (format: KeptFormat, { tile }: Features): number => (isHalf(format) ? tile.nr : PANEL_ROWS);
/** Rows that every panel is whole in, and every tile: what products are cut by. */
export const wholeRows = (features: Features): number => Math.max(features.tile.nr, tileColumns(features));

/** Bytes of a panel of rows of `k` values. */
export function panelBytes(k: number, format: KeptFormat, features: Features): number {
  if (isHalf(format)) return 2 * k * features.tile.nr;
  const { elements, blockBytes } = panelLayout(format, features);
  return (k / elements) * blockBytes;
}

/** Bytes of a weight `[n, k]`, filled up to whole panels and tiles. */
export function keptBytes([n = 0, k = 0]: readonly number[], format: KeptFormat, features: Features): number {
  const unit = Math.max(panelRows(format, features), tileColumns(features));
  const panels = (Math.ceil(n / unit) * unit) / panelRows(format, features);
  return panels * panelBytes(k, format, features);
}
