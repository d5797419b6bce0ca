/**
 * The bytes of many tokens as a tree in flat arrays, in the order in which a walk over all of it comes by: a constraint follows
 * all tokens at once and leaves a branch as soon as its bytes lead nowhere.
 */

export class TokenTrie {
  /** By node: its byte, its depth (1 = first byte), the node behind its subtree. */
  readonly bytes: Uint8Array;
  readonly depths: Uint16Array;
  readonly skips: Int32Array;
  /** Tokens that end at node n: `tokens[firstToken[n] .. firstToken[n + 1])`. */
  readonly firstToken: Int32Array;
  readonly tokens: Int32Array;
  readonly deepest: number;

  /** @param entries a text of each token, as a string of its bytes */
  constructor(entries: readonly (readonly [bytes: string, id: number])[]) {
    const sorted = entries
      .filter(([bytes]) => bytes !== '')
      .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1]));
    const bytes: number[] = [];
    const depths: number[] = [];
    const firstToken: number[] = [];
    const tokens = new Int32Array(sorted.length);
    let before = '';
    let deepest = 0;
    sorted.forEach(([text, id], index) => {
      let shared = 0;
      while (shared < before.length && before.charCodeAt(shared) === text.charCodeAt(shared)) shared++;
      for (let at = shared; at < text.length; at++) {
        bytes.push(text.charCodeAt(at));
        depths.push(at + 1);
        firstToken.push(index);
      }
      // A node opened on the way to a longer text holds no token: those of a node follow where it was opened last.
      tokens[index] = id;
      before = text;
      deepest = Math.max(deepest, text.length);
    });
    firstToken.push(sorted.length);
    this.bytes = Uint8Array.from(bytes);
    this.depths = Uint16Array.from(depths);
    this.firstToken = Int32Array.from(firstToken);
    this.tokens = tokens;
    this.deepest = deepest;
    this.skips = new Int32Array(bytes.length);
    const open: number[] = [];
    for (let node = 0; node <= bytes.length; node++) {
      const depth = node < bytes.length ? depths[node]! : 0;
      while (open.length > 0 && depths[open.at(-1)!]! >= depth) this.skips[open.pop()!] = node;
      open.push(node);
    }
  }

  get size(): number {
    return this.bytes.length;
  }
}
