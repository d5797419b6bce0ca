/** `heed help`: the page of a command, or of all of them. */
import { defineCommand } from '../command.ts';
import { commandHelp, overview } from '../help.ts';
import { COMMANDS, commandNamed } from './index.ts';

export const help = defineCommand({
  name: 'help',
  summary: 'shows what the commands are, or the options and examples of one.',
  positionals: [{ name: '[COMMAND]', help: 'the command to explain; nothing lists them all' }],
  options: {},
  examples: [
    { line: 'heed help', does: 'all commands' },
    { line: 'heed help run', does: 'one of them' },
  ],
  async run({ positionals: [name], terminal }) {
    terminal.write(name === undefined ? overview(COMMANDS, terminal) : commandHelp(await commandNamed(name), terminal));
  },
});
