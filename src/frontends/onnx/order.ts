import { nodeName } from "./library.ts";
import type { Problems } from "./problems.ts";
import type { GraphProto, NodeProto } from "./schema.ts";

/** A list of nodes and what stands round it. */
export interface NodeList {
  readonly nodes: readonly NodeProto[];
  readonly outputs: readonly string[];
  /** Its inputs and initializers. */
  readonly own: ReadonlySet<string>;
  /** Names of the graphs round it. */
  readonly outer: (name: string) => boolean;
}

/**
 * The nodes that the outputs need, each behind those it reads; otherwise in the order of the file. Names that nobody gives, that two
 * nodes give, and circles become problems.
 */
export function orderNodes({ nodes, outputs, own, outer }: NodeList, problems: Problems): readonly NodeProto[] {
  const producers = producersOf(nodes, own, problems);
  const isGiven = (name: string): boolean => own.has(name) || outer(name);
  const live = liveNodes(outputs, producers);
  const ordered: NodeProto[] = [];
  const state = new Map<NodeProto, "open" | "done">();
  for (const start of nodes) {
    if (!live.has(start)) continue;
    const stack: NodeProto[] = [start];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (state.get(node) === undefined) {
        state.set(node, "open");
        for (const name of readsOf(node).toReversed()) {
          const producer = producers.get(name);
          if (!producer || state.get(producer) === "done") continue;
          if (state.get(producer) === "open") problems.add("structure", nodeName(producer), `depends on itself through ${name}`);
          else stack.push(producer);
        }
      } else {
        stack.pop();
        if (state.get(node) !== "done") ordered.push(node);
        state.set(node, "done");
      }
    }
  }
  for (const node of ordered)
    for (const name of readsOf(node))
      if (!producers.has(name) && !isGiven(name)) problems.add("structure", nodeName(node), `reads ${name}, which nothing gives`);
  for (const name of outputs) if (!producers.has(name) && !isGiven(name)) problems.add("structure", name, "is an output that nothing gives");
  return ordered;
}

function producersOf(nodes: readonly NodeProto[], own: ReadonlySet<string>, problems: Problems): ReadonlyMap<string, NodeProto> {
  const producers = new Map<string, NodeProto>();
  for (const node of nodes) {
    for (const name of node.output) {
      if (name === "") continue;
      const other = producers.get(name);
      if (other) problems.add("structure", name, `is given by two nodes, ${nodeName(other)} and ${nodeName(node)}`);
      else if (own.has(name)) problems.add("structure", name, `is given by ${nodeName(node)} and is an input or initializer too`);
      else producers.set(name, node);
    }
  }
  return producers;
}

function liveNodes(outputs: readonly string[], producers: ReadonlyMap<string, NodeProto>): ReadonlySet<NodeProto> {
  const live = new Set<NodeProto>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = producers.get(stack.pop()!);
    if (!node || live.has(node)) continue;
    live.add(node);
    for (const name of readsOf(node)) stack.push(name);
  }
  return live;
}

/** Names a node reads: its inputs, and what its subgraphs take from outside. */
function readsOf(node: NodeProto): readonly string[] {
  const inputs = node.input.filter((name) => name !== "");
  const captured = node.attribute.flatMap((attribute) => (attribute.g ? freeNames(attribute.g) : []));
  return captured.length > 0 ? [...inputs, ...captured] : inputs;
}

/** Names that a subgraph reads and does not give itself. Its nesting was limited when it was decoded. */
function freeNames(graph: GraphProto): readonly string[] {
  const own = new Set<string | undefined>([
    ...graph.input.map((v) => v.name),
    ...graph.initializer.map((t) => t.name),
    ...graph.sparseInitializer.map((t) => t.values?.name),
    ...graph.node.flatMap((n) => n.output),
  ]);
  const reads = [...graph.node.flatMap(readsOf), ...graph.output.map((value) => value.name ?? "")];
  return reads.filter((name) => name !== "" && !own.has(name));
}
