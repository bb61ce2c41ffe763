import { pad } from "../../../ir/ops/movement.ts";
import { lrn, maxPoolWithIndices, maxUnpool, pool } from "../../../ir/ops/window.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { shapeOf } from "../static-shape.ts";
import { readWindow } from "../windows.ts";
import { since, type OperatorTable } from "./table.ts";

/** Sliding windows other than convolutions. */
export const POOLING: OperatorTable = {
  AveragePool: (c) => pooled(c, "average"),
  LRN: importLrn,
  LpPool: (c) => pooled(c, "lp"),
  MaxPool: importMaxPool,
  MaxUnpool: since(9, importMaxUnpool),
};

export function pooled(c: NodeContext, kind: "max" | "average" | "lp", x = c.need(0, "X")): Value {
  const attrs = { ...readWindow(c, x), ceilMode: c.flag("ceil_mode", false) };
  if (kind === "average") return c.b.create(pool, { x }, { ...attrs, kind, countIncludePad: c.flag("count_include_pad", false) });
  return c.b.create(pool, { x }, kind === "lp" ? { ...attrs, kind, p: c.int("p", 2) } : { ...attrs, kind });
}

function importMaxPool(c: NodeContext): readonly (Value | undefined)[] {
  const columnMajor = c.flag("storage_order", false);
  if (!c.wants(1)) return [pooled(c, "max")];
  const x = c.need(0, "X");
  return c.b.createAll(maxPoolWithIndices, { x }, { ...readWindow(c, x), ceilMode: c.flag("ceil_mode", false), columnMajor });
}

/** The shape is given, or the one from which the window makes that of x. */
function importMaxUnpool(c: NodeContext): Value {
  const x = c.need(0, "X");
  const { kernel, strides, pads } = readWindow(c, x);
  const given = c.constantInts(2, "output_shape");
  const space = shapeOf(x).slice(2);
  const implied = [...shapeOf(x).slice(0, 2), ...space.map((dim, i) => (dim - 1) * strides[i]! + kernel[i]! - pads[i]! - pads[i + space.length]!)];
  const indices = c.need(1, "I");
  if (!given || given.join() === implied.join()) return c.b.create(maxUnpool, { x, indices }, { shape: implied });
  // Indices count in the implied shape; the result is as large as asked for.
  const small = c.b.create(maxUnpool, { x, indices }, { shape: implied });
  const high = c.sizes(given).map((dim, i) => dim - implied[i]!);
  if (given.length !== implied.length || high.some((n) => n < 0)) c.fail(`has output_shape ${given.join("x")}, the window makes ${implied.join("x")}`);
  return c.b.create(pad, { x: small }, { low: high.map(() => 0), high });
}

function importLrn(c: NodeContext): Value {
  const attrs = { size: c.required("size", c.int("size")), alpha: c.float("alpha", 1e-4), beta: c.float("beta", 0.75), bias: c.float("bias", 1) };
  return c.b.create(lrn, { x: c.need(0, "X") }, attrs);
}
