/** Walks by index, for every ensemble: each tree leaves the number of the leaf in a buffer, which is summed up in the order of the trees. */
import { floats, treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { declareTests, rangeIn, rowColumns, testTables } from "./tree-columns.ts";
import { byDepth, walkNodes } from "./tree-nodes.ts";
import type { PlainTests } from "./tree-tests.ts";
import { declareLeaves, leafCode } from "./tree-leaves.ts";
import type { TreeRows } from "./tree-rows.ts";
import { lanesOf } from "../../target/profile.ts";

/** Walks at once, which hide each other's latency: as many as fit into registers. */
export const WALKS_AT_ONCE = { native: 8, wasm: 4 } as const;

export function lowerTreeWalk(context: LowerContext, ensemble: TreeEnsemble, tests: PlainTests, rows: TreeRows, first: number, count: number): void {
  const { elem, features } = rows;
  const trees = treeCount(ensemble);
  const { columns } = tests;
  const name = `trees_${elem}_walk_${trees}x${ensemble.leafNodes.length}_${count}x${features}`;
  const b = new KernelBuilder(name, { lanes: lanesOf(context.target), mode: "exact", loc: rows.loc });
  const nodes = walkNodes(ensemble, tests, (n) => floats(elem, new Float64Array(n)));
  const together = WALKS_AT_ONCE[context.target.kind];
  const buffers: Record<string, Buffer> = { x: rows.x.buffer, y: rows.y.buffer };
  const table = (name: string, type: Elem, data: Int32Array | Uint16Array, size = data.length): void => {
    b.param(name, type, size, "in", rangeIn(data));
    const padded = size === data.length ? data : data instanceof Int32Array ? new Int32Array(size) : new Uint16Array(size);
    padded.set(data);
    buffers[name] = context.weights(type, padded);
  };
  // A root and a place in its tree are added: the verifier knows either only by the greatest there is.
  const size = nodes.columns.length + nodes.mostNodes + 1;
  const [narrowColumns, narrowFirst] = [columns.count <= 0xffff, nodes.mostNodes <= 0xffff];
  table("columns", narrowColumns ? "u16" : "i32", narrowColumns ? Uint16Array.from(nodes.columns) : nodes.columns, size);
  table("first", narrowFirst ? "u16" : "i32", narrowFirst ? Uint16Array.from(nodes.first) : nodes.first, size);
  const padded = floats(elem, new Float64Array(size));
  // As bytes: what stands for a leaf's number may be no float that survives a copy.
  new Uint8Array(padded.buffer).set(new Uint8Array(nodes.thresholds.buffer));
  b.param("thresholds", elem, size, "in");
  buffers["thresholds"] = context.weights(elem, padded);
  b.param("x", elem, rows.x.layout.size, "in");
  b.param("y", rows.y.layout.elem, rows.y.layout.size, "out");
  b.param("row", elem, columns.count, "inout");
  buffers["row"] = context.scratch(elem, columns.count);
  b.param("leaf", "i32", trees + 1, "inout");
  buffers["leaf"] = context.scratch("i32", trees + 1);
  const leaves = declareLeaves(b, buffers, context, ensemble, rows.output);

  const testsTables = testTables(context, columns, ensemble, elem, 1);
  Object.assign(buffers, testsTables.buffers);
  const filled = rowColumns(b, columns, elem, { x: "x", columns: "row", firstRow: first });
  const computed = declareTests(b, columns, ensemble, testsTables, elem, 1, (element) => b.cursor("c", "row", element));
  const groups = byDepth(nodes.depths).map(({ steps, trees: members }, i) => {
    const groupCount = Math.ceil(members.length / together);
    // The last group is filled with walks whose leaf nobody reads.
    const fill = new Array<number>(groupCount * together - members.length);
    const roots = Int32Array.from([...members.map((tree) => nodes.roots[tree]!), ...fill.fill(nodes.roots[members[0]!]!)]);
    table(`roots${i}`, "i32", roots);
    table(`places${i}`, "i32", Int32Array.from([...members, ...fill.fill(trees)]));
    return { steps, groupCount, roots: b.cursor("r", `roots${i}`), places: b.cursor("p", `places${i}`) };
  });
  const row = b.cursor("row", "row");
  const node = {
    column: b.cursor("n", "columns"),
    threshold: b.cursor("t", "thresholds"),
    leaf: b.cursor("l", "thresholds", 0, "i32"),
    first: b.cursor("f", "first"),
  };
  const leaf = b.cursor("l", "leaf");
  const always = b.cursor("c", "row", columns.count - 1);
  b.store(always, 0, b.constant(scalar(elem), -1));
  const results = leafCode(b, ensemble, leaves, first);
  const width = rows.y.layout.shape[1]!;
  const moves = { ...Object.fromEntries(filled.cursors.map((cursor) => [cursor, features])), [results.y]: width };
  b.loop("i", count, moves, () => {
    filled.emit();
    computed.emit();
    for (const group of groups) {
      b.loop("g", group.groupCount, { [group.roots]: together, [group.places]: together }, () => {
        const roots = Array.from({ length: together }, (_, i) => b.let("r", b.load(I32, group.roots, i)));
        const at = roots.map((root) => b.let("a", root));
        if (group.steps > 0)
          b.loop("d", group.steps, {}, () => {
            at.forEach((held, i) => {
              const column = b.load(scalar(narrowColumns ? "u16" : "i32"), node.column, 0, held);
              const goesLeft = b.compare("lt", b.load(scalar(elem), row, 0, column), b.load(scalar(elem), node.threshold, 0, held));
              const next = b.add(b.load(scalar(narrowFirst ? "u16" : "i32"), node.first, 0, held), b.select(goesLeft, b.constant(I32, 0), b.constant(I32, 1)));
              b.set(held, b.add(roots[i]!, next));
            });
          });
        at.forEach((held, i) => {
          const number = b.load(I32, node.leaf, 0, elem === "f64" ? b.shl(held, 1) : held);
          b.store(leaf, 0, number, b.load(I32, group.places, i));
        });
      });
    }
    results.emit();
  });
  context.call(b.finish(), buffers);
}
