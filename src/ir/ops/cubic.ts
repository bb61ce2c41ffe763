/** Keys' cubic convolution: weight of a pixel at a distance, 0 from 2 on. */
export function cubicWeight(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** Weights of the pixels -1, 0, 1 and 2 away for a place `ratio` behind pixel 0. */
export function cubicWeights(ratio: number, a: number): number[] {
  return [-1, 0, 1, 2].map((pixel) => cubicWeight(pixel - ratio, a));
}
