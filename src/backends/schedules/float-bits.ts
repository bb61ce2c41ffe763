import { type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Type } from "../../kernel/kernel.ts";

/** Bits of binary16 and bfloat16, held in i32 registers, to and from f32: exact, with subnormals, infinities and NaN; ties to even. */
export function f16ToF32(b: KernelBuilder, bits: Term): Term {
  const [word, float] = typesLike(bits);
  const c = (value: number): Term => b.constant(word, value);
  const sign = b.op("shl", word, [b.op("and", word, [bits, c(0x8000)])], [16]);
  const magnitude = b.let("h", b.op("and", word, [bits, c(0x7fff)]));
  const shifted = b.let("h", b.op("shl", word, [magnitude], [13]));
  const normal = b.add(shifted, c(112 << 23));
  const special = b.op("or", word, [shifted, c(0x7f800000)]);
  const finite = b.select(b.compare("ge", magnitude, c(0x7c00)), special, normal);
  const subnormal = b.op("bitcast", word, [b.mul(b.op("toFloat", float, [magnitude]), b.constant(float, 2 ** -24))]);
  const value = b.select(b.compare("lt", magnitude, c(0x400)), subnormal, finite);
  return b.op("bitcast", float, [b.op("or", word, [value, sign])]);
}

export function f32ToF16(b: KernelBuilder, x: Term): Term {
  const [word, float] = typesLike(x);
  const c = (value: number): Term => b.constant(word, value);
  const bits = b.let("h", b.op("bitcast", word, [x]));
  const sign = b.op("and", word, [b.op("shrU", word, [bits], [16]), c(0x8000)]);
  const magnitude = b.let("h", b.op("and", word, [bits, c(0x7fffffff)]));
  // Adding 0.5 leaves multiples of 2^-24, rounded, in the low bits.
  const half = b.add(b.op("bitcast", float, [magnitude]), b.constant(float, 0.5));
  const subnormal = b.sub(b.op("bitcast", word, [half]), c(0x3f000000));
  const odd = b.op("and", word, [b.op("shrU", word, [magnitude], [13]), c(1)]);
  const normal = b.op("shrU", word, [b.add(b.sub(magnitude, c((112 << 23) - 0xfff)), odd)], [13]);
  const small = b.select(b.compare("lt", magnitude, c(0x38800000)), subnormal, normal);
  const large = b.select(b.compare("gt", magnitude, c(0x7f800000)), c(0x7e00), c(0x7c00));
  return b.op("or", word, [b.select(b.compare("ge", magnitude, c(0x477ff000)), large, small), sign]);
}

export function bf16ToF32(b: KernelBuilder, bits: Term): Term {
  const [word, float] = typesLike(bits);
  return b.op("bitcast", float, [b.op("shl", word, [bits], [16])]);
}

export function f32ToBf16(b: KernelBuilder, x: Term): Term {
  const [word] = typesLike(x);
  const bits = b.let("h", b.op("bitcast", word, [x]));
  const odd = b.op("and", word, [b.op("shrU", word, [bits], [16]), b.constant(word, 1)]);
  const rounded = b.op("shrU", word, [b.add(b.add(bits, b.constant(word, 0x7fff)), odd)], [16]);
  return b.select(b.compare("ne", x, x), b.constant(word, 0x7fc0), rounded);
}

function typesLike(term: Term): [word: Type, float: Type] {
  const lanes = "mask" in term.type ? term.type.mask : term.type.lanes;
  return [
    { elem: "i32", lanes },
    { elem: "f32", lanes },
  ];
}
