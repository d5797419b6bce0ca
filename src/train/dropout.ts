/**
 * Dropout as an edit of the graph (Srivastava et al. 2014): models know nothing of it. It acts where the published models have
 * it: on the embeddings, on what attention and feed-forward layers add to the residual stream, and, where it is asked for, on
 * the attention pattern.
 */
import { ConfigError } from '../errors.ts';
import { withInputs } from '../tensor/graph.ts';
import { dropout, replace, rewrite, type Tensor, trace } from '../tensor/index.ts';
import { inScope } from '../tensor/scope.ts';

/** Names of the tensors: what enters the first block, and what each block adds. */
const STREAM = /(^|\.)(blocks\.0\.resid_pre|blocks\.\d+\.(attn|cross|mlp)\.out)$/;
const PATTERN = /\.(attn|cross)\.pattern$/;

export interface DropoutOptions {
  /** Share of the embeddings and of what layers add. */
  readonly dropout: number;
  /** Share of the attention pattern. */
  readonly attentionDropout: number;
  /** i32 `[]`, another one in each batch. */
  readonly seed: Tensor;
}

/**
 * The graph of a loss in which elements are left out at random; the others grow, so that the mean stays.
 * @throws ConfigError when the model has no tensor of these names
 */
export function withDropout(loss: Tensor, { dropout: p, attentionDropout, seed }: DropoutOptions): Tensor {
  let place = 0;
  const drop = (x: Tensor, share: number) => inScope(x.path, () => dropout(x, share, seed.add(place++)));
  let [dropped] = [loss];
  if (p > 0)
    [dropped] = rewrite([loss], (node, inputs) =>
      node.labels.some(label => STREAM.test(label)) ? drop(withInputs(node, inputs), p) : undefined,
    ) as [Tensor];
  if (attentionDropout > 0)
    for (const name of trace(dropped).names.filter(name => PATTERN.test(name)))
      dropped = replace(dropped, name, x => drop(x, attentionDropout));
  if (place > 0 || (p === 0 && attentionDropout === 0)) return dropped;
  throw new ConfigError('this model has no place for dropout', {
    expected: 'tensors named blocks.0.attn.out, blocks.0.mlp.out ...',
    fix: 'set dropout and attentionDropout to 0',
  });
}
