/** What a model is worth on texts that it has not seen: perplexity, BLEU with an interval, and whether beams are better. */
import { load } from 'heed';
import { bleuCounts, bootstrap, compareSystems, perplexities, textLogLikelihoods } from 'heed/evaluate';
import { createChoices, sampleDocument } from '../kleinwelt/index.ts';
import { translationRows } from '../kleinwelt/tasks/index.ts';

const [TEXTS, ROWS] = [20, 40];
const writer = await load('kleinwelt-llama');
const texts = Array.from({ length: TEXTS }, (_, i) => sampleDocument(createChoices(11, i), { split: 'test' }).text);
const { perplexity, bitsPerByte } = perplexities(await textLogLikelihoods(writer, texts));
console.log(`perplexity ${perplexity.toFixed(2)} per token, ${bitsPerByte.toFixed(3)} bits per byte`);
writer.dispose();

const translator = await load('kleinwelt-marian');
const rows = translationRows({ seed: 12, split: 'test', language: 'de' });
const pairs = Array.from({ length: ROWS }, () => rows.next().value as { source: string; target: string });
async function counts(numBeams: number) {
  const written: string[] = [];
  for await (const event of translator.generate(
    pairs.map(({ source }) => source),
    { numBeams, maxNewTokens: 48 },
  ))
    if (event.type === 'done') written.push(...event.sequences.map(({ text }) => text.trim()));
  return bleuCounts(
    written,
    pairs.map(({ target }) => [target]),
  );
}
const [greedy, beams] = [await counts(1), await counts(3)];
const { value, low, high } = bootstrap(greedy.rows, greedy.statistic, { seed: 1 });
console.log(`BLEU ${value.toFixed(1)}, 95 % from ${low.toFixed(1)} to ${high.toFixed(1)}, on ${ROWS} sentences`);
const { difference, p } = compareSystems(beams.rows, greedy.rows, greedy.statistic);
console.log(`three beams: ${difference.toFixed(1)} points more; p = ${p.toFixed(2)}`);
translator.dispose();
