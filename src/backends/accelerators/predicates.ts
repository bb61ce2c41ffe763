/** Questions that rows of accelerators' tables ask of an op. Each says what it found and what would fit. */
import { isStatic, type DType } from "../../ir/types.ts";
import { onnxRefusal } from "../exporters/onnx.ts";
import type { Predicate } from "./accelerator.ts";

/** The op has a form in an ONNX file as our exporter writes them. */
export const asOnnx: Predicate = (op) => {
  const reason = onnxRefusal(op);
  return reason === undefined ? undefined : { code: "attribute", reason, hint: "it has no form in the exchange file; write it with other operators" };
};

/** The first operand has one of these dtypes. */
export function firstIs(...dtypes: readonly DType[]): Predicate {
  return (op) => {
    const found = op.operands[0]?.type.dtype;
    if (!found || dtypes.includes(found)) return undefined;
    const wanted = dtypes.join(" or ");
    return { code: "dtype", reason: `the first operand is ${found}, wanted ${wanted}`, found, wanted };
  };
}

/** The attribute is one of these words or numbers. */
export function attrIs(name: string, ...values: readonly (string | number | boolean)[]): Predicate {
  return (op) => {
    const found = op.attrs[name] as string | number | boolean;
    if (values.includes(found)) return undefined;
    const wanted = values.join(" or ");
    return { code: "attribute", reason: `${name} is ${found}, wanted ${wanted}`, found: String(found), wanted };
  };
}

/** The first operand has so many axes, at least and at most. */
export function rankIs(low: number, high = low): Predicate {
  return (op) => {
    const rank = op.operands[0]?.type.shape.length ?? 0;
    if (rank >= low && rank <= high) return undefined;
    const wanted = low === high ? `${low}` : `${low} to ${high}`;
    return { code: "shape", reason: `the first operand has ${rank} axes, wanted ${wanted}`, found: String(rank), wanted };
  };
}

/** No tensor of it is empty. */
export const hasElements: Predicate = (op) => {
  const empty = [...op.operands, ...op.results].find((value) => value && isStatic(value.type) && value.type.shape.includes(0));
  return empty && { code: "shape", reason: `a tensor of ${empty.type.shape.join("x")} has no elements`, found: empty.type.shape.join("x"), wanted: "elements" };
};

/**
 * The operand is known at compile time.
 *
 * @public for records of accelerators, as the page on adding one shows
 */
export function isConstant(name: string): Predicate {
  return (op) => {
    const value = op.operand(name);
    return !value || value.producer?.name === "constant"
      ? undefined
      : { code: "constant", reason: `${name} is computed, wanted a constant`, found: "computed", wanted: "constant" };
  };
}

/** Integers of a product are 8 bits wide, with one scale for what comes in; floats pass. */
export const byteProduct: Predicate = (op) => {
  const [x, w] = op.operands;
  if (!x?.type.quant || !w) return undefined;
  for (const { type } of [x, w])
    if (type.dtype !== "i8" && type.dtype !== "u8")
      return { code: "quantisation", reason: `integers are ${type.dtype}, wanted i8 or u8`, found: type.dtype, wanted: "i8 or u8" };
  const scales = x.type.quant.scale.length;
  return scales === 1 ? undefined : { code: "quantisation", reason: `x has ${scales} scales, wanted one`, found: String(scales), wanted: "1" };
};

/** The same row for several ops. */
export function rows(names: readonly string[], ...predicates: readonly Predicate[]): Readonly<Record<string, readonly Predicate[]>> {
  return Object.fromEntries(names.map((name) => [name, predicates]));
}
