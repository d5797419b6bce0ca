/** What generation by edits asks of its two networks: probabilities of tags, and a decoder that writes what is to come. */
import type { EditInput } from '../models/edits.ts';
import type { Decoder } from './decoder.ts';

type Ids = readonly number[];

/** A text on its way, and what it is made from. */
export interface EditedText {
  readonly text: Ids;
  /** Empty where there is none. */
  readonly source: Ids;
}

/** A tagger and a generator. */
export interface EditModel {
  /** Longest input of either, the start token and the source included; undefined = no limit. */
  readonly contextLength: number | undefined;
  /** The token in front of every text. */
  readonly startId: number;
  /** What opens a filling, by its number; there are no more fillings than these. */
  readonly markers: Ids;
  /** What ends the fillings. */
  readonly endId: number;
  /** For each text `[n + 1, 4]`: logarithms of the probabilities of `TAGS` for the start and its n tokens. */
  tag(texts: readonly EditedText[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** Reads inputs and decodes from them. Whoever asks disposes the session. */
  fill(inputs: readonly EditInput[], signal?: AbortSignal): Promise<FillingSession>;
}
export interface FillingSession {
  readonly decoder: Decoder;
  /** What the decoder starts with, for each input. */
  readonly prompts: readonly Ids[];
  dispose(): void;
}
