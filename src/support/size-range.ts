/** Sizes that a dim may have: a whole number, or all from `low` on in steps up to `high`. */
export interface SizeRange {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

export type Size = number | SizeRange;

/** Beyond this no dim gets. */
const MOST = Number.MAX_SAFE_INTEGER;

/** `4`, `1..64` or `32..640/8`; undefined where the text is none of these, or its steps do not end at the bound. */
export function parseSize(text: string): Size | undefined {
  const found = /^(\d{1,16})(?:\.\.(\d{1,16})(?:\/(\d{1,16}))?)?$/.exec(text);
  if (!found) return undefined;
  const [low, high, step] = [Number(found[1]), Number(found[2] ?? found[1]), Number(found[3] ?? 1)];
  if (high > MOST || low > high || step < 1 || (high - low) % step !== 0) return undefined;
  return low === high ? low : { low, high, step };
}

export function printSize(size: Size): string {
  if (typeof size === "number") return String(size);
  return `${size.low}..${size.high}${size.step === 1 ? "" : `/${size.step}`}`;
}

/** Whether a number is one of the sizes. */
export function hasSize(size: Size, wanted: number): boolean {
  if (typeof size === "number") return size === wanted;
  return wanted >= size.low && wanted <= size.high && (wanted - size.low) % size.step === 0;
}
