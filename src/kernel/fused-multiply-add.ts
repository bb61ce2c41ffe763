const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;

/**
 * a*b + c of three f32 with one rounding to f32, as `fmaf`. The product is exact in doubles; the sum is rounded to odd
 * (TwoSum gives its error), so that the second rounding cannot see a false tie.
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const back = sum - product;
  const error = product - (sum - back) + (c - back);
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum);
  double[0] = sum;
  const low = words[LOW]!;
  if ((low & 1) === 0) {
    if (error > 0 === sum > 0) words[LOW] = low + 1;
    else {
      if (low === 0) words[1 - LOW] = words[1 - LOW]! - 1;
      words[LOW] = low - 1;
    }
  }
  return Math.fround(double[0]);
}
