/**
 * Decoding token by token: text comes out as soon as no later token can change it.
 * Deviation from decoding as a whole: of a run of byte-fallback tokens that is not valid UTF-8 the stream repairs character by
 * character, because it has shown the valid ones before the run ends; `decode` follows the reference, one U+FFFD for each byte
 * of the run.
 */
import type { Decoder, DecodeStage } from './decoders.ts';

/** The end of a chain of stages: collects the text. */
export class TextSink implements DecodeStage {
  #text = '';

  push(token: string): void {
    this.#text += token;
  }
  drain(): void {}
  finish(): void {}

  /** The text since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

/** Decodes a sequence of ids that is still being made. */
export class StreamDecoder {
  readonly #tokenOf: (id: number) => string | undefined;
  readonly #sink = new TextSink();
  readonly #stage: DecodeStage;

  /** `tokenOf`: the token of an id, or undefined for one to leave out. */
  constructor(decoder: Decoder, tokenOf: (id: number) => string | undefined) {
    this.#tokenOf = tokenOf;
    this.#stage = decoder(this.#sink, false);
  }

  /** Takes the next id; returns the text that is complete by now. The bytes of an incomplete character are held back. */
  push(id: number): string {
    const token = this.#tokenOf(id);
    if (token === undefined) return '';
    this.#stage.push(token);
    this.#stage.drain();
    return this.#sink.take();
  }

  /** The end of the sequence: returns the rest, with U+FFFD for an incomplete character. Use it once, as the last call. */
  flush(): string {
    this.#stage.finish();
    return this.#sink.take();
  }
}
