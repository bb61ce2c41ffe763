import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { add, div, exp, min, mul, neg, sub } from "../../ir/ops/arithmetic.ts";
import { greater } from "../../ir/ops/comparison.ts";
import { cast } from "../../ir/ops/conversion.ts";
import { reshape } from "../../ir/ops/movement.ts";
import { argReduce, reduce } from "../../ir/ops/reduction.ts";
import { tensor } from "../../ir/tensor.ts";
import { constantOf } from "./graph.ts";

/** What objectives do to margins [rows, groups] or [rows], in the reference's own steps. */
export type Transform = (b: Builder, margin: Value) => Value;

export const identity: Transform = (_b, margin) => margin;

/** A constant of the dtype of `like`. */
export function scalarLike(b: Builder, like: Value, value: number): Value {
  return constantOf(b, tensor(like.type.dtype, [], [value]));
}

/** e^x, right to the last bit of the dtype: f32 goes through f64, whose exp is that of libm to an ulp. */
export const exactExp: Transform = (b, x) => {
  if (x.type.dtype === "f64") return b.create(exp, { x });
  return b.create(cast, { x: b.create(exp, { x: b.create(cast, { x }, { to: "f64" }) }) }, { to: x.type.dtype });
};

/** 1 / (1 + e^-(scale * x)) in f64, in LightGBM's order. */
export function logistic64(scale: number): Transform {
  return (b, x) => {
    const power = exactExp(b, b.create(mul, { a: scalarLike(b, x, -scale), b: x }));
    const one = scalarLike(b, x, 1);
    return b.create(div, { a: one, b: b.create(add, { a: one, b: power }) });
  };
}

/** XGBoost's: 1 / (expf(min(-x, 88.7)) + 1) in f32. The 1e-16 that it adds changes no f32. */
export const logistic32: Transform = (b, x) => {
  const power = exactExp(b, b.create(min, { a: b.create(neg, { x }), b: scalarLike(b, x, Math.fround(88.7)) }));
  const one = scalarLike(b, x, 1);
  return b.create(div, { a: one, b: b.create(add, { a: power, b: one }) });
};

/** Along the last axis of [rows, classes]; the sum is f64, also of f32. */
export const softmaxRows: Transform = (b, x) => {
  const axes = [1];
  const power = exactExp(b, b.create(sub, { a: x, b: b.create(reduce, { x }, { kind: "max", axes }) }));
  const { dtype } = x.type;
  const wide = dtype === "f64" ? power : b.create(cast, { x: power }, { to: "f64" });
  const sum = b.create(reduce, { x: wide }, { kind: "sum", axes });
  return b.create(div, { a: power, b: dtype === "f64" ? sum : b.create(cast, { x: sum }, { to: dtype }) });
};

/** The place of the greatest of a row, the first of equals, in the dtype of the margins. */
export const argmaxRows: Transform = (b, x) =>
  b.create(cast, { x: b.create(argReduce, { x }, { kind: "max", axis: 1, keepDims: false }) }, { to: x.type.dtype });

/** 1 above 0, else 0. */
export const hinge: Transform = (b, x) => b.create(cast, { x: b.create(greater, { a: x, b: scalarLike(b, x, 0) }) }, { to: x.type.dtype });

/** [rows, 1] as [rows]. */
export const flat: Transform = (b, x) => (x.type.shape.length === 2 && x.type.shape[1] === 1 ? b.create(reshape, { x }, { shape: [-1] }) : x);
