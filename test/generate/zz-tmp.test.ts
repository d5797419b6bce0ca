import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { it } from 'vitest';
import { generateAll } from '../../src/generate/generate.ts';
import { optionsFromConfig } from '../../src/generate/options.ts';
import type { Decoder } from '../../src/generate/decoder.ts';
const G = '/work/shared/golden';
it('all', async () => {
  const py = spawn('/tmp/genwork/v/bin/python', ['/tmp/genwork/server.py']);
  py.stderr.on('data', d => process.stderr.write(d));
  const lines = createInterface(py.stdout)[Symbol.asyncIterator]();
  const ask = async (q: object) => { py.stdin.write(JSON.stringify(q) + '\n'); const a = JSON.parse((await lines.next()).value as string); if (a.error) throw new Error(a.error); return a; };
  let okAll = 0, badAll = 0; let worst = 0;
  for (const name of readdirSync(G)) {
    if (!existsSync(`${G}/${name}/generation.json`) || name === 'lstm-lm') continue;
    const g = JSON.parse(readFileSync(`${G}/${name}/generation.json`, 'utf8'));
    const cls = JSON.parse(readFileSync(`${G}/${name}/golden.json`, 'utf8')).class;
    const cfg = JSON.parse(readFileSync(`${G}/${name}/config.json`, 'utf8'));
    const V = cfg.vocab_size;
    try { await ask({ load: `${G}/${name}`, cls }); } catch (e) { console.log(name, 'LOAD', String(e).slice(0, 200)); continue; }
    const res: string[] = [];
    for (const [cname, c] of Object.entries<any>(g.cases)) {
      const inp = g.prompts[c.inputs];
      const enc = g.decoder_start_token_id !== undefined;
      const decoder: Decoder = {
        vocabSize: V, contextLength: undefined,
        open({ batch }) {
          let rows = Array.from({ length: batch }, (_, p) => ({ p, ids: [] as number[], mask: [] as number[] }));
          return {
            get length() { return rows[0]!.ids.length; },
            async step(ids, mask) {
              rows = rows.map((r, i) => ({ p: r.p, ids: [...r.ids, ...ids[i]!], mask: [...r.mask, ...(mask?.[i] ?? ids[i]!.map(() => 1))] }));
              const a = await ask({ ids: rows.map(r => r.ids), mask: rows.map(r => r.mask), ...(enc && { enc: rows.map(r => inp.input_ids[r.p]), encmask: rows.map(r => inp.attention_mask[r.p]) }) });
              return a.logits.map((l: number[]) => Float32Array.from(l));
            },
            async reorder(ps) { rows = ps.map(p => rows[p]!); },
            trim() {}, dispose() {},
          };
        },
      };
      const prompts = enc ? inp.input_ids.map(() => [g.decoder_start_token_id]) : inp.input_ids.map((r: number[], i: number) => r.filter((_, j) => inp.attention_mask[i][j] === 1));
      const opts = { ...optionsFromConfig(c.kwargs), maxNewTokens: 20, logprobs: true, padTokenId: g.pad_token_id };
      try {
        const d = await generateAll(decoder, prompts, opts);
        const same = JSON.stringify(d.sequences.map(s => s.ids)) === JSON.stringify(c.new_tokens);
        let err = 0;
        c.token_logprobs?.forEach((r: number[], i: number) => r.forEach((x, j) => { err = Math.max(err, Math.abs(x - d.sequences[i]!.logprobs![j]!)); }));
        c.sequences_scores?.forEach((x: number, i: number) => { err = Math.max(err, Math.abs(x - d.sequences[i]!.score!)); });
        if (same) okAll++; else badAll++;
        if (same) worst = Math.max(worst, err);
        res.push(`${cname}:${same ? 'ok' : 'DIFF'} ${err.toExponential(1)}`);
      } catch (e) { badAll++; res.push(cname + ' ERR ' + String(e).slice(0, 150)); }
    }
    console.log(name, res.join(' | '));
  }
  console.log('OK', okAll, 'BAD', badAll, 'worst', worst);
  py.stdin.end();
}, 600000);
