import type { DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import type { Expression } from "./expression.ts";
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from "./float-bits.ts";
import { registerElem, registerType } from "./storage.ts";

/** Registers of one dtype seen as those of another of the same size; what is narrower than a register is cut to size afterwards. */
export const bitcastTo: Expression = ({ b, args: [x], from: [from], to, type }) => {
  if (from === to) return x!;
  const lanes = "mask" in type ? type.mask : type.lanes;
  const bits = bitsOf(b, x!, from!, lanes);
  if (to === "bool") return b.select(b.compare("ne", bits, b.constant(type, 0)), b.constant(type, 1), b.constant(type, 0));
  if (to === "f16" || to === "bf16") {
    const half = b.let("h", b.op("and", registerType("i32", lanes), [bits, b.constant(registerType("i32", lanes), 0xffff)]));
    return to === "f16" ? f16ToF32(b, half) : bf16ToF32(b, half);
  }
  return registerElem(to) === "f32" || registerElem(to) === "f64" ? b.op("bitcast", type, [bits]) : bits;
};

/** The bits in an integer register. */
function bitsOf(b: KernelBuilder, x: Term, from: DType, lanes: number): Term {
  switch (from) {
    case "f32":
      return b.let("h", b.op("bitcast", registerType("i32", lanes), [x]));
    case "f64":
      return b.let("h", b.op("bitcast", registerType("i64", lanes), [x]));
    case "f16":
      return b.let("h", f32ToF16(b, x));
    case "bf16":
      return b.let("h", f32ToBf16(b, x));
    default:
      return x;
  }
}
