import type { KernelBuilder, Term } from "../../kernel/build.ts";

/** F(m x m, 3x3): output tiles of m x m from input tiles of (m+2) x (m+2), as (m+2)² products in the transformed domain. */
export type WinogradSize = 2 | 4;

const WEIGHT_MATRIX: Readonly<Record<WinogradSize, readonly (readonly number[])[]>> = {
  2: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  4: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
};

/** G g Gᵀ of every filter: w[rows, 3, 3] to [(m+2)², rows]. */
export function transformWeights(m: WinogradSize, w: ArrayLike<number>): Float32Array {
  const rows = w.length / 9;
  const g = WEIGHT_MATRIX[m];
  const side = m + 2;
  const out = new Float32Array(side * side * rows);
  const half = new Float64Array(side * 3);
  for (let row = 0; row < rows; row++) {
    const at = row * 9;
    for (let i = 0; i < side; i++) {
      const [x, y, z] = g[i] as [number, number, number];
      for (let q = 0; q < 3; q++) half[i * 3 + q] = x * w[at + q]! + y * w[at + 3 + q]! + z * w[at + 6 + q]!;
    }
    for (let j = 0; j < side; j++) {
      const [x, y, z] = g[j] as [number, number, number];
      for (let i = 0; i < side; i++) out[(i * side + j) * rows + row] = x * half[i * 3]! + y * half[i * 3 + 1]! + z * half[i * 3 + 2]!;
    }
  }
  return out;
}

/** Arithmetic of the one-dimensional transforms over vectors; `hold` puts a value used twice into a register. */
export class WinogradMath {
  private readonly b: KernelBuilder;
  private readonly hold: (name: string, value: Term) => Term;

  constructor(b: KernelBuilder, hold: (name: string, value: Term) => Term) {
    this.b = b;
    this.hold = hold;
  }

  /** Bᵀ d */
  input(m: WinogradSize, d: readonly Term[]): Term[] {
    const { b } = this;
    const [d0, d1, d2, d3, d4, d5] = d as [Term, Term, Term, Term, Term, Term];
    if (m === 2) return [b.sub(d0, d2), b.add(d1, d2), b.sub(d2, d1), b.sub(d1, d3)];
    const p = this.hold("p", this.times(-4, d2, d4));
    const q = this.hold("q", this.times(-4, d1, d3));
    const r = this.hold("r", b.sub(d4, d2));
    const s = this.hold("s", b.mul(this.constant(d0, 2), b.sub(d3, d1)));
    return [this.times(4, d0, this.times(-5, d2, d4)), b.add(p, q), b.sub(p, q), b.add(r, s), b.sub(r, s), this.times(4, d1, this.times(-5, d3, d5))];
  }

  /** Aᵀ d */
  output(m: WinogradSize, d: readonly Term[]): Term[] {
    const { b } = this;
    const [d0, d1, d2, d3, d4, d5] = d as [Term, Term, Term, Term, Term, Term];
    if (m === 2) return [b.add(d0, b.add(d1, d2)), b.sub(b.sub(d1, d2), d3)];
    const p = this.hold("p", b.add(d1, d2));
    const q = this.hold("q", b.sub(d1, d2));
    const r = this.hold("r", b.add(d3, d4));
    const s = this.hold("s", b.sub(d3, d4));
    return [b.add(d0, b.add(p, r)), this.times(2, s, q), this.times(4, r, p), b.add(this.times(8, s, q), d5)];
  }

  /** factor * x + y */
  private times(factor: number, x: Term, y: Term): Term {
    return this.b.madd(this.constant(x, factor), x, y);
  }

  private constant(like: Term, value: number): Term {
    return this.b.constant(like.type, value);
  }
}
