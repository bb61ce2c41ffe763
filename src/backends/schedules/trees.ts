import { trees } from "../../ir/ops/trees.ts";
import { ensembleOf } from "../../ir/trees/ensemble.ts";
import type { Schedule } from "../schedule.ts";
import { FLOAT_KINDS } from "./next-float.ts";
import type { TreeOutput } from "./tree-leaves.ts";
import type { TreeRows } from "./tree-rows.ts";
import { plainTests } from "./tree-tests.ts";
import { lowerTreeWalk } from "./tree-walk.ts";

export const treesSchedule: Schedule = {
  ops: [trees],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const [count, features] = x.layout.shape as [number, number];
    const elem = x.dtype as "f32" | "f64";
    const ensemble = ensembleOf(op.attrs);
    if (count === 0 || y.layout.shape[1] === 0) return;
    const rows: TreeRows = { x, y, elem, features, rows: count, output: op.attrs as unknown as TreeOutput, loc: op.loc };
    lowerTreeWalk(context, ensemble, plainTests(ensemble, FLOAT_KINDS[elem], features), rows, 0, count);
  },
};
