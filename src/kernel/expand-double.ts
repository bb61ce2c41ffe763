/** Functions that are no ops of the kernel IR, of f64 scalars and as exact as those. Those of `expand.ts` take f64 through f32. */
export { expDouble } from "./expand/exp-double.ts";
export { logDouble } from "./expand/log-double.ts";
export { sigmoidDouble, softplusDouble } from "./expand/sigmoid-double.ts";
