import { dtypeBytes } from "./dtypes.ts";
import type { ManifestPort, SelfTestSeed } from "./manifest.ts";

/**
 * Bytes of a port filled from a seed (mulberry32): floats uniform in [low, high), integers in [low, high], f16 and bf16 cut to
 * their precision. Part of the bundle format: a seed means these bytes forever.
 */
export function seededBytes(port: Pick<ManifestPort, "dtype" | "bytes">, { seed, low, high }: SelfTestSeed): Uint8Array {
  const bytes = new Uint8Array(port.bytes);
  const view = new DataView(bytes.buffer);
  const width = dtypeBytes(port.dtype) ?? 1;
  const put = WRITERS[port.dtype] ?? WRITERS["u8"]!;
  let state = seed >>> 0;
  for (let at = 0; at < bytes.length; at += width) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    const u = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    put(view, at, u, low, high);
  }
  return bytes;
}

type Writer = (view: DataView, at: number, u: number, low: number, high: number) => void;

const real = (u: number, low: number, high: number): number => low + (high - low) * u;
const whole = (u: number, low: number, high: number): number => low + Math.floor((high - low + 1) * u);

const WRITERS: Readonly<Record<string, Writer>> = {
  f64: (view, at, u, low, high) => view.setFloat64(at, real(u, low, high), true),
  f32: (view, at, u, low, high) => view.setFloat32(at, real(u, low, high), true),
  bf16(view, at, u, low, high) {
    scratch.setFloat32(0, real(u, low, high));
    view.setUint16(at, scratch.getUint16(0), true);
  },
  f16: (view, at, u, low, high) => view.setUint16(at, cutToF16(real(u, low, high)), true),
  i64: (view, at, u, low, high) => view.setBigInt64(at, BigInt(whole(u, low, high)), true),
  u64: (view, at, u, low, high) => view.setBigInt64(at, BigInt(whole(u, low, high)), true),
  string: (view, at, u, low, high) => view.setInt32(at, whole(u, low, high), true),
  i32: (view, at, u, low, high) => view.setInt32(at, whole(u, low, high), true),
  u32: (view, at, u, low, high) => view.setInt32(at, whole(u, low, high), true),
  i16: (view, at, u, low, high) => view.setInt16(at, whole(u, low, high), true),
  u16: (view, at, u, low, high) => view.setInt16(at, whole(u, low, high), true),
  u8: (view, at, u, low, high) => view.setUint8(at, whole(u, low, high)),
};

const scratch = new DataView(new ArrayBuffer(4));

/** Bits of the binary16 value next to `x` towards zero; values too small for a normal one become zero. */
function cutToF16(x: number): number {
  scratch.setFloat32(0, x);
  const bits = scratch.getUint32(0);
  const exponent = ((bits >>> 23) & 255) - 112;
  const sign = (bits >>> 16) & 0x8000;
  if (exponent <= 0) return sign;
  return sign | (exponent > 30 ? 0x7bff : (exponent << 10) | ((bits >>> 13) & 0x3ff));
}
