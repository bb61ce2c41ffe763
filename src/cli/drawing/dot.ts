import { heatOf, type Drawing, type Heat } from "./drawing.ts";
import { colourOf, titleOf } from "./svg.ts";

/** The drawing in the language of Graphviz. */
export function printDot(drawing: Drawing, heat: Heat): string {
  const most = Math.max(0, ...drawing.nodes.map((node) => heatOf(node, heat)));
  return [
    `digraph ${quote(drawing.name)} {`,
    `  node [shape=box style="filled,rounded" fontname="sans-serif"];`,
    ...drawing.nodes.map((node, i) => {
      const fill = node.kind === "op" ? colourOf(heatOf(node, heat), most) : "#dde6f5";
      return `  n${i} [label=${quote(`${node.name}\n${node.op}  ${node.types}`)} tooltip=${quote(titleOf(node))} fillcolor="${fill}"];`;
    }),
    ...drawing.edges.map(({ from, to, label }) => `  n${from} -> n${to} [label=${quote(label)}];`),
    "}",
    "",
  ].join("\n");
}

/** A string whose backslashes mean themselves: Graphviz reads \N, \G and others as names. */
function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
