/** Which parameters weight decay pulls towards zero. */
import type { ParamSpec } from '../nn/params.ts';

/** Chooses parameters by name and declaration. */
export type ParameterChoice = (name: string, spec: ParamSpec) => boolean;

/** Matrices decay; norms, biases and all else of one dimension do not. Loshchilov and Hutter 2019; Brown et al. 2020. */
export const decaysByDefault: ParameterChoice = (_, { shape }) => shape.length >= 2;
/** As by default, but for tables that are looked up. */
export const decaysWithoutTables: ParameterChoice = (_, { shape, table }) => shape.length >= 2 && !table;
