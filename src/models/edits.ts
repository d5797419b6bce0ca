/**
 * Edits of a text as data: what an edit model tags, what it is given and what becomes of its answers. Reid, Hellendoorn, Neubig
 * 2023, "DiffusER: Discrete Diffusion via Edit-based Reconstruction". The paper leaves open how fillings are told apart and where text
 * in front of the first token goes; here a marker opens each filling, and an added start token stands in front of the text.
 */

/** What happens to a token, by the number of its class. INSERT keeps it and puts text behind it. */
export const TAGS = ['KEEP', 'DELETE', 'INSERT', 'REPLACE'] as const;
export const [KEEP, DELETE, INSERT, REPLACE] = [0, 1, 2, 3] as const;
/** One number of `TAGS`. */
export type Tag = 0 | 1 | 2 | 3;

/** Token types that an edit model reads: what a filling is wanted for, and the source that a text is made from. */
export const TOKEN_TYPES = { plain: 0, insert: 1, replace: 2, source: 3 } as const;
export const TOKEN_TYPE_COUNT = 4;

type Ids = readonly number[];
/** Tokens and their types. */
export interface EditInput {
  readonly ids: number[];
  readonly types: number[];
}

/** What the tagger reads: the start token, the text, the source. It tags the first `text.length + 1` of them. */
export const taggerInput = (start: number, text: Ids, source: Ids): EditInput => ({
  ids: [start, ...text, ...source],
  types: [...[start, ...text].map(() => TOKEN_TYPES.plain), ...source.map(() => TOKEN_TYPES.source)],
});

/** What the generator reads: the same without deleted tokens; a type says where text is to come, and of what kind. */
export function generatorInput(start: number, text: Ids, tags: readonly Tag[], source: Ids): EditInput {
  const kept = [start, ...text].flatMap((id, i) => (tags[i] === DELETE ? [] : [{ id, tag: tags[i]! }]));
  const typeOf = { [KEEP]: TOKEN_TYPES.plain, [INSERT]: TOKEN_TYPES.insert, [REPLACE]: TOKEN_TYPES.replace };
  return {
    ids: [...kept.map(({ id }) => id), ...source],
    types: [...kept.map(({ tag }) => typeOf[tag as 0 | 2 | 3]), ...source.map(() => TOKEN_TYPES.source)],
  };
}

/** Whether a token with this tag gets text. */
export const isFilled = (tag: Tag): boolean => tag === INSERT || tag === REPLACE;

/** Fillings as the generator writes them: each behind its marker, in the order of their places, and the end token. */
export const writtenFillings = (fillings: readonly Ids[], markers: Ids, end: number): number[] => [
  ...fillings.flatMap((filling, i) => [markers[i]!, ...filling]),
  end,
];

/** Fillings from what a generator wrote, `count` of them: those it left out are empty, others are dropped. */
export function readFillings(written: Ids, markers: Ids, end: number, count: number): number[][] {
  const fillings = Array.from({ length: count }, (): number[] => []);
  let open: number[] | undefined;
  for (const id of written) {
    if (id === end) break;
    const marker = markers.indexOf(id);
    if (marker >= 0) open = fillings[marker];
    else open?.push(id);
  }
  return fillings;
}

/** The text after its edits. `tags` has one entry more than the text, for the start token; `fillings` one for each that is filled. */
export function applyEdits(text: Ids, tags: readonly Tag[], fillings: readonly Ids[]): number[] {
  let filling = 0;
  return [undefined, ...text].flatMap((id, i) => {
    const kept = id === undefined || tags[i] === DELETE || tags[i] === REPLACE ? [] : [id];
    return isFilled(tags[i]!) ? [...kept, ...fillings[filling++]!] : kept;
  });
}
