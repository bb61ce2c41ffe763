import type { GoldenCase } from "./golden.ts";

/** How far a result may be from the golden, by the rules of the corpus. */
export interface Rule {
  readonly name: string;
  /** |got - want| <= abs + rel * max(floor, |want|), floor is 1 unless given; or of the largest |want| where `ofMax`. */
  readonly rel: number;
  readonly abs: number;
  readonly floor?: number;
  readonly ofMax: boolean;
  readonly minCosine: number;
}

const FP32: Rule = { name: "fp32", rel: 1e-4, abs: 0, ofMax: false, minCosine: 0 };
const DEEP: Rule = { ...FP32, name: "deep", rel: 1e-3 };
const F16: Rule = { ...FP32, name: "fp16", rel: 5e-3 };
const BF16: Rule = { ...FP32, name: "bf16", rel: 3e-2 };
const DYNAMIC: Rule = { name: "dynamic int8", rel: 0.02, abs: 0, ofMax: true, minCosine: 0.999 };

const PRODUCTS = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "FusedConv",
  "FusedMatMul",
  "QLinearConv",
  "QLinearMatMul",
  "ConvInteger",
  "MatMulInteger",
]);
const EXP_LOG = ["Exp", "Log", "Pow", "Softplus"];

export interface ModelFacts {
  /** Nodes of the file by operator. */
  readonly opCounts: Readonly<Record<string, number>>;
  /** Scale of the last QuantizeLinear or QLinear* op, where the file has one. */
  readonly lastScale: number | undefined;
}

export function ruleFor(golden: GoldenCase, facts: ModelFacts): Rule {
  const opCounts: Record<string, number> = {};
  for (const [op, count] of Object.entries(facts.opCounts)) opCounts[op.split("::").at(-1)!] = (opCounts[op.split("::").at(-1)!] ?? 0) + count;
  const has = (op: string): boolean => (opCounts[op] ?? 0) > 0;
  const bits4 = golden.manifest["id"] === undefined ? "" : String(golden.manifest["id"]);
  if (golden.format.startsWith("generated")) {
    if (golden.inputs.some((t) => t.dtype === "bfloat16") || golden.outputs.some((t) => t.dtype === "bfloat16")) return BF16;
    if (/fp16/.test(bits4) || golden.outputs.some((t) => t.dtype === "float16")) return F16;
    if (has("DynamicQuantizeLinear") || has("DynamicQuantizeMatMul") || has("MatMulNBits")) return DYNAMIC;
    const quantized = has("QuantizeLinear") || Object.keys(opCounts).some((op) => op.startsWith("QLinear"));
    if (quantized && facts.lastScale !== undefined) return { name: "2 quanta", rel: 0, abs: 2.001 * facts.lastScale, ofMax: false, minCosine: 0.999 };
    return FP32;
  }
  const products = Object.entries(opCounts).reduce((n, [op, count]) => n + (PRODUCTS.has(op) ? count : 0), 0);
  if (has("QLinearConv") && facts.lastScale !== undefined) return { name: "1 quantum", rel: 0, abs: 1.001 * facts.lastScale, ofMax: false, minCosine: 0 };
  return products > 50 || EXP_LOG.some(has) ? DEEP : FP32;
}

const EXACT: Rule = { name: "exact", rel: 0, abs: 0, ofMax: false, minCosine: 0 };

/** Rules of single outputs: sums and leaves of trees are equal bit for bit, what objectives make of them nearly so. */
export function ruleForOutput(golden: GoldenCase, output: string): Rule | undefined {
  if (golden.format.endsWith("xgboost")) return output === "predict" ? { ...EXACT, name: "transform", abs: 1e-6 } : EXACT;
  if (!golden.format.endsWith("lightgbm")) return undefined;
  return output === "leaf" ? EXACT : { ...EXACT, name: "f64", rel: /linear_tree/.test(golden.name) ? 1e-12 : 1e-15, floor: 0 };
}

export interface Comparison {
  readonly ok: boolean;
  readonly maxAbs: number;
  readonly maxRel: number;
  readonly cosine: number;
  /** Largest error as a share of what is allowed. */
  readonly ofAllowed: number;
}

/** Elements i of `want` against i*stride of `got`. */
export function compareElements(
  got: ArrayLike<number | bigint | string>,
  want: ArrayLike<number | bigint | string>,
  stride: number,
  rule: Rule,
  exact: boolean,
): Comparison {
  let [maxAbs, maxRel, dot, gg, ww, ofAllowed, ok] = [0, 0, 0, 0, 0, 0, true];
  let largest = 0;
  if (rule.ofMax) for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(Number(want[i])));
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [got[i * stride], want[i]];
    if (typeof b === "string" || typeof b === "bigint" || exact) {
      if (a !== b) [ok, maxAbs] = [false, Math.max(maxAbs, typeof b === "string" ? 1 : Math.abs(Number(a) - Number(b)))];
      continue;
    }
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(y) ? Number.isNaN(x) : x === y) {
      [dot, gg, ww] = [dot + (Number.isFinite(x) ? x * y : 0), gg + (Number.isFinite(x) ? x * x : 0), ww + (Number.isFinite(y) ? y * y : 0)];
      continue;
    }
    const error = Math.abs(x - y);
    const allowed = rule.abs + rule.rel * (rule.ofMax ? largest : Math.max(rule.floor ?? 1, Math.abs(y)));
    if (!(error <= allowed)) ok = false;
    maxAbs = Math.max(maxAbs, Number.isNaN(error) ? Infinity : error);
    maxRel = Math.max(maxRel, error / Math.max(1e-30, Math.abs(y)));
    ofAllowed = Math.max(ofAllowed, error / allowed);
    [dot, gg, ww] = [dot + x * y, gg + x * x, ww + y * y];
  }
  const cosine = gg > 0 && ww > 0 ? dot / Math.sqrt(gg * ww) : 1;
  return { ok: ok && (exact || !(cosine < rule.minCosine)), maxAbs, maxRel, cosine, ofAllowed };
}
