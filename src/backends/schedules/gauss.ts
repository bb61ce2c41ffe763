/** A rule of quadrature over 0 to 1. */
export interface Quadrature {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

/** Gauss and Legendre's rule of `count` points: exact for polynomials of degree 2 count - 1. */
export function gaussLegendre(count: number): Quadrature {
  const points = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    // Newton's steps from near the root of the Legendre polynomial, on -1 to 1.
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let step = 0; step < 100; step++) {
      const { value, slope: found } = legendre(count, x);
      const next = x - value / found;
      slope = found;
      if (Math.abs(next - x) < 1e-16) break;
      x = next;
    }
    points[i] = (1 + x) / 2;
    weights[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return { points, weights };
}

function legendre(degree: number, x: number): { readonly value: number; readonly slope: number } {
  let [before, value] = [1, x];
  for (let k = 2; k <= degree; k++) [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  if (degree === 0) [before, value] = [0, 1];
  return { value, slope: (degree * (x * value - before)) / (x * x - 1) };
}
