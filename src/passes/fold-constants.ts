import { Builder } from "../ir/builder.ts";
import type { Op } from "../ir/graph.ts";
import { evaluateOp } from "../ir/interpret.ts";
import { constant } from "../ir/ops/control.ts";
import { BITS, elementCount, isStatic } from "../ir/types.ts";
import { constantTensor } from "./constants.ts";
import type { Pass } from "./pass.ts";
import { eraseDead } from "./rewrite.ts";

/** A fold may make the graph this much larger before it is left to the device (a 4-byte constant broadcast to gigabytes is not worth it). */
const GROWTH_BYTES = 1 << 20;

/** Pure ops whose operands are all constants become constants, until the budget of elements is used up. */
export const foldConstants: Pass = {
  name: "fold-constants",
  summary: "computes what depends on constants only",
  run(graph, options) {
    let left = options.foldBudget;
    let changed = false;
    const ops: Op[] = [];
    for (const op of graph.ops) {
      const cost = canFold(op) ? op.results.reduce((n, value) => n + elementCount(value.type.shape as readonly number[]), 0) : Infinity;
      if (cost <= left && worthFolding(op)) {
        left -= cost;
        changed = true;
        const b = new Builder();
        b.loc = op.loc;
        evaluateOp(
          op,
          op.operands.map((value) => constantTensor(value)),
        ).forEach((value, i) => graph.replaceUses(op.results[i]!, b.create(constant, {}, { value })));
        ops.push(...b.ops);
      }
      ops.push(op);
    }
    graph.ops = ops;
    return eraseDead(graph) || changed;
  },
};

function canFold(op: Op): boolean {
  const given = op.operands.filter((value) => value !== undefined);
  return (
    op.def.pure &&
    op.def !== constant &&
    op.regions.length === 0 &&
    given.length > 0 &&
    given.every((value) => constantTensor(value)) &&
    op.results.every((value) => isStatic(value.type)) &&
    op.results.some((value) => value.uses.size > 0)
  );
}

function worthFolding(op: Op): boolean {
  const bytes = (values: readonly (typeof op.results)[number][]): number =>
    values.reduce((n, v) => n + (elementCount(v.type.shape as readonly number[]) * BITS[v.type.dtype]) / 8, 0);
  return bytes(op.results) <= bytes(op.operands.filter((v) => v !== undefined)) + GROWTH_BYTES;
}
