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
  /** Kullback-Leibler divergence in nats, mean of the rows; NaN where they are no distributions. */
  readonly kl: number;
  readonly topEqual: boolean;
  /** Largest error over what is usual for the dtype: 1 and less is no finding. */
  readonly ratio: number;
  /** Absolute tolerance that would just accept it. */
  readonly requiredTolerance: number;
  /** Where the error is largest; undefined where they are equal. */
  readonly worst: { readonly index: readonly number[]; readonly found: number; readonly wanted: number } | undefined;
  /** With a k: rows (along the last axis) whose k largest are the same elements, and the mean share of those that are. */
  readonly topk: { readonly k: number; readonly rows: number; readonly equalRows: number; readonly overlap: number } | undefined;
}

interface Elements {
  readonly dtype: string;
  readonly data: ArrayLike<number | bigint | string>;
}

interface Wanted extends Elements {
  readonly shape: readonly number[];
}

export function compareTensors(name: string, got: Elements, want: Wanted, topk?: number): TensorDifference {
  if (want.dtype === "string") return compareTexts(name, got, want);
  const n = want.data.length;
  const same = got.data.length === n;
  const usual = usualError(want);
  let [maxAbs, sumAbs, maxRel, square, dot, aa, bb, ratio, topA, topB, worst] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1];
  for (let i = 0; i < n; i++) {
    const [a, b] = [Number(got.data[i]), Number(want.data[i])];
    if (a > Number(got.data[topA])) topA = i;
    if (b > Number(want.data[topB])) topB = i;
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) {
      if (Number.isFinite(a)) [dot, aa, bb] = [dot + a * b, aa + a * a, bb + b * b];
      continue;
    }
    const error = Number.isNaN(a - b) ? Infinity : Math.abs(a - b);
    if (error > maxAbs) [maxAbs, worst] = [error, i];
    sumAbs += error;
    if (Math.abs(b) > 1e-3 * usual.largest) maxRel = Math.max(maxRel, error / Math.abs(b));
    ratio = Math.max(ratio, error / (usual.share * Math.abs(b) + usual.floor));
    [square, dot, aa, bb] = [square + error * error, dot + a * b, aa + a * a, bb + b * b];
  }
  return {
    name,
    elements: n,
    maxAbs: same ? maxAbs : Infinity,
    meanAbs: n > 0 ? sumAbs / n : 0,
    maxRel: same ? maxRel : Infinity,
    rmse: n > 0 ? Math.sqrt(square / n) : 0,
    cosine: aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : aa === bb ? 1 : 0,
    sqnrDb: square > 0 ? 10 * Math.log10(bb / square) : Infinity,
    kl: same ? divergence(got, want) : NaN,
    topEqual: topA === topB,
    ratio: same ? ratio : Infinity,
    requiredTolerance: same ? maxAbs : Infinity,
    worst: worst < 0 ? undefined : { index: indexOf(worst, want.shape), found: Number(got.data[worst]), wanted: Number(want.data[worst]) },
    topk: topk === undefined || !same ? undefined : topkOf(topk, got, want),
  };
}

/** Texts as numbers that are equal where they are. */
function compareTexts(name: string, got: Elements, want: Wanted): TensorDifference {
  const places = new Map<unknown, number>();
  const numbered = (data: Elements["data"]): Float64Array =>
    Float64Array.from(Array.from(data), (text) => {
      if (!places.has(text)) places.set(text, places.size + 1);
      return places.get(text)!;
    });
  const data = numbered(want.data);
  return compareTensors(name, { dtype: "i32", data: numbered(got.data) }, { ...want, dtype: "i32", data });
}

const SHARES: Readonly<Record<string, number>> = { f64: 1e-3, f32: 1e-3, f16: 8e-3, bf16: 5e-2 };

/**
 * What compiled code may differ from doubles: a share of the element and a tenth of it of the largest, because sums are rounded at
 * the size of their largest terms. Integers are exact.
 */
function usualError({ dtype, data }: Elements): { readonly largest: number; readonly share: number; readonly floor: number } {
  let largest = 0;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(Number(data[i]))) largest = Math.max(largest, Math.abs(Number(data[i])));
  const share = SHARES[dtype] ?? 0;
  return { largest, share, floor: share === 0 ? 0.5 : (share / 10) * Math.max(largest, 1e-2) };
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const dim of [...shape].reverse()) {
    index.unshift(flat % dim);
    flat = Math.floor(flat / dim);
  }
  return index;
}

/** Elements of row `row`, of `width`. */
function rowOf({ data }: Elements, row: number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => Number(data[row * width + i]));
}

function topkOf(k: number, got: Elements, want: Wanted): TensorDifference["topk"] {
  const width = want.shape.at(-1) ?? 1;
  const rows = width > 0 ? want.data.length / width : 0;
  let [equalRows, overlap] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const wanted = rowOf(want, row, width);
    const kth = wanted.toSorted((a, b) => b - a)[Math.min(k, width) - 1]!;
    // An element that ties with the k-th is as good as it.
    const right = largest(rowOf(got, row, width), k).filter((i) => wanted[i]! >= kth).length / Math.min(k, width);
    overlap += right / rows;
    if (right === 1) equalRows++;
  }
  return { k, rows, equalRows, overlap };
}

function largest(row: readonly number[], k: number): number[] {
  return [...row.keys()].sort((i, j) => row[j]! - row[i]! || i - j).slice(0, k);
}

function divergence(got: Elements, want: Wanted): number {
  const width = want.shape.at(-1) ?? 1;
  if (width < 2 || want.data.length === 0) return NaN;
  const rows = want.data.length / width;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const [p, q] = [rowOf(want, row, width), rowOf(got, row, width)];
    if (!isDistribution(p) || !isDistribution(q)) return NaN;
    for (let i = 0; i < width; i++) if (p[i]! > 0) sum += (p[i]! * Math.log(p[i]! / Math.max(q[i]!, 1e-30))) / rows;
  }
  return Math.max(0, sum);
}

function isDistribution(row: readonly number[]): boolean {
  return row.every((x) => x >= 0) && Math.abs(row.reduce((a, b) => a + b, 0) - 1) < 1e-2;
}
