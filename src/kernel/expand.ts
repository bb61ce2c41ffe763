/** Functions that are no ops of the kernel IR, written in its ops, so that every target computes the same. All take f32 terms of any lanes, and f64 scalars. */
export { erfFast, gelu, geluTanh, softplus, tanhFast } from "./expand/erf.ts";
export { expFast, sigmoid } from "./expand/exp.ts";
export { acosh, asinh, atanh, cosh, sinh } from "./expand/hyperbolic.ts";
export { log1pFast, logFast } from "./expand/log.ts";
export type { Expansion } from "./expand/polynomial.ts";
export { pow } from "./expand/pow.ts";
export { acos, asin, atan, cos, sin, tan } from "./expand/trigonometric.ts";
