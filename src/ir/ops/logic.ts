import { broadcastShapes, forEachRow } from "../broadcast.ts";
import { binary, unary, wantDtype } from "../elementwise.ts";
import { defineOp, TypeMismatch } from "../op-def.ts";
import { allocate } from "../tensor.ts";
import { BITS, elementCount, equalTypes, tensorType, type DType } from "../types.ts";

export const not = unary({ name: "not", summary: "True where x is false.", on: "bool", compute: (x) => (x === 0 ? 1 : 0) });
export const and = binary({ name: "and", summary: "True where both are.", on: "bool", commutative: true, compute: (a, b) => a & b });
export const or = binary({ name: "or", summary: "True where one is.", on: "bool", commutative: true, compute: (a, b) => a | b });
export const xor = binary({ name: "xor", summary: "True where they differ.", on: "bool", commutative: true, compute: (a, b) => a ^ b });

export const bitNot = unary({ name: "bitNot", summary: "Every bit of x the other way.", on: "integer", compute: (x) => ~x, wide: (x) => ~x });
export const bitAnd = binary({
  name: "bitAnd",
  summary: "a & b, bit by bit.",
  on: "integer",
  commutative: true,
  compute: (a, b) => a & b,
  wide: (a, b) => a & b,
});
export const bitOr = binary({
  name: "bitOr",
  summary: "a | b, bit by bit.",
  on: "integer",
  commutative: true,
  compute: (a, b) => a | b,
  wide: (a, b) => a | b,
});
export const bitXor = binary({
  name: "bitXor",
  summary: "a ^ b, bit by bit.",
  on: "integer",
  commutative: true,
  compute: (a, b) => a ^ b,
  wide: (a, b) => a ^ b,
});

const shiftSamples = [
  { a: "2x3xi32 in -99..99", b: "3xi32 in 0..9" },
  { a: "5xu8 in 0..255", b: "5xu8 in 0..9" },
  { a: "4xi64", b: "i64 in 0..5" },
  { a: "3xu32", b: "3xu32 in 0..33" },
];

export const shiftLeft = binary({
  name: "shiftLeft",
  summary: "a * 2^b; bits that leave are lost. A count below 0 or beyond the width shifts everything out.",
  on: "integer",
  samples: shiftSamples,
  compute: (a) => a,
  integer: (a, b, _attrs, dtype) => (outside(b, dtype) ? 0 : a << b),
  wide: (a, b) => (b < 0n || b > 63n ? 0n : a << b),
});
export const shiftRight = binary({
  name: "shiftRight",
  summary: "a / 2^b rounded down, the sign kept. A count below 0 or beyond the width shifts everything out.",
  on: "integer",
  samples: shiftSamples,
  compute: (a) => a,
  integer: (a, b, _attrs, dtype) => (dtype.startsWith("u") ? (outside(b, dtype) ? 0 : a >>> b) : a >> (outside(b, dtype) ? 31 : b)),
  wide: (a, b) => a >> (b < 0n || b > 63n ? 64n : b),
});

export const select = defineOp({
  name: "select",
  summary: "a where the condition holds, else b.",
  operands: ["condition", "a", "b"],
  samples: [
    { condition: "2x3xbool", a: "2x3xf32", b: "3xf32" },
    { condition: "2x1xbool", a: "f32", b: "3xf32" },
    { condition: "4xbool", a: "4xi64", b: "i64" },
    { condition: "4xbool", a: "4xbool", b: "4xbool" },
  ],
  elementwise: true,
  tolerance: { abs: 0, rel: 0 },
  infer({ condition, a, b }) {
    wantDtype("condition", condition, "bool");
    const plain = { dtype: a.dtype, shape: [], ...(a.quant && { quant: a.quant }) };
    if (!equalTypes(plain, { ...b, shape: [] })) throw new TypeMismatch(`a is ${a.dtype} and b is ${b.dtype}, wanted one dtype and quantisation`);
    if (a.quant?.axis !== undefined) throw new TypeMismatch("a is quantised by axis, wanted one scale");
    return tensorType(a.dtype, broadcastShapes(condition.shape, a.shape, b.shape), a.quant);
  },
  evaluate({ condition, a, b }, _attrs, result, types) {
    const y = allocate(result.dtype, elementCount(result.shape)) as Float64Array;
    forEachRow(result.shape, [types.condition.shape, types.a.shape, types.b.shape], (start, count, [atC, atA, atB], [stepC, stepA, stepB]) => {
      for (let i = 0; i < count; i++) y[start + i] = condition[atC! + i * stepC!] ? a[atA! + i * stepA!]! : b[atB! + i * stepB!]!;
    });
    return y;
  },
});

function outside(count: number, dtype: DType): boolean {
  return count < 0 || count >= BITS[dtype];
}
