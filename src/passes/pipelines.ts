import { boundExtents } from "./bound-extents.ts";
import { commonSubexpressions } from "./common-subexpressions.ts";
import { foldConstants } from "./fold-constants.ts";
import { fuseElementwise } from "./fuse-elementwise.ts";
import type { Pass } from "./pass.ts";
import type { Rule } from "./pattern.ts";
import { eraseDead, rewrite } from "./rewrite.ts";
import { activationRules } from "./rules/activation.ts";
import { algebraRules } from "./rules/algebra.ts";
import { epilogueFusionRules } from "./rules/epilogue.ts";
import { attentionRules, sharedHeadRules } from "./rules/attention.ts";
import { batchNormRules, linearRules } from "./rules/linear.ts";
import { movementRules } from "./rules/movement.ts";
import { normalisationRules } from "./rules/normalisation.ts";
import { paddingRules } from "./rules/padding.ts";
import { elementwiseRules, quantisedRules } from "./rules/quantised.ts";
import { quantisedMeanRules } from "./rules/quantised-means.ts";
import { settleRegions } from "./settle-regions.ts";
import { sinkTransposes } from "./sink-transposes.ts";
import { weightOnlyRules } from "./rules/weight-only.ts";
import { widenHalf } from "./widen-half.ts";

function rulesPass(name: string, summary: string, rules: readonly Rule[]): Pass {
  return { name, summary, run: (graph) => rewrite(graph, rules) };
}

const canonicalRules: readonly Rule[] = [...algebraRules, ...movementRules, ...paddingRules, ...sharedHeadRules];
const patternRules: readonly Rule[] = [...activationRules, ...normalisationRules, ...attentionRules];

const canonicalize = rulesPass("canonicalize", "applies the small laws: x + 0 = x, transposes cancel, clips merge", canonicalRules);
export const foldQuantised = rulesPass("fold-quantised", "makes integer arithmetic of dequantise, compute, quantise", [
  ...quantisedRules,
  ...quantisedMeanRules,
]);
export const keepCodes = rulesPass("keep-codes", "multiplies by constant weights in 4 or 8 bits as they are stored", weightOnlyRules);
export const expandQuantised = rulesPass("expand-quantised", "writes quantise and dequantise as elementwise ops", elementwiseRules);
const fusePatterns = rulesPass("fuse-patterns", "recognises LayerNorm, GELU, softmax, hard-swish, attention", patternRules);
export const foldLinear = rulesPass("fold-linear", "folds batch norms, scales and biases into weights", linearRules);
export const expandBatchNorm = rulesPass("expand-batch-norm", "writes a batch norm that met no conv as multiply and add", batchNormRules);
export const fuseEpilogues = rulesPass("fuse-epilogues", "puts residuals and activations behind convs and linear layers", epilogueFusionRules);
export const deadCode: Pass = { name: "dead-code", summary: "erases what nobody reads", run: (graph) => eraseDead(graph) };

/** Every rule of every pass. */
export const RULES: readonly Rule[] = [
  ...quantisedRules,
  ...quantisedMeanRules,
  ...weightOnlyRules,
  ...elementwiseRules,
  ...canonicalRules,
  ...patternRules,
  ...linearRules,
  ...batchNormRules,
  ...epilogueFusionRules,
];

/** Every pass by name, for `neo opt --passes`. */
export const PASSES: readonly Pass[] = [
  foldQuantised,
  keepCodes,
  boundExtents,
  canonicalize,
  foldConstants,
  commonSubexpressions,
  deadCode,
  fusePatterns,
  foldLinear,
  expandBatchNorm,
  sinkTransposes,
  settleRegions,
  widenHalf,
  fuseEpilogues,
  expandQuantised,
  fuseElementwise,
];

/** The order in which a model is made smaller. Still logical: any target, any executor. */
export const SIMPLIFY: readonly Pass[] = [
  boundExtents,
  deadCode,
  settleRegions,
  foldQuantised,
  keepCodes,
  foldConstants,
  settleRegions,
  canonicalize,
  commonSubexpressions,
  fusePatterns,
  foldLinear,
  expandBatchNorm,
  foldConstants,
  canonicalize,
  sinkTransposes,
  canonicalize,
  foldLinear,
  foldConstants,
  commonSubexpressions,
  deadCode,
];

/** What prepares for kernels of the CPU. */
export const FOR_CPU: readonly Pass[] = [widenHalf, canonicalize, fuseEpilogues, foldConstants, expandQuantised, fuseElementwise, deadCode];

export const PIPELINES: Readonly<Record<string, readonly Pass[]>> = { simplify: SIMPLIFY, cpu: [...SIMPLIFY, ...FOR_CPU] };

/** Passes of a list of names of passes and pipelines, in order; or the first name that is neither. */
export function passesByName(names: readonly string[]): { readonly passes: readonly Pass[] } | { readonly unknown: string; readonly names: readonly string[] } {
  const passes: Pass[] = [];
  for (const name of names) {
    const found = PIPELINES[name] ?? PASSES.filter((pass) => pass.name === name);
    if (found.length === 0) return { unknown: name, names: [...PASSES.map((pass) => pass.name), ...Object.keys(PIPELINES)] };
    passes.push(...found);
  }
  return { passes };
}
