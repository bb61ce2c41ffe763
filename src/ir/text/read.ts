import { NeoError } from "../../support/errors.ts";
import type { Graph } from "../graph.ts";
import { verify } from "../verify.ts";
import { parseGraphs } from "./parse.ts";

/** The graphs of a text, parsed and verified. Throws a `NeoError` with all findings, each at the op it is about. */
export function readGraphs(text: string, file: string): readonly Graph[] {
  const { graphs, positionOf } = parseGraphs(text, file);
  const notes = graphs.flatMap(verify).map((finding) => {
    const { line, column } = positionOf(finding.op ?? finding.graph.ops[0]);
    return { where: `${file}:${line}:${column}`, text: finding.text };
  });
  if (notes.length > 0)
    throw new NeoError({ code: "NEO2052", message: `the graphs of ${file} are not well formed`, file, notes, hint: "`neo ops` says what each op wants" });
  return graphs;
}
