import type { KernelBuilder, Term } from "../../kernel/build.ts";

/**
 * x * Φ(x) within 4e-7 * |x|, by a rational function of x² for erf: a third of the operations of the expansion that is exact in
 * relative terms, since activations behind a product of matrices are as inexact as that product.
 */
export function geluEpilogue(b: KernelBuilder, x: Term): Term {
  const at = (value: number): Term => b.constant(x.type, value);
  const held = b.let("x", x);
  const bounded = b.let("e", b.pmin(b.pmax(b.mul(held, at(Math.SQRT1_2)), at(-4)), at(4)));
  const square = b.let("q", b.mul(bounded, bounded));
  const horner = (coefficients: readonly number[]): Term => coefficients.slice(1).reduce((sum, c) => b.madd(sum, square, at(c)), at(coefficients[0]!));
  const above = b.let("n", b.mul(bounded, horner(ABOVE)));
  const half = b.let("h", b.mul(held, at(0.5)));
  return b.madd(half, b.div(above, horner(BELOW)), half);
}

/** erf(x) = x * ABOVE(x²) / BELOW(x²) for |x| <= 4, where it is 1 in f32: the coefficients of Eigen and XLA. */
const ABOVE = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2,
];
const BELOW = [-1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2];
