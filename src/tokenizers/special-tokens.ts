/** Which tokens begin, end, pad, separate and mask texts: from tokenizer_config.json and its relatives, or by their usual names. */
import type { AddedToken } from './added-tokens.ts';
import { isObject, type JsonObject } from './json-fields.ts';
import type { SpecialTokens } from './tokenizer.ts';

const ROLES = ['bos', 'eos', 'pad', 'unk', 'cls', 'sep', 'mask'] as const;

/** Names that leave no doubt, the more telling first. */
const USUAL: Readonly<Record<(typeof ROLES)[number], readonly string[]>> = {
  bos: ['<s>', '<bos>', '<|begin_of_text|>', '<|startoftext|>', '[BOS]', '<|endoftext|>'],
  eos: ['</s>', '<eos>', '<|end_of_text|>', '<|endoftext|>', '[EOS]'],
  pad: ['<pad>', '[PAD]', '<|padding|>', '<|pad|>'],
  unk: ['<unk>', '[UNK]'],
  cls: ['[CLS]'],
  sep: ['[SEP]'],
  mask: ['<mask>', '[MASK]'],
};

/** The text of a token in a configuration: a string, or an object with `content`. */
export function tokenContent(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value.content === 'string' ? value.content : undefined;
}

/**
 * The role of each token. `configs`: tokenizer_config.json, special_tokens_map.json; what they do not say is looked for among
 * the special `added` tokens.
 */
export function findSpecialTokens(
  configs: readonly JsonObject[],
  added: readonly AddedToken[],
  tokenToId: (token: string) => number | undefined,
): SpecialTokens {
  const ids = new Map(added.map(token => [token.content, token.id]));
  const special = new Set(added.filter(token => token.special).map(token => token.content));
  const roles: Partial<Record<(typeof ROLES)[number], number>> = {};
  for (const role of ROLES) {
    const named = configs.map(config => tokenContent(config[`${role}_token`])).find(content => content !== undefined);
    const usual = USUAL[role].find(content => special.has(content));
    const content = named ?? usual;
    const id = content === undefined ? undefined : (ids.get(content) ?? tokenToId(content));
    if (id !== undefined) roles[role] = id;
  }
  return roles;
}
