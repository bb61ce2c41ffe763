import { dtype } from "../attr.ts";
import { defineOp, TypeMismatch } from "../op-def.ts";
import { decodeData, encodeData, type Data } from "../tensor.ts";
import { BITS, elementCount, tensorType } from "../types.ts";

export const bitcast = defineOp({
  name: "bitcast",
  summary: "The bits of x as elements of another dtype of the same size. A bool is 0 or 1; the bits of a NaN in f16 or bf16 are those of any NaN.",
  operands: ["x"],
  attrs: { to: dtype() },
  samples: [
    { x: "2x3xf32", attrs: { to: "i32" } },
    { x: "2x3xi32", attrs: { to: "f32" } },
    { x: "5xf16", attrs: { to: "u16" } },
    { x: "5xi16 in 0..9999", attrs: { to: "bf16" } },
    { x: "4xu8 in 0..255", attrs: { to: "i8" } },
    { x: "4xi8", attrs: { to: "u8" } },
    { x: "4xf64", attrs: { to: "i64" } },
    { x: "3xu32", attrs: { to: "i32" } },
    { x: "3xi64", attrs: { to: "u64" } },
    { x: "4xbool", attrs: { to: "u8" } },
  ],
  elementwise: true,
  tolerance: { abs: 0, rel: 0 },
  infer({ x }, { to }) {
    if (x.quant) throw new TypeMismatch("x is quantised, bitcast wants plain elements");
    if (BITS[to] !== BITS[x.dtype] || BITS[to] < 8) throw new TypeMismatch(`x is ${x.dtype} and to is ${to}: bitcast wants dtypes of one size, whole bytes`);
    return tensorType(to, x.shape);
  },
  evaluate({ x }, { to }, result, types) {
    if (to === types.x.dtype) return x;
    const data = decodeData(to, encodeData(types.x.dtype, x as unknown as Data), elementCount(result.shape));
    return (to === "bool" ? Uint8Array.from(data as Uint8Array, (byte) => (byte ? 1 : 0)) : data) as typeof x;
  },
});
