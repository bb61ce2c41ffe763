import { createHash } from "node:crypto";

/** Ed25519 by the formulas of RFC 8032, in bigints: slow, open (any scalar, any encoding), for making vectors that no library would sign. */
export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const BASE_Y = mod(4n * inverse(5n));
export const BASE: Point = { x: recoverX(BASE_Y, 0n)!, y: BASE_Y };
export const IDENTITY: Point = { x: 0n, y: 1n };

export function mod(a: bigint, m = P): bigint {
  const r = a % m;
  return r < 0n ? r + m : r;
}

function power(base: bigint, exponent: bigint, m = P): bigint {
  let result = 1n;
  for (let b = mod(base, m), e = exponent; e > 0n; e >>= 1n, b = (b * b) % m) if (e & 1n) result = (result * b) % m;
  return result;
}

export function inverse(a: bigint, m = P): bigint {
  return power(a, m - 2n, m);
}

/** The x of a y with this sign bit; undefined where the curve has none. */
export function recoverX(y: bigint, sign: bigint): bigint | undefined {
  const xx = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(xx, (P + 3n) / 8n);
  if (mod(x * x - xx) !== 0n) x = mod(x * power(2n, (P - 1n) / 4n));
  if (mod(x * x - xx) !== 0n || (x === 0n && sign === 1n)) return undefined;
  return (x & 1n) === sign ? x : P - x;
}

/** RFC 8032, 5.1.4: x = X / Z, y = Y / Z, x * y = T / Z. */
interface Extended {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

function addExtended(p: Extended, q: Extended): Extended {
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(2n * p.t * D * q.t);
  const d = mod(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

function extend({ x, y }: Point): Extended {
  return { x, y, z: 1n, t: mod(x * y) };
}

function project({ x, y, z }: Extended): Point {
  const scale = inverse(z);
  return { x: mod(x * scale), y: mod(y * scale) };
}

export function add(a: Point, b: Point): Point {
  return project(addExtended(extend(a), extend(b)));
}

export function multiply(scalar: bigint, point: Point): Point {
  let result = extend(IDENTITY);
  for (let s = scalar, p = extend(point); s > 0n; s >>= 1n, p = addExtended(p, p)) if (s & 1n) result = addExtended(result, p);
  return project(result);
}

export function littleEndian(value: bigint, bytes = 32): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

export function toInteger(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function encodePoint({ x, y }: Point): Uint8Array {
  return littleEndian(y | ((x & 1n) << 255n));
}

/** h of a signature: SHA-512(R, A, M) mod L. */
export function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return mod(toInteger(new Uint8Array(createHash("sha512").update(r).update(publicKey).update(message).digest())), L);
}

/** Signs with any secret scalar and any nonce. `encodedR` replaces the encoding of the nonce's point: the challenge covers that. */
export function signWith(
  secret: bigint,
  nonce: bigint,
  message: Uint8Array,
  encodedR = encodePoint(multiply(nonce, BASE)),
): { readonly publicKey: Uint8Array; readonly signature: Uint8Array } {
  const publicKey = encodePoint(multiply(secret, BASE));
  const s = mod(nonce + challenge(encodedR, publicKey, message) * secret, L);
  return { publicKey, signature: joined(encodedR, littleEndian(s)) };
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
