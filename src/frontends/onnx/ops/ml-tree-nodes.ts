import { EnsembleCollector, type LeafNode, type SplitNode } from "../../../ir/trees/collect.ts";
import type { Comparison, TreeEnsemble } from "../../../ir/trees/ensemble.ts";
import type { NodeContext } from "../context.ts";

/** A split's test by the mode of its node. */
const COMPARISON_OF: Readonly<Record<string, Comparison>> = {
  BRANCH_LEQ: "le",
  BRANCH_LT: "lt",
  BRANCH_GTE: "ge",
  BRANCH_GT: "gt",
  BRANCH_EQ: "eq",
  BRANCH_NEQ: "ne",
};

/** In the order of the numbers that version 5 has for them; the last is a member test. */
const MODE_WORDS = Object.keys(COMPARISON_OF);
const MEMBER = MODE_WORDS.length;

/** Trees of a node: features in a row, numbers that the sums begin or end with, and the dtype of thresholds and weights. */
export interface TreeKind {
  readonly features: number;
  readonly base: readonly number[];
  readonly dtype: "f32" | "f64";
}

/** A list that stands as floats or as a tensor, which may be of doubles. */
export function numbersOf(c: NodeContext, name: string): number[] | undefined {
  const listed = c.floats(name);
  const tensor = c.tensor(`${name}_as_tensor`);
  return listed && listed.length > 0 ? listed : tensor ? Array.from(tensor.data as ArrayLike<number>) : listed;
}

/** Trees whose nodes are named by a tree and a number in it; `prefix` is that of the weights: class or target. */
export function readNamedTrees(c: NodeContext, prefix: "class" | "target", { features, base, dtype }: TreeKind): TreeEnsemble {
  const list = (name: string, count?: number): number[] => {
    const found = c.required(name, c.ints(name));
    if (count !== undefined && found.length !== count) c.fail(`has ${found.length} of ${name}, wanted ${count}`);
    return found;
  };
  c.ignore("nodes_hitrates", "nodes_hitrates_as_tensor");
  const trees = list("nodes_treeids");
  const count = trees.length;
  const [ids, columns, left, right] = ["nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"].map((name) => list(name, count)) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const modes = c.required("nodes_modes", c.texts("nodes_modes"));
  const values = c.required("nodes_values", numbersOf(c, "nodes_values"));
  if (modes.length !== count || values.length !== count) c.fail(`has ${modes.length} nodes_modes and ${values.length} nodes_values for ${count} nodes`);
  const tracks = c.ints("nodes_missing_value_tracks_true") ?? [];
  if (tracks.length > 0 && tracks.length !== count) c.fail(`has ${tracks.length} of nodes_missing_value_tracks_true, wanted ${count}`);

  const places = new Map<number, Map<number, number>>();
  for (let i = 0; i < count; i++) {
    const tree = places.get(trees[i]!) ?? new Map<number, number>();
    if (tree.has(ids[i]!)) c.fail(`has node ${ids[i]} of tree ${trees[i]} twice`);
    places.set(trees[i]!, tree.set(ids[i]!, i));
  }
  const weights = readWeights(c, prefix, places);
  const children = new Set<number>();
  for (let i = 0; i < count; i++) {
    if (modes[i] === "LEAF") continue;
    for (const child of [left[i]!, right[i]!]) children.add(places.get(trees[i]!)!.get(child) ?? -1);
  }
  const collector = new EnsembleCollector(features, base, { thresholds: dtype, weights: dtype });
  for (const [tree, nodes] of places) {
    const roots = [...nodes].filter(([, place]) => !children.has(place));
    if (roots.length !== 1) c.fail(`has tree ${tree} with ${roots.length} nodes that are no node's child, wanted one`);
    collector.addTree((node): SplitNode | LeafNode | undefined => {
      const i = nodes.get(node);
      if (i === undefined) return undefined;
      if (modes[i] === "LEAF") return { kind: "leaf", weights: weights.get(i) ?? [] };
      const comparison = COMPARISON_OF[modes[i]!] ?? c.fail(`has node ${node} of tree ${tree} in mode ${modes[i]}`);
      return {
        kind: "split",
        feature: columns[i]!,
        comparison,
        threshold: values[i]!,
        defaultLeft: trackOf(comparison, tracks[i]),
        left: left[i]!,
        right: right[i]!,
      };
    }, roots[0]![0]);
  }
  return finished(c, collector);
}

/** NaN differs from everything, so that it takes the branch of "not equal" by itself. */
function trackOf(comparison: Comparison, track: number | undefined): boolean {
  return comparison === "ne" || (track ?? 0) !== 0;
}

function readWeights(
  c: NodeContext,
  prefix: "class" | "target",
  places: ReadonlyMap<number, ReadonlyMap<number, number>>,
): ReadonlyMap<number, readonly (readonly [number, number])[]> {
  const [trees, nodes, ids] = ["treeids", "nodeids", "ids"].map((name) => c.required(`${prefix}_${name}`, c.ints(`${prefix}_${name}`))) as [
    number[],
    number[],
    number[],
  ];
  const weights = c.required(`${prefix}_weights`, numbersOf(c, `${prefix}_weights`));
  if ([trees, nodes, ids].some((list) => list.length !== weights.length))
    c.fail(`has ${prefix}_treeids, ${prefix}_nodeids, ${prefix}_ids and ${prefix}_weights of unequal length`);
  const found = new Map<number, (readonly [number, number])[]>();
  weights.forEach((weight, i) => {
    const place = places.get(trees[i]!)?.get(nodes[i]!) ?? c.fail(`has a weight for node ${nodes[i]} of tree ${trees[i]}, which is not there`);
    found.set(place, [...(found.get(place) ?? []), [ids[i]!, weight]]);
  });
  return found;
}

