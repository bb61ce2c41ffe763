import { trees } from "../../ir/ops/trees.ts";
import { ensembleOf } from "../../ir/trees/ensemble.ts";
import type { Schedule } from "../schedule.ts";
import { FLOAT_KINDS } from "./next-float.ts";
import { lowerTreeBlocks, MOST_THRESHOLDS } from "./tree-blocks.ts";
import { lowerTreeRankWalk } from "./tree-rank-walk.ts";
import { lowerTreeRankIndexWalk, splitWords } from "./tree-rank-index.ts";
import { rankedTests, testWords } from "./tree-ranks.ts";
import { lowerTreeHeapWalk } from "./tree-heap-walk.ts";
import { treeHeaps } from "./tree-heaps.ts";
import type { TreeOutput } from "./tree-leaves.ts";
import { DEEPEST_HEAP, divideRows, hasWideVectors, isDense } from "./tree-plan.ts";
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
    const output = op.attrs as unknown as TreeOutput;
    const rows: TreeRows = { x, y, elem, features, rows: count, output, loc: op.loc };
    const plain = plainTests(ensemble, FLOAT_KINDS[elem], features);
    const heaps = treeHeaps(ensemble, plain, output, DEEPEST_HEAP);
    const isWide = hasWideVectors(context.target);
    const bytes = heaps && isWide ? rankedTests(plain, heaps.tests, MOST_THRESHOLDS) : undefined;
    const ranked = heaps && isWide && isDense(ensemble, heaps) ? rankedTests(plain, heaps.tests) : undefined;
    const words = ranked && testWords(ranked);
    const byIndex = isWide && !(heaps && ranked && words) ? splitWords(ensemble, plain) : undefined;
    for (const part of divideRows(context.target, bytes, heaps, count)) {
      if (part.kind === "blocks") lowerTreeBlocks(context, ensemble, bytes!, heaps!, rows, part);
      else if (heaps && ranked && words) lowerTreeRankWalk(context, ensemble, ranked, words, heaps, rows, part.first, part.count);
      else if (byIndex) lowerTreeRankIndexWalk(context, ensemble, plain, byIndex, rows, part.first, part.count);
      else if (heaps && isDense(ensemble, heaps)) lowerTreeHeapWalk(context, ensemble, plain, heaps, rows, part.first, part.count);
      else lowerTreeWalk(context, ensemble, plain, rows, part.first, part.count);
    }
  },
};
