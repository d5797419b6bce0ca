/** The published modules as they are, in a page without a bundler: each loads, and none needs Node. */
import { equal, failure, type Suite } from './check.ts';

/** Addresses of all modules but the command line's. */
const modules = (await (await fetch('/modules.json')).json()) as string[];
const POINTS = ['index', 'tensor/index', 'tokenizers/index', 'formats/index'].map(name => `/src/${name}.js`);

/** Module text without comments and strings. */
function code(text: string): string {
  return text
    .replace(/`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, quoted =>
      /^.node:/.test(quoted) ? quoted : "''",
    )
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

export const moduleSuite: Suite = {
  'loads every module of the package without a bundler': async () => {
    if ('process' in globalThis) throw new Error('there is a process here');
    for (const entry of POINTS) if (!modules.includes(entry)) throw new Error(`no ${entry}`);
    for (const path of modules) {
      // A failed import names no module.
      await import(path).catch((error: unknown) => {
        throw new Error(`${path}: ${error}`);
      });
    }
    return `${modules.length} modules`;
  },

  'uses Node behind a check only': async () => {
    const wrong: string[] = [];
    let users = 0;
    for (const path of modules) {
      const text = code(await (await fetch(path)).text());
      if (/from\s*'node:|^import\s*'node:/m.test(text)) wrong.push(`${path} imports a module of Node`);
      // `process` as a value of the system; a variable of that name has no such fields.
      const usesNode =
        /\bprocess\??\.(?:env|versions|version|platform|argv|getBuiltinModule|exit|memoryUsage|hrtime)\b|import\(\s*'node:/;
      if (!usesNode.test(text)) continue;
      users++;
      // `inNode` asks, and `nodeFiles` throws where there is no Node, before what follows it.
      if (!/typeof process|globalThis|inNode\(\)|await nodeFiles\(\)/.test(text))
        wrong.push(`${path} uses Node without a check`);
    }
    equal(wrong, [], 'modules');
    if (users === 0) throw new Error('nothing was found: the check does not see');
    return `${users} of ${modules.length} modules use Node, where it is there`;
  },

  'says that there is no file system': async () => {
    const { load, loadTokenizer, folderFiles } = await import('../../src/index.ts');
    const { openCheckpoint, fileSource, writeSafetensors } = await import('../../src/formats/index.ts');
    for (const [name, work] of Object.entries({
      load: () => load('./model'),
      loadTokenizer: () => loadTokenizer('model'),
      folderFiles: () => folderFiles('model').open('config.json'),
      openCheckpoint: () => openCheckpoint('model'),
      fileSource: () => fileSource('model.safetensors'),
      writeSafetensors: () => writeSafetensors('model.safetensors', []),
    })) {
      const message = await failure(work);
      if (!/^UnsupportedError: there is no file system here/.test(message)) throw new Error(`${name}: ${message}`);
    }
  },
};
