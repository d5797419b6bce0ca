/** `heed completion`: what makes a shell complete heed's commands and options. */
import { nearest } from '../../util/nearest.ts';
import { defineCommand, UsageError } from '../command.ts';
import { completionScript, SHELLS } from '../shell-completion.ts';
import { COMMANDS } from './index.ts';

export const completion = defineCommand({
  name: 'completion',
  summary: 'writes a script with which a shell completes commands, options and names of models.',
  positionals: [{ name: 'SHELL', help: `${SHELLS.join(', ')}: the shell that is to complete` }],
  options: {},
  examples: [
    { line: 'heed completion bash > heed-completion.bash', does: 'then: source heed-completion.bash' },
    { line: 'heed completion zsh > _heed', does: 'into a folder of $fpath' },
    { line: 'heed completion fish > heed.fish', does: 'into ~/.config/fish/completions' },
  ],
  async run({ positionals: [name], terminal }) {
    const shell = SHELLS.find(known => known === name);
    if (!shell) {
      const guess = nearest(name!, SHELLS);
      throw new UsageError(
        `no completion for the shell ${name}${guess ? `; did you mean ${guess}?` : `: it is one of ${SHELLS.join(', ')}`}`,
        'completion',
      );
    }
    terminal.write(await completionScript(shell, COMMANDS));
  },
});