/** A node or leaf as it is met from its parent; of a set's numbers that are not whole, `tested` were asked for already. */
interface Place {
  readonly at: number;
  readonly isLeaf: boolean;
  readonly depth: number;
  readonly tested: number;
}

const MOST_PLACES = 2 ** 24;

/** Trees of version 5: splits and leaves in lists of their own, children by place. */
export function readListedTrees(c: NodeContext, { features, base, dtype }: TreeKind): TreeEnsemble {
  c.ignore("nodes_hitrates");
  const numbers = (name: string): number[] => Array.from(c.required(name, c.tensor(name)).data as ArrayLike<number>);
  const modes = numbers("nodes_modes");
  const count = modes.length;
  const ints = (name: string): number[] => {
    const found = c.required(name, c.ints(name));
    return found.length === count ? found : c.fail(`has ${found.length} of ${name} for ${count} nodes`);
  };
  const splits = numbers("nodes_splits");
  if (splits.length !== count) c.fail(`has ${splits.length} nodes_splits for ${count} nodes`);
  const columns = ints("nodes_featureids");
  const children = { left: ints("nodes_truenodeids"), right: ints("nodes_falsenodeids") };
  const areLeaves = { left: ints("nodes_trueleafs"), right: ints("nodes_falseleafs") };
  const tracks = c.has("nodes_missing_value_tracks_true") ? ints("nodes_missing_value_tracks_true") : [];
  const targets = c.required("leaf_targetids", c.ints("leaf_targetids"));
  const weights = numbers("leaf_weights");
  if (targets.length !== weights.length) c.fail(`has ${targets.length} leaf_targetids for ${weights.length} leaf_weights`);
  const sets = readSets(c, modes);
  const collector = new EnsembleCollector(features, base, { thresholds: dtype, weights: dtype });
  for (const root of c.required("tree_roots", c.ints("tree_roots"))) {
    // Leaves may be children of several nodes, and so are the children of a set that becomes a row of tests: each place has a number.
    const places: Place[] = [];
    const place = (at: Place): number => places.push(at) - 1;
    const source = (number: number): SplitNode | LeafNode | undefined => {
      const { at, isLeaf, depth, tested } = places[number]!;
      if (depth > count || places.length > MOST_PLACES) c.fail("has a cycle, or too many nodes that several share");
      if (isLeaf) return at >= 0 && at < weights.length ? { kind: "leaf", weights: [[targets[at]!, weights[at]!]] } : undefined;
      if (at < 0 || at >= count) return undefined;
      const childOf = (side: "left" | "right"): number => place({ at: children[side][at]!, isLeaf: areLeaves[side][at] !== 0, depth: depth + 1, tested: 0 });
      const mode = modes[at]!;
      const members = sets.get(at) ?? [];
      const split = { kind: "split", feature: columns[at]!, left: childOf("left") } as const;
      if (mode !== MEMBER) {
        const comparison = COMPARISON_OF[MODE_WORDS[mode] ?? ""] ?? c.fail(`has node ${at} in mode ${mode}`);
        return { ...split, comparison, threshold: splits[at]!, defaultLeft: trackOf(comparison, tracks[at]), right: childOf("right") };
      }
      const defaultLeft = trackOf("member", tracks[at]);
      const odd = members.filter((member) => !Number.isInteger(member) || member < 0 || member >= 2 ** 24);
      if (tested === odd.length) {
        const whole = members.filter((member) => !odd.includes(member));
        return { ...split, comparison: "member", threshold: 0, members: whole, defaultLeft, right: childOf("right") };
      }
      const right = place({ at, isLeaf: false, depth, tested: tested + 1 });
      return { ...split, comparison: "eq", threshold: odd[tested]!, defaultLeft, right };
    };
    collector.addTree(source, place({ at: root, isLeaf: false, depth: 0, tested: 0 }));
  }
  return finished(c, collector);
}

/** By node: one set for each member test, in the order of the nodes; NaN ends each. */
function readSets(c: NodeContext, modes: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const sets = new Map<number, number[]>();
  const wanting = [...modes.keys()].filter((node) => modes[node] === MEMBER);
  const values = Array.from((c.tensor("membership_values")?.data ?? []) as ArrayLike<number>);
  let next = 0;
  for (const value of values) {
    const node = wanting[next];
    if (node === undefined) c.fail(`has more sets in membership_values than member tests (${wanting.length})`);
    if (Number.isNaN(value)) next++;
    else sets.set(node, [...(sets.get(node) ?? []), value]);
  }
  return sets;
}

function finished(c: NodeContext, collector: EnsembleCollector): TreeEnsemble {
  const [problem] = collector.problems;
  if (problem) c.fail(`has trees that are not well formed: ${problem.where} ${problem.text}`);
  return collector.finish();
}
