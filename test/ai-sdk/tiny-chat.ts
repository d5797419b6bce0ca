/** A tiny decoder of the golden data that can write JSON: printable ASCII as its vocabulary, room for long prompts. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ModelFiles, memoryFiles } from '../../src/hub/files.ts';

const GOLDEN = fileURLToPath(new URL('../golden/data/llama/', import.meta.url));
const SPECIALS = ['<pad>', '<s>', '</s>'];
const ADDED = [...SPECIALS, '<tool_call>', '</tool_call>'];
const CHARACTERS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const TOKENS = [...ADDED, ...[...CHARACTERS, '\n'].map(text => text.replace(' ', 'Ġ').replace('\n', 'Ċ'))];

const TOKENIZER = {
  added_tokens: ADDED.map((content, id) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false },
    special: SPECIALS.includes(content),
  })),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])), merges: [] },
};

const MESSAGES = [
  '{% for m in messages %}<s>{{ m.role }}: {{ m.content }}',
  '{% for call in m.tool_calls or [] %} calls {{ call.function.name }} {{ call.function.arguments | tojson }}{% endfor %}',
  '</s>{% endfor %}{% if add_generation_prompt %}<s>assistant: {% endif %}',
].join('');
const TOOLS = '{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}';
export const TEMPLATES = {
  /** One that knows nothing of tools. */
  bare: MESSAGES,
  hermes: `${TOOLS}{% if tools %}<tool_call>NAME, ARGUMENTS</tool_call>{% endif %}${MESSAGES}`,
  json: `${TOOLS}${MESSAGES}`,
} as const;

export interface TinyChat {
  readonly files: ModelFiles;
  /** Files that were opened, by name. */
  readonly opened: string[];
}
export function tinyChat(template?: keyof typeof TEMPLATES): TinyChat {
  const read = (file: string) => new Uint8Array(readFileSync(GOLDEN + file));
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const config = JSON.parse(new TextDecoder().decode(read('config.json'))) as object;
  const files = memoryFiles(
    {
      'config.json': bytes({ ...config, max_position_embeddings: 4096 }),
      'generation_config.json': read('generation_config.json'),
      'model.safetensors': read('model.safetensors'),
      'tokenizer.json': bytes(TOKENIZER),
      'tokenizer_config.json': bytes({
        ...{ tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '<pad>', bos_token: '<s>', eos_token: '</s>' },
        ...(template && { chat_template: TEMPLATES[template] }),
      }),
    },
    `tiny-${template ?? 'plain'}`,
  );
  const opened: string[] = [];
  return {
    opened,
    files: {
      ...files,
      open(path, ...rest) {
        opened.push(path);
        return files.open(path, ...rest);
      },
    },
  };
}
