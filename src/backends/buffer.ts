/** A buffer the lowering hands to kernels: an input, output, weight segment or arena range, decided later by the planner. */
export interface Buffer {
  readonly id: number;
}
