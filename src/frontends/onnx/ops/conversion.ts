import { bitcast } from "../../../ir/ops/bitcast.ts";
import { cast } from "../../../ir/ops/conversion.ts";
import { numberToText, textToNumber } from "../../../ir/ops/texts.ts";
import type { Value } from "../../../ir/graph.ts";
import { isFloat, type DType } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { decoded, encoded, type Rounding } from "../float-codes.ts";
import { castTo } from "../rearrange.ts";
import type { StoredType } from "../stored-types.ts";
import { since, type OperatorTable } from "./table.ts";

export const CONVERSION: OperatorTable = {
  BitCast: since(26, (c) => c.b.create(bitcast, { x: c.need(0, "input") }, { to: c.required("to", c.dtype("to")) })),
  Cast: (c) => converted(c, c.required("to", c.dtypeOrStored("to"))),
  CastLike: since(15, importCastLike),
};

function importCastLike(c: NodeContext): Value {
  const target = c.need(1, "target_type");
  return converted(c, c.stored.of(target) ?? target.type.dtype);
}

function converted(c: NodeContext, to: DType | StoredType): Value {
  const rounding = readRounding(c);
  const x = c.need(0, "input");
  if (x.type.dtype === "string" || to === "string") return ofTexts(c, x, to);
  const from = c.stored.of(x);
  if (typeof to === "object") {
    if (from === to) return x;
    return c.stored.mark(encoded(c.b, from ? decoded(c.b, x, from, "f32") : x, to, rounding), to);
  }
  if (from) return decoded(c.b, x, from, to);
  // Four bits are those of the number cut off: they wrap, where wider integers saturate.
  const isNarrow = to === "i4" || to === "u4";
  return isNarrow && isFloat(x.type.dtype) ? c.b.create(cast, { x: castTo(c.b, x, "i32") }, { to }) : castTo(c.b, x, to);
}

function ofTexts(c: NodeContext, x: Value, to: DType | StoredType): Value {
  if (x.type.dtype === to) return x;
  if (typeof to === "object" || c.stored.of(x)) return c.fail("casts strings to or from a type that neo only moves and casts", { kind: "type" });
  return to === "string" ? c.b.create(numberToText, { x }) : c.b.create(textToNumber, { x }, { to });
}

export function readRounding(c: NodeContext): Rounding {
  return { saturate: c.flag("saturate", true), mode: c.word("round_mode", ["up", "down", "nearest"]) };
}
