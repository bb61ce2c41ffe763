import type { DocumentEntry } from "../formats/document.ts";
import type { XgboostTree } from "./model.ts";

/** One entry of `trees`. Children and features are checked where the trees are walked; here only that each array has its length. */
export function readTree(entry: DocumentEntry, groups: number, index: number): XgboostTree {
  const left = entry.at("left_children").numbers();
  const nodes = left.length;
  const byNode = (key: string): ArrayLike<number> => {
    const values = entry.at(key).numbers();
    return values.length === nodes ? values : entry.at(key).fail(`${nodes} numbers, one a node of tree ${index}`);
  };
  const right = byNode("right_children");
  const size = entry.at("tree_param", "size_leaf_vector");
  const leafSize = size.exists ? Math.max(1, size.integer(0, 1 << 20)) : 1;
  if (leafSize > 1 && leafSize !== groups) return size.fail(`1 or ${groups}, the number of groups`);
  return {
    left,
    right,
    feature: byNode("split_indices"),
    threshold: byNode("split_conditions"),
    defaultLeft: byNode("default_left"),
    categories: entry.at("split_type").exists ? categoriesOf(entry, byNode("split_type"), nodes) : new Map(),
    covers: entry.at("sum_hessian").exists ? () => byNode("sum_hessian") : undefined,
    leafVector: leafSize > 1 ? leafVectors(entry, leafSize, nodes, right) : undefined,
  };
}

/** The categories of each node that splits by them. */
function categoriesOf(entry: DocumentEntry, types: ArrayLike<number>, nodes: number): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  const lists = ["categories_nodes", "categories_segments", "categories_sizes", "categories"] as const;
  if (!entry.at(lists[0]).exists) return found;
  const [owners, segments, sizes, categories] = lists.map((key) => entry.at(key).numbers()) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  if (segments.length !== owners.length) return entry.at(lists[1]).fail(`${owners.length} numbers`);
  if (sizes.length !== owners.length) return entry.at(lists[2]).fail(`${owners.length} numbers`);
  let total = 0;
  for (let i = 0; i < owners.length; i++) {
    const [node, start, size] = [owners[i]!, segments[i]!, sizes[i]!];
    if (!Number.isInteger(node) || node < 0 || node >= nodes) return entry.at(lists[0]).fail(`numbers of nodes below ${nodes}`);
    if (!Number.isInteger(start) || !Number.isInteger(size) || start < 0 || size < 0 || start + size > categories.length)
      return entry.at(lists[1]).fail(`places in ${categories.length} categories; node ${node} has ${size} from ${start} on`);
    total += size;
    if (total > categories.length) return entry.at(lists[2]).fail(`${categories.length} categories in all`);
    if (types[node] === 1)
      found.set(
        node,
        Array.from({ length: size }, (_, j) => categories[start + j]!),
      );
  }
  for (let node = 0; node < nodes; node++)
    if (types[node] === 1 && !found.has(node)) return entry.at(lists[0]).fail(`node ${node}, which splits by categories`);
  return found;
}

/** Up to 3.1 the rows of `base_weights`, by node; then those of `leaf_weights`, the row of a leaf being its right child. */
function leafVectors(entry: DocumentEntry, size: number, nodes: number, right: ArrayLike<number>): NonNullable<XgboostTree["leafVector"]> {
  const key = entry.at("leaf_weights").exists ? "leaf_weights" : "base_weights";
  const values = entry.at(key).numbers();
  const rows = values.length / size;
  if (!Number.isInteger(rows) || (key === "base_weights" && rows !== nodes)) return entry.at(key).fail(`rows of ${size} numbers`);
  return (node) => {
    const row = key === "base_weights" ? node : right[node]!;
    if (!Number.isInteger(row) || row < 0 || row >= rows) return undefined;
    return Array.from({ length: size }, (_, k) => values[row * size + k]!);
  };
}
