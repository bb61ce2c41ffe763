import { Builder, namedOperands } from "../ir/builder.ts";
import type { AttrValue } from "../ir/attr.ts";
import type { Op, Value } from "../ir/graph.ts";
import { bitcast } from "../ir/ops/bitcast.ts";
import { cast } from "../ir/ops/conversion.ts";
import { constant } from "../ir/ops/control.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { DType } from "../ir/types.ts";
import type { Pass } from "./pass.ts";

const HALVES: readonly unknown[] = ["f16", "bf16"] satisfies DType[];

const isHalf = (value: Value | undefined): boolean => value !== undefined && HALVES.includes(value.type.dtype);

/**
 * f16 and bf16 tensors are computed in f32: parameters are cast on the way in, results on the way out, and nothing in between is
 * rounded to 16 bits. Closer to the real numbers than 16-bit arithmetic, and every kernel of f32 serves.
 */
export const widenHalf: Pass = {
  name: "widen-half",
  summary: "computes f16 and bf16 in f32, rounding only at the border",
  run(graph) {
    const all = [...graph.params, ...graph.ops.flatMap((op) => op.results)];
    if (!all.some(isHalf)) return false;
    const b = new Builder();
    const wide = new Map<Value, Value>();
    for (const param of graph.params) if (isHalf(param)) wide.set(param, b.create(cast, { x: param }, { to: "f32" }));
    for (const op of graph.ops) {
      b.loc = op.loc;
      if (op.name === "return") finish(op, wide, b);
      else if (op.regions.length > 0 || op.def === bitcast) keep(op, wide, b);
      else if (![...op.operands, ...op.results].some((value) => isHalf(value) || (value && wide.has(value)))) b.ops.push(op);
      else widen(op, wide, b);
    }
    const dead = graph.ops.filter((op) => !b.ops.includes(op));
    for (const op of dead) op.operands.forEach((_, i) => op.setOperand(i, undefined));
    graph.ops = b.ops;
    return true;
  },
};

function widen(op: Op, wide: Map<Value, Value>, b: Builder): void {
  const results =
    op.def === constant
      ? [b.create(constant, {}, { value: widened(op.attrs["value"] as Tensor) })]
      : b.createAll(
          op.def,
          namedOperands(
            op.def,
            op.operands.map((value) => value && (wide.get(value) ?? value)),
          ) as never,
          attrsOf(op) as never,
          op.regions,
        );
  op.results.forEach((old, i) => {
    results[i]!.name = old.name;
    wide.set(old, results[i]!);
  });
}

/** f16 and bf16 data are held as f32 already. */
function widened({ type, data }: Tensor): Tensor {
  return { type: { ...type, dtype: "f32" }, data };
}

function attrsOf(op: Op): Readonly<Record<string, AttrValue>> {
  return Object.fromEntries(Object.entries(op.attrs).map(([name, value]) => [name, HALVES.includes(value) ? "f32" : value]));
}

/** What regions take and give stays as it is: they are widened inside. A bitcast wants the 16 bits. */
function keep(op: Op, wide: Map<Value, Value>, b: Builder): void {
  op.operands.forEach((value, i) => {
    const wider = value && wide.get(value);
    if (wider) op.setOperand(i, b.create(cast, { x: wider }, { to: value.type.dtype }));
  });
  b.ops.push(op);
  for (const value of op.results) if (isHalf(value)) wide.set(value, b.create(cast, { x: value }, { to: "f32" }));
}

function finish(op: Op, wide: ReadonlyMap<Value, Value>, b: Builder): void {
  op.operands.forEach((value, i) => {
    const replacement = wide.get(value!);
    if (!replacement) return;
    const output = isHalf(value) ? b.create(cast, { x: replacement }, { to: value!.type.dtype }) : replacement;
    output.name ||= value!.name;
    op.setOperand(i, output);
  });
  b.ops.push(op);
}
