import { Builder, namedOperands } from "../ir/builder.ts";
import type { Op, Value } from "../ir/graph.ts";
import { reshape, transpose } from "../ir/ops/movement.ts";
import type { Pass } from "./pass.ts";
import { constantTensor } from "./constants.ts";
import { eraseDead } from "./rewrite.ts";

/**
 * Moves transposes from the operands of elementwise ops to their results, where all non-constant operands of full rank are
 * transposed alike: f(t(a), t(b)) == t(f(a, b)). Then two that meet cancel in `canonicalize`. One-use operands only, so that
 * no transpose is ever copied.
 */
export const sinkTransposes: Pass = {
  name: "sink-transposes",
  summary: "moves transposes behind elementwise ops so that they meet and cancel",
  run(graph) {
    let changed = false;
    const ops: Op[] = [];
    for (const op of graph.ops) {
      const moved = op.def.elementwise && op.results.length === 1 ? behind(op) : undefined;
      if (moved) {
        ops.push(...moved.ops);
        graph.replaceUses(op.result, moved.value);
        changed = true;
      }
      ops.push(op);
    }
    graph.ops = ops;
    return eraseDead(graph) || changed;
  },
};

function behind(op: Op): { ops: readonly Op[]; value: Value } | undefined {
  const rank = op.result.type.shape.length;
  const turned = op.operands.filter((value): value is Value => value?.producer?.def === transpose);
  if (turned.length === 0 || op.result.uses.size === 0) return undefined;
  const perm = turned[0]!.producer!.attrs["perm"] as readonly number[];
  const alike = turned.every((value) => JSON.stringify(value.producer!.attrs["perm"]) === JSON.stringify(perm) && value.uses.size === 1 && value.type.shape.length === rank);
  const others = op.operands.filter((value): value is Value => value !== undefined && !turned.includes(value));
  if (!alike || perm.length !== rank || !others.every((value) => constantTensor(value) !== undefined)) return undefined;

  const b = new Builder();
  b.loc = op.loc;
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  const operands = op.operands.map((value) => {
    if (!value) return undefined;
    if (value.producer?.def === transpose) return value.producer.operands[0]!;
    const shape = value.type.shape as readonly number[];
    if (shape.length === 0) return value;
    const full = b.create(reshape, { x: value }, { shape: [...new Array<number>(rank - shape.length).fill(1), ...shape] });
    return b.create(transpose, { x: full }, { perm: inverse });
  });
  const inner = b.create(op.def, namedOperands(op.def, operands) as never, op.attrs as never);
  const value = b.create(transpose, { x: inner }, { perm });
  return { ops: b.ops, value };
}
