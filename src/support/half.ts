/** Numbers of 16 bits: IEEE binary16 (f16) and the upper half of binary32 (bf16). All roundings go to the nearest, ties to even. */

const view = new DataView(new ArrayBuffer(8));

export function roundToBf16(x: number): number {
  return bf16FromBits(bf16Bits(x));
}

export function bf16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  view.setFloat32(0, x);
  const bits = view.getUint32(0);
  // A double that is a tie only after rounding to f32 may differ in the last bit: values here come from f32 or exact doubles.
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

export function bf16FromBits(bits: number): number {
  view.setUint32(0, (bits << 16) >>> 0);
  return view.getFloat32(0);
}

/** Beyond 65504 + half an ulp is infinity. */
export function roundToF16(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return x < 0 ? -Infinity : Infinity;
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), -14);
  const ulp = 2 ** (exponent - 10);
  const scaled = magnitude / ulp;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return Math.sign(x) * rounded * ulp;
}

export function f16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(roundToF16(x));
  if (magnitude === Infinity) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | Math.round(magnitude * 2 ** 24);
  view.setFloat32(0, magnitude);
  const bits = view.getUint32(0);
  return sign | ((((bits >>> 23) - 112) << 10) | ((bits >>> 13) & 0x3ff));
}

export function f16FromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
