/** How far one tensor is from another. */
export interface TensorDifference {
  readonly name: string;
  readonly elements: number;
  readonly maxAbs: number;
  readonly meanAbs: number;
  /** Largest |a - b| / |b| over elements that are not tiny beside the largest. */
  readonly maxRel: number;
  readonly rmse: number;
  readonly cosine: number;
  /** 10 log10(signal / error); infinite where they are equal. */
  readonly sqnrDb: number;
  readonly topEqual: boolean;
  /** Largest error over 1e-3 * max(1, |b|). */
  readonly ratio: number;
  /** Absolute tolerance that would just accept it. */
  readonly requiredTolerance: number;
}

interface Elements {
  readonly dtype: string;
  readonly data: ArrayLike<number | bigint>;
}

export function compareTensors(name: string, got: Elements, want: Elements): TensorDifference {
  const n = want.data.length;
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(Number(want.data[i])) || 0);
  let [maxAbs, sumAbs, maxRel, square, dot, aa, bb, ratio, topA, topB] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [a, b] = [Number(got.data[i]), Number(want.data[i])];
    if (a > Number(got.data[topA])) topA = i;
    if (b > Number(want.data[topB])) topB = i;
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) {
      if (Number.isFinite(a)) [dot, aa, bb] = [dot + a * b, aa + a * a, bb + b * b];
      continue;
    }
    const error = Number.isNaN(a - b) ? Infinity : Math.abs(a - b);
    maxAbs = Math.max(maxAbs, error);
    sumAbs += error;
    if (Math.abs(b) > 1e-3 * largest) maxRel = Math.max(maxRel, error / Math.abs(b));
    ratio = Math.max(ratio, error / (1e-3 * Math.max(1, Math.abs(b))));
    [square, dot, aa, bb] = [square + error * error, dot + a * b, aa + a * a, bb + b * b];
  }
  const same = got.data.length === n;
  return {
    name,
    elements: n,
    maxAbs: same ? maxAbs : Infinity,
    meanAbs: n > 0 ? sumAbs / n : 0,
    maxRel: same ? maxRel : Infinity,
    rmse: n > 0 ? Math.sqrt(square / n) : 0,
    cosine: aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : aa === bb ? 1 : 0,
    sqnrDb: square > 0 ? 10 * Math.log10(bb / square) : Infinity,
    topEqual: topA === topB,
    ratio: same ? ratio : Infinity,
    requiredTolerance: same ? maxAbs : Infinity,
  };
}
