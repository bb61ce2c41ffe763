/** Numbers in [0, 1) from a seed, so that a failure can be repeated. */
export function randomUnits(count: number, seed: number): number[] {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  return Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  });
}
