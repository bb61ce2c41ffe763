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

/**
 * y[i, j] = sum over k of a[i, k] * b[j, k] for `size.m` rows of a and `size.n` of b, k in ascending order. Row i of y begins at
 * `atY + i * strideY`. Four rows by two at a time, so that each load serves several products.
 */
export function dotRows(a: Float64Array, atA: number, b: Float64Array, y: Float64Array, atY: number, strideY: number, { m, n, k }: MatrixSize): void {
  for (let i = 0; i < m; i += 4) {
    const a0 = atA + i * k;
    // Rows that are not there are the first again, and not stored.
    const a1 = i + 1 < m ? a0 + k : a0;
    const a2 = i + 2 < m ? a0 + 2 * k : a0;
    const a3 = i + 3 < m ? a0 + 3 * k : a0;
    for (let j = 0; j < n; j += 2) {
      const b0 = j * k;
      const b1 = j + 1 < n ? b0 + k : b0;
      let s00 = 0,
        s01 = 0,
        s10 = 0,
        s11 = 0,
        s20 = 0,
        s21 = 0,
        s30 = 0,
        s31 = 0;
      for (let p = 0; p < k; p++) {
        const u = b[b0 + p]!;
        const v = b[b1 + p]!;
        s00 += a[a0 + p]! * u;
        s01 += a[a0 + p]! * v;
        s10 += a[a1 + p]! * u;
        s11 += a[a1 + p]! * v;
        s20 += a[a2 + p]! * u;
        s21 += a[a2 + p]! * v;
        s30 += a[a3 + p]! * u;
        s31 += a[a3 + p]! * v;
      }
      const to = atY + i * strideY + j;
      const wide = j + 1 < n;
      y[to] = s00;
      if (wide) y[to + 1] = s01;
      if (i + 1 < m) y[to + strideY] = s10;
      if (i + 1 < m && wide) y[to + strideY + 1] = s11;
      if (i + 2 < m) y[to + 2 * strideY] = s20;
      if (i + 2 < m && wide) y[to + 2 * strideY + 1] = s21;
      if (i + 3 < m) y[to + 3 * strideY] = s30;
      if (i + 3 < m && wide) y[to + 3 * strideY + 1] = s31;
    }
  }
}
