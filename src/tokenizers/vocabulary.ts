/** A vocabulary in both directions, as the models that hold plain texts have it. */
import { TokenizerError } from '../errors.ts';

export class Vocabulary {
  readonly size: number;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #tokens: (string | undefined)[];

  /** Throws TokenizerError when two tokens have one id. */
  constructor(ids: ReadonlyMap<string, number>) {
    this.#ids = ids;
    this.size = ids.size;
    // Sized at once: ids come in any order, and an array that grows by jumps turns into a slow table.
    this.#tokens = new Array<string | undefined>(ids.size);
    for (const [token, id] of ids) {
      if (this.#tokens[id] !== undefined)
        throw new TokenizerError('two tokens have the same id', {
          seen: `${JSON.stringify([this.#tokens[id], token])} with id ${id}`,
        });
      this.#tokens[id] = token;
    }
  }
  id(token: string): number | undefined {
    return this.#ids.get(token);
  }
  token(id: number): string | undefined {
    return this.#tokens[id];
  }
  /** The id of a token that has to be there. Throws TokenizerError. */
  required(token: string, what: string): number {
    const id = this.#ids.get(token);
    if (id !== undefined) return id;
    throw new TokenizerError(`${what} is not in the vocabulary`, { seen: JSON.stringify(token), where: 'model' });
  }
}
