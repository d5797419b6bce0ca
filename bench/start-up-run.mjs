/** The measured process of `start-up.ts`: imports the built package, loads the tiny GPT-2 and takes one token. */
const start = performance.now();
const { load } = await import('../dist/index.js');
const imported = performance.now();
const model = await load(new URL('../test/golden/data/gpt2', import.meta.url).pathname);
const loaded = performance.now();
for await (const _ of model.generateIds([[1, 2, 3]], { maxNewTokens: 1 }));
const first = performance.now();
console.log(
  JSON.stringify({
    import: imported - start,
    'start backend and load': loaded - imported,
    'first token': first - loaded,
    'all of it': first - start,
    'process start to first token': first,
  }),
);
process.exit(0);
