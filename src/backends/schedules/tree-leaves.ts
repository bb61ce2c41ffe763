import { dtypeOf, floats, treeCount, type Aggregation, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { I32, scalar, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import { rangeIn, type FloatElem } from "./tree-columns.ts";

export interface TreeOutput extends Aggregation {
  readonly output: "scores" | "leaves";
}

/** What the leaves of one ensemble give: their names, one number each, or `width` numbers each, several a target where a leaf names it often. */
export type Leaves =
  | { readonly kind: "names" }
  | { readonly kind: "single" | "scalar" | "vector"; readonly elem: FloatElem; readonly width: number; readonly aggregation: Aggregation };

/** Every leaf of a tree names one target at most, and all the same: which, by tree; undefined: not so. */
export function treeTargets(ensemble: TreeEnsemble): Int32Array | undefined {
  const { entries, targets, leaves } = ensemble;
  const found = new Int32Array(treeCount(ensemble));
  for (let tree = 0; tree < found.length; tree++) {
    let target = -1;
    for (let leaf = leaves[tree]!; leaf < leaves[tree + 1]!; leaf++) {
      if (entries[leaf + 1]! - entries[leaf]! > 1) return undefined;
      for (let e = entries[leaf]!; e < entries[leaf + 1]!; e++) {
        if (target >= 0 && targets[e] !== target) return undefined;
        target = targets[e]!;
      }
    }
    found[tree] = Math.max(0, target);
  }
  return found;
}

/** What changes no result: x + -0 is x also for -0. */
export function nothing({ aggregate }: Aggregation): number {
  return aggregate === "min" || aggregate === "max" ? NaN : -0;
}

/** Declares what leaves give, with its data. */
export function declareLeaves(b: KernelBuilder, buffers: Record<string, Buffer>, context: LowerContext, ensemble: TreeEnsemble, output: TreeOutput): Leaves {
  const table = (name: string, elem: Elem, data: Int32Array | Float32Array | Float64Array, range?: readonly [number, number]): void => {
    b.param(name, elem, data.length, "in", range);
    buffers[name] = context.weights(elem, data);
  };
  if (output.output === "leaves") {
    table("names", "i32", ensemble.leafNodes);
    return { kind: "names" };
  }
  const elem = dtypeOf(ensemble.weights);
  const targets = treeTargets(ensemble);
  const count = ensemble.base.length;
  table("base", elem, ensemble.base);
  if (count > 1) {
    b.param("sums", elem, count, "inout");
    buffers["sums"] = context.scratch(elem, count);
  }
  const kind = targets ? (count === 1 ? "single" : "scalar") : "vector";
  if (kind === "scalar") table("targets", "i32", targets!, rangeIn(targets!));
  const { width, data } = leafRows(ensemble, kind === "vector" ? count : 1, output);
  table("weights", elem, data);
  return { kind: count === 1 && kind === "vector" ? "single" : kind, elem, width, aggregation: output };
}

/** A row a leaf: its numbers by target, once more for each further entry that names the target. */
function leafRows(ensemble: TreeEnsemble, targets: number, aggregation: Aggregation): { readonly width: number; readonly data: Float32Array | Float64Array } {
  const { entries } = ensemble;
  const count = ensemble.leafNodes.length;
  const layersOf = (visit: (leaf: number, layer: number, target: number, e: number) => void): void => {
    for (let leaf = 0; leaf < count; leaf++) {
      const met = new Map<number, number>();
      for (let e = entries[leaf]!; e < entries[leaf + 1]!; e++) {
        const target = targets === 1 ? 0 : ensemble.targets[e]!;
        const layer = met.get(target) ?? 0;
        met.set(target, layer + 1);
        visit(leaf, layer, target, e);
      }
    }
  };
  let layers = 1;
  layersOf((_leaf, layer) => (layers = Math.max(layers, layer + 1)));
  const width = layers * targets;
  const data = floats(dtypeOf(ensemble.weights), new Float64Array(count * width).fill(nothing(aggregation)));
  layersOf((leaf, layer, target, e) => (data[leaf * width + layer * targets + target] = ensemble.weights[e]!));
  return { width, data };
}

/** Adds (or compares) one more leaf. */
function step(b: KernelBuilder, { aggregate }: Aggregation, sum: Term, weight: Term): Term {
  if (aggregate === "sum" || aggregate === "average") return b.add(sum, weight);
  const held = b.let("w", weight);
  // NaN is nothing: what is compared with it takes its place, and it takes nobody's.
  const takes = b.or(b.compare("ne", sum, sum), b.compare(aggregate === "min" ? "lt" : "gt", held, sum));
  return b.select(b.and(takes, b.compare("eq", held, held)), held, sum);
}

function start(b: KernelBuilder, { aggregate, baseLast }: Aggregation, elem: FloatElem, base: string): Term {
  if (aggregate === "sum" && !baseLast) return b.load(scalar(elem), base);
  return b.constant(scalar(elem), aggregate === "min" || aggregate === "max" ? NaN : 0);
}

/** The result that a sum stands for, once all leaves are in it. */
export function finish(b: KernelBuilder, { aggregate, baseLast }: Aggregation, trees: number, sum: Term, base: string): Term {
  if (aggregate === "sum" && !baseLast) return sum;
  const held = b.let("s", sum);
  const divided = aggregate === "average" ? b.div(held, b.constant(held.type, trees)) : held;
  const known = aggregate === "min" || aggregate === "max" ? b.select(b.compare("ne", held, held), b.constant(held.type, 0), held) : divided;
  return b.add(known, b.load(held.type, base));
}

export interface LeafCode {
  /** Moves with the rows: by so many elements of the result. */
  readonly y: string;
  readonly emit: () => void;
}

/** Results of a row from the numbers of its leaves, in the order of the trees, in the parameter `leaf`. */
export function leafCode(b: KernelBuilder, ensemble: TreeEnsemble, leaves: Leaves, firstRow: number): LeafCode {
  const trees = treeCount(ensemble);
  const leaf = b.cursor("l", "leaf");
  const number = (): Term => b.let("l", b.pmin(b.pmax(b.load(I32, leaf), b.constant(I32, 0)), b.constant(I32, ensemble.leafNodes.length - 1)));
  if (leaves.kind === "names") {
    const [row, names] = [b.cursor("y", "y", firstRow * trees), b.cursor("n", "names")];
    return {
      y: row,
      emit: () => b.loop("t", trees, { [leaf]: 1, [row]: 1 }, () => b.store(row, 0, b.load(I32, names, 0, number()))),
    };
  }
  const { elem, width, aggregation } = leaves;
  const type = scalar(elem);
  const count = ensemble.base.length;
  const y = b.cursor("y", "y", firstRow * count);
  const [base, weights] = [b.cursor("b", "base"), b.cursor("w", "weights")];
  if (leaves.kind === "single") {
    return {
      y,
      emit: () => {
        const sum = b.let("s", start(b, aggregation, elem, base));
        if (trees > 0)
          b.loop("t", trees, { [leaf]: 1 }, () => {
            const at = scaled(b, number(), width);
            for (let layer = 0; layer < width; layer++) b.set(sum, step(b, aggregation, sum, b.load(type, weights, layer, at)));
          });
        b.store(y, 0, finish(b, aggregation, trees, sum, base));
      },
    };
  }
  const sums = b.cursor("s", "sums");
  const emitTree =
    leaves.kind === "scalar"
      ? ((targets) => (): void => {
          b.loop("t", trees, { [leaf]: 1, [targets]: 1 }, () => {
            const target = b.let("k", b.load(I32, targets));
            b.store(sums, 0, step(b, aggregation, b.let("s", b.load(type, sums, 0, target)), b.load(type, weights, 0, number())), target);
          });
        })(b.cursor("k", "targets"))
      : (): void => {
          b.loop("t", trees, { [leaf]: 1 }, () => {
            const at = scaled(b, number(), width);
            for (let layer = 0; layer < width / count; layer++)
              b.loop("k", count, { [sums]: 1, [weights]: 1 }, () => {
                b.store(sums, 0, step(b, aggregation, b.let("s", b.load(type, sums)), b.load(type, weights, layer * count, at)));
              });
          });
        };
  return {
    y,
    emit: () => {
      b.loop("k", count, { [sums]: 1, [base]: 1 }, () => b.store(sums, 0, start(b, aggregation, elem, base)));
      if (trees > 0) emitTree();
      b.loop("k", count, { [sums]: 1, [base]: 1, [y]: 1 }, () => b.store(y, 0, finish(b, aggregation, trees, b.load(type, sums), base)));
    },
  };
}

function scaled(b: KernelBuilder, index: Term, factor: number): Term {
  return factor === 1 ? index : b.let("a", b.mul(index, b.constant(I32, factor)));
}
