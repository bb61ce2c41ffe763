import type { KernelBuilder, Term } from "../build.ts";

/** A function of f32 terms as statements and an expression of a kernel. Scalars of f64 go through f32. */
export type Expansion = (k: KernelBuilder, x: Term) => Term;

/** c[0]*x^n + … + c[n], by Horner's rule. */
export function polynomial(k: KernelBuilder, x: Term, coefficients: readonly number[]): Term {
  const [first, ...rest] = coefficients;
  return rest.reduce((sum, c) => k.madd(sum, x, k.constant(x.type, c)), k.constant(x.type, first!));
}

/** Takes f64 scalars to f32 and back. */
export function single(expansion: Expansion): Expansion {
  return (k, x) => {
    const wide = "elem" in x.type && x.type.elem === "f64";
    return wide ? k.convert(expansion(k, k.convert(x, "f32")), "f64") : expansion(k, k.let("x", x));
  };
}

/** Two f32 terms, or two of f64. */
export function single2(expansion: (k: KernelBuilder, x: Term, y: Term) => Term): (k: KernelBuilder, x: Term, y: Term) => Term {
  return (k, x, y) => {
    const wide = "elem" in x.type && x.type.elem === "f64";
    if (wide) return k.convert(expansion(k, k.let("x", k.convert(x, "f32")), k.let("y", k.convert(y, "f32"))), "f64");
    return expansion(k, k.let("x", x), k.let("y", y));
  };
}

export function integers(k: KernelBuilder, like: Term, value: number): Term {
  return k.constant("mask" in like.type ? like.type : { elem: "i32", lanes: like.type.lanes }, value);
}

/** `magnitude` >= 0 with the sign bit of `sign`. */
export function withSign(k: KernelBuilder, magnitude: Term, sign: Term): Term {
  const bit = k.and(k.bitcast(sign, "i32"), integers(k, sign, -(2 ** 31)));
  return k.bitcast(k.or(k.bitcast(magnitude, "i32"), bit), "f32");
}

export function isNaN(k: KernelBuilder, x: Term): Term {
  return k.compare("ne", x, x);
}
