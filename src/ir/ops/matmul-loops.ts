/** Matrix products of one batch, by what their elements are: doubles, integers that wrap at 32 bits, bigints. */

export interface MatrixSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** y[m,n] = sum of a[m,k] * b[k,n], starting at the offsets. */
export function multiplyDoubles(a: Float64Array, atA: number, b: Float64Array, atB: number, y: Float64Array, atY: number, { m, n, k }: MatrixSize): void {
  for (let i = 0; i < m; i++) {
    const row = atY + i * n;
    for (let p = 0; p < k; p++) {
      const factor = a[atA + i * k + p]!;
      const line = atB + p * n;
      for (let j = 0; j < n; j++) y[row + j]! += factor * b[line + j]!;
    }
  }
}

export function multiplyInt32(a: Int32Array, atA: number, b: Int32Array, atB: number, y: Int32Array, atY: number, { m, n, k }: MatrixSize): void {
  for (let i = 0; i < m; i++) {
    const row = atY + i * n;
    for (let p = 0; p < k; p++) {
      const factor = a[atA + i * k + p]!;
      const line = atB + p * n;
      for (let j = 0; j < n; j++) y[row + j] = (y[row + j]! + Math.imul(factor, b[line + j]!)) | 0;
    }
  }
}

export function multiplyWide(a: BigInt64Array, atA: number, b: BigInt64Array, atB: number, y: BigInt64Array, atY: number, { m, n, k }: MatrixSize): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = 0n;
      for (let p = 0; p < k; p++) total += a[atA + i * k + p]! * b[atB + p * n + j]!;
      y[atY + i * n + j] = total;
    }
  }
}

/** y[row, col] = sum over k of x[row, k] * w[col, k]. */
export function dotRows(x: Float64Array, w: Float64Array, { m, n, k }: MatrixSize): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = 0;
      for (let p = 0, a = i * k, b = j * k; p < k; p++) total += x[a + p]! * w[b + p]!;
      y[i * n + j] = total;
    }
  }
  return y;
}
