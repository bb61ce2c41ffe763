/** Walks by index where a node is a word, as in walks by place, and its first child. */
import { floats, treeCount, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { rangeIn } from "./tree-columns.ts";
import { rowKeys } from "./tree-keys.ts";
import { declareLeaves, leafCode } from "./tree-leaves.ts";
import { byDepth, walkNodes } from "./tree-nodes.ts";
import { rankedTests, testWords, type RankedTests, type TestWords } from "./tree-ranks.ts";
import type { TreeRows } from "./tree-rows.ts";
import type { PlainTests } from "./tree-tests.ts";
import { WALKS_AT_ONCE } from "./tree-walk.ts";

/** Tests of splits, and words with room for the numbers of leaves. */
export interface SplitWords {
  readonly ranked: RankedTests;
  readonly form: TestWords;
}

/** undefined: words are too narrow, or there are no splits. */
export function splitWords(ensemble: TreeEnsemble, plain: PlainTests): SplitWords | undefined {
  const ranked = rankedTests(plain, { columns: plain.column, thresholds: plain.thresholds });
  let most = 0;
  for (let tree = 0; tree < treeCount(ensemble); tree++) most = Math.max(most, ensemble.leaves[tree + 1]! - ensemble.leaves[tree]!);
  const form = ranked && testWords(ranked, { columns: 1, most });
  return ranked && form ? { ranked, form } : undefined;
}

/**
 * A leaf is its own first child. It looks at a key that is above every word, so that walks of trees of unequal depth may go on; where
 * other words have a threshold it has its number.
 */
export function lowerTreeRankIndexWalk(
  context: LowerContext,
  ensemble: TreeEnsemble,
  plain: PlainTests,
  { ranked, form }: SplitWords,
  rows: TreeRows,
  firstRow: number,
  count: number,
): void {
  const { elem, features } = rows;
  const trees = treeCount(ensemble);
  const name = `trees_${elem}_words_${trees}x${ensemble.leafNodes.length}_${count}x${features}`;
  const b = new KernelBuilder(name, { lanes: lanesOf(context.target), mode: "exact", loc: rows.loc });
  const nodes = walkNodes(ensemble, plain, (n) => floats(elem, new Float64Array(n)));
  const together = WALKS_AT_ONCE[context.target.kind];
  const buffers: Record<string, Buffer> = { x: rows.x.buffer, y: rows.y.buffer };
  const table = (name: string, type: Elem, data: Int32Array | Uint16Array): void => {
    b.param(name, type, data.length, "in", rangeIn(data));
    buffers[name] = context.weights(type, data);
  };
  // A root and a place in its tree are added: the verifier knows either only by the greatest there is.
  const size = nodes.origins.length + nodes.mostNodes + 1;
  const always = ranked.units.length * ranked.directions.length;
  const words = form.elem === "u16" ? new Uint16Array(size) : new Int32Array(size);
  nodes.origins.forEach((origin, at) => (words[at] = origin >= 0 ? form.words[origin]! : ~origin * 2 ** form.columnBits + always));
  table("nodes", form.elem, words);
  const narrow = nodes.mostNodes <= 0xffff;
  const children = narrow ? new Uint16Array(size) : new Int32Array(size);
  children.set(nodes.first);
  table("first", narrow ? "u16" : "i32", children);
  b.param("x", elem, rows.x.layout.size, "in");
  b.param("y", rows.y.layout.elem, rows.y.layout.size, "out");
  b.param("leaf", "i32", trees + 1, "inout");
  buffers["leaf"] = context.scratch("i32", trees + 1);
  const leaves = declareLeaves(b, buffers, context, ensemble, rows.output);
  const lowest = form.mostRank * 2 ** form.columnBits;
  const keys = rowKeys(
    b,
    buffers,
    context,
    ensemble,
    ranked,
    { elem, features, firstRow },
    {
      elem: form.elem,
      size: 2 ** form.columnBits,
      stride: 1,
      of: (rank) => b.shl(rank, form.columnBits),
      lowest,
    },
  );
  const groups = byDepth(nodes.depths).map(({ steps, trees: members }, i) => {
    const groupCount = Math.ceil(members.length / together);
    // The last group is filled with walks whose leaf nobody reads.
    const fill = new Array<number>(groupCount * together - members.length);
    const padded = (values: readonly number[], rest: number): Int32Array => Int32Array.from([...values, ...fill.fill(rest)]);
    const [first] = members as [number];
    table(
      `roots${i}`,
      "i32",
      padded(
        members.map((tree) => nodes.roots[tree]!),
        nodes.roots[first]!,
      ),
    );
    table(`places${i}`, "i32", padded(members, trees));
    table(
      `leaves${i}`,
      "i32",
      padded(
        members.map((tree) => ensemble.leaves[tree]!),
        ensemble.leaves[first]!,
      ),
    );
    return { steps, groupCount, roots: b.cursor("r", `roots${i}`), places: b.cursor("p", `places${i}`), firstLeaf: b.cursor("f", `leaves${i}`) };
  });
  const [word, child, key, leaf] = [b.cursor("n", "nodes"), b.cursor("f", "first"), b.cursor("k", "keys"), b.cursor("l", "leaf")];
  const above = b.cursor("k", "keys", always);
  const results = leafCode(b, ensemble, leaves, firstRow);
  b.storeAs(scalar(form.elem), above, 0, b.constant(I32, lowest));
  const moves = { ...Object.fromEntries(keys.cursors.map((cursor) => [cursor, features])), [results.y]: rows.y.layout.shape[1]! };
  b.loop("i", count, moves, () => {
    keys.emit();
    for (const group of groups) {
      b.loop("g", group.groupCount, { [group.roots]: together, [group.places]: together, [group.firstLeaf]: together }, () => {
        const roots = Array.from({ length: together }, (_, i) => b.let("r", b.load(I32, group.roots, i)));
        const at = roots.map((root) => b.let("a", root));
        if (group.steps > 0)
          b.loop("d", group.steps, {}, () => {
            at.forEach((held, i) => {
              const test = b.let("w", b.load(scalar(form.elem), word, 0, held));
              const goesLeft = b.compare("lt", test, b.load(scalar(form.elem), key, 0, b.and(test, b.constant(I32, 2 ** form.columnBits - 1))));
              const next = b.add(b.load(scalar(narrow ? "u16" : "i32"), child, 0, held), b.select(goesLeft, b.constant(I32, 0), b.constant(I32, 1)));
              b.set(held, b.add(roots[i]!, next));
            });
          });
        at.forEach((held, i) => {
          const number = b.add(b.load(I32, group.firstLeaf, i), b.shrU(b.load(scalar(form.elem), word, 0, held), form.columnBits));
          b.store(leaf, 0, number, b.load(I32, group.places, i));
        });
      });
    }
    results.emit();
  });
  context.call(b.finish(), buffers);
}
