/**
 * Completion scripts for shells, written from the tables of the commands: names of commands and options, the choices of an
 * option, files where an option takes one, and for MODEL the names of the models that come with heed.
 */
import { BUNDLED } from '../hub/bundled.ts';
import type { Command, Option } from './command.ts';
import type { CommandEntry } from './commands/index.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Described {
  readonly entry: CommandEntry;
  readonly command: Command;
}

/** The script that a shell is to read. */
export async function completionScript(shell: Shell, entries: readonly CommandEntry[]): Promise<string> {
  const all = await Promise.all(entries.map(async entry => ({ entry, command: await entry.load() })));
  return { bash, zsh, fish }[shell](all);
}

const HELP: Option = { kind: 'flag', short: 'h', help: 'show this help' };
const optionsOf = ({ command }: Described): [string, Option][] => Object.entries({ ...command.options, help: HELP });
/** Words that may stand for an option's value; none where it is any text. */
const choicesOf = (option: Option): readonly string[] => (option.kind === 'flag' ? [] : (option.choices ?? []));
const takesPath = (option: Option): boolean =>
  option.kind !== 'flag' && !option.choices && /FILE|DIR|FOLDER|PATH|MODEL/.test(option.value);

/** Words that may stand for an argument: models by name, commands for `help`. Files are completed besides. */
function argumentWords({ command }: Described, all: readonly Described[]): readonly string[] {
  if (command.name === 'help') return all.map(({ entry }) => entry.name);
  if (command.name === 'completion') return SHELLS;
  return command.positionals.some(({ name }) => /MODEL|SOURCE|TOKENIZER/.test(name)) ? BUNDLED : [];
}
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

// ---- bash: one function that looks at the word before, and at the command
function bash(all: readonly Described[]): string {
  const cases = all.map(described => {
    const options = optionsOf(described);
    const names = options.flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])]);
    const pattern = ([name, { short }]: [string, Option]) => (short ? `--${name}|-${short}` : `--${name}`);
    const values = options.flatMap(option => {
      const [, form] = option;
      if (form.kind === 'flag') return [];
      const choices = choicesOf(form);
      const then = choices.length
        ? `words=${quoted(choices.join(' '))} files=`
        : takesPath(form)
          ? 'words= files=1'
          : 'words= files=';
      return [`        ${pattern(option)}) ${then} ;;`];
    });
    return [
      `    ${described.entry.name})`,
      `      options=${quoted(names.join(' '))}`,
      `      words=${quoted(argumentWords(described, all).join(' '))} files=1`,
      ...(values.length ? ['      case $before in', ...values, '      esac', '      ;;'] : ['      ;;']),
    ].join('\n');
  });
  return `# bash completion of heed: heed completion bash > ~/.local/share/bash-completion/completions/heed
_heed() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} options= words= files=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...all.map(({ entry }) => entry.name), '--help', '--version'].join(' '))} -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")); return ;;
  esac
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "\${words// /$IFS}" -- "$word"))
  if [ -n "$files" ]; then
    COMPREPLY+=($(compgen -f -- "$word"))
    compopt -o filenames 2>/dev/null
  fi
}
complete -F _heed heed
`;
}

// ---- zsh: a list of specifications for _arguments
function zsh(all: readonly Described[]): string {
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, '\\$&');
  const option = ([name, form]: [string, Option]) => {
    const long = `--${name}`;
    const value =
      form.kind === 'flag'
        ? ''
        : `:${escaped(form.value)}:${choicesOf(form).length ? `(${choicesOf(form).join(' ')})` : takesPath(form) ? '_files' : ' '}`;
    const several = form.kind === 'list' ? '*' : '';
    const spec = (text: string) => quoted(`${several}${text}[${escaped(form.help)}]${value}`);
    return [spec(long), ...(form.short ? [spec(`-${form.short}`)] : [])];
  };
  const cases = all.map(described => {
    const words = argumentWords(described, all);
    const argument = words.length ? `*:argument:{ compadd -- ${words.join(' ')}; _files }` : '*:argument:_files';
    const specs = [...optionsOf(described).flatMap(option), quoted(argument)];
    return `    ${described.entry.name}) _arguments -s ${specs.map(spec => `\\\n        ${spec}`).join(' ')} ;;`;
  });
  const names = all.map(({ entry }) => `    ${quoted(`${entry.name}:${escaped(entry.summary)}`)}`);
  return `#compdef heed
# zsh completion of heed: heed completion zsh > a folder of $fpath, as _heed
_heed() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _heed ]; then _heed "$@"; else compdef _heed heed; fi
`;
}

// ---- fish: a line for each thing that may stand
function fish(all: readonly Described[]): string {
  const lines = all.flatMap(described => {
    const { name, summary } = described.entry;
    const within = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    const words = argumentWords(described, all);
    return [
      `complete -c heed -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...(words.length ? [`complete -c heed ${within} -a ${quoted(words.join(' '))}`] : []),
      ...optionsOf(described).map(([long, form]) => {
        const choices = choicesOf(form);
        const value =
          form.kind === 'flag'
            ? ''
            : choices.length
              ? ` -x -a ${quoted(choices.join(' '))}`
              : takesPath(form)
                ? ' -r -F'
                : ' -x';
        const short = form.short ? ` -s ${form.short}` : '';
        return `complete -c heed ${within} -l ${long}${short}${value} -d ${quoted(form.help)}`;
      }),
    ];
  });
  return `# fish completion of heed: heed completion fish > ~/.config/fish/completions/heed.fish
complete -c heed -n __fish_use_subcommand -f
${lines.join('\n')}
`;
}
