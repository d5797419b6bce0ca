/** Portable pixmaps and graymaps in their binary forms (P6, P5), the plainest picture files there are. Poskanzer 1988. */
import { FormatError } from '../errors.ts';
import type { Picture } from './resize.ts';

const LONGEST_SIDE = 1 << 16;

/** Whether the bytes begin like such a file. */
export const isPnm = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && (bytes[1] === 0x35 || bytes[1] === 0x36);

/**
 * RGB bytes of a P6 or P5 file with up to 255 levels, scaled to 255.
 * @throws FormatError for bytes that are no such file or end early
 */
export function readPnm(bytes: Uint8Array): Picture {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 512));
  const match = /^P([56])(?:\s|#[^\n]*\n)+(\d{1,6})(?:\s|#[^\n]*\n)+(\d{1,6})(?:\s|#[^\n]*\n)+(\d{1,5})\s/.exec(head);
  const [width, height, levels] = [2, 3, 4].map(i => Number(match?.[i])) as [number, number, number];
  if (!match || !(width > 0 && height > 0 && width <= LONGEST_SIDE && height <= LONGEST_SIDE) || levels > 255)
    throw new FormatError('not a pixmap', {
      seen: JSON.stringify(head.slice(0, 40)),
      expected: 'P6 or P5, width, height, and up to 255 levels',
    });
  const channels = match[1] === '6' ? 3 : 1;
  const pixels = bytes.subarray(match[0].length, match[0].length + width * height * channels);
  if (pixels.length < width * height * channels)
    throw new FormatError('a pixmap ends early', {
      seen: `${pixels.length} bytes of pixels`,
      expected: `${width * height * channels}`,
    });
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++)
    data[i] = Math.round(
      (255 * Math.min(levels, pixels[channels === 3 ? i : Math.floor(i / 3)]!)) / Math.max(1, levels),
    );
  return { width, height, data };
}
