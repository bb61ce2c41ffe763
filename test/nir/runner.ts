/**
 * Runs `.nir` test files. Chunks between lines `// -----` are files of their own under the RUN line of the first:
 * `// RUN: neo opt --passes a,b` gives each graph to the passes and compares what they print with the CHECK lines of the chunk; a chunk
 * with `// expected-error {{text}}` (or several texts) must be refused with exactly these findings, each on the line of the comment, or on the next
 * line of code where the comment has a line of its own.
 */
import { NeoError } from "../../src/support/errors.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { readGraphs } from "../../src/ir/text/read.ts";
import { checkText } from "./file-check.ts";

export type RunPasses = (graph: Graph, passes: readonly string[]) => void;

/** Throws an error that says which line is not met. */
export function runNirFile(text: string, runPasses: RunPasses): void {
  const run = /^\/\/ RUN: neo opt(?: --passes (\S+))?\s*$/m.exec(text);
  if (!run) throw new Error('no line "// RUN: neo opt --passes NAMES"');
  const passes = run[1]?.split(",") ?? [];
  let line = 0;
  for (const chunk of text.split(/^\/\/ -----[ \t]*$/m)) {
    // Empty lines in front, so that messages count lines as the file does.
    runChunk("\n".repeat(line) + chunk, passes, runPasses);
    line += chunk.split("\n").length - 1;
  }
}

function runChunk(chunk: string, passes: readonly string[], runPasses: RunPasses): void {
  const expected = expectedErrors(chunk);
  if (expected.length > 0) return checkErrors(chunk, expected);
  const printed = readGraphs(chunk, FILE).map((graph) => {
    if (passes.length > 0) runPasses(graph, passes);
    return printGraph(graph);
  });
  checkText(chunk, printed.join("\n"));
}

const FILE = "chunk";

interface ExpectedError {
  readonly line: number;
  readonly text: string;
}

function expectedErrors(chunk: string): readonly ExpectedError[] {
  const lines = chunk.split("\n");
  return lines.flatMap((text, i) => {
    const found = /\/\/ expected-error( \{\{.*?\}\})+\s*$/.exec(text);
    if (!found) return [];
    const own = text.slice(0, found.index).trim() !== "";
    const next = lines.findIndex((other, k) => k > i && other.trim() !== "" && !other.trim().startsWith("//"));
    return [...found[0].matchAll(/\{\{(.*?)\}\}/g)].map((match) => ({ line: own ? i + 1 : next + 1, text: match[1]! }));
  });
}

function checkErrors(chunk: string, expected: readonly ExpectedError[]): void {
  const found = errorsOf(chunk);
  const open = [...found];
  for (const { line, text } of expected) {
    const at = open.findIndex((error) => error.line === line && error.text.includes(text));
    if (at < 0) throw new Error(`line ${line} is not refused with {{${text}}}; found:\n${found.map((error) => `${error.line}: ${error.text}`).join("\n")}`);
    open.splice(at, 1);
  }
  if (open.length > 0) throw new Error(`not expected:\n${open.map((error) => `${error.line}: ${error.text}`).join("\n")}`);
}

function errorsOf(chunk: string): readonly ExpectedError[] {
  try {
    readGraphs(chunk, FILE);
    return [];
  } catch (error) {
    if (!(error instanceof NeoError)) throw error;
    return error.notes.map(({ where, text }) => ({ line: Number(where.split(":")[1]), text }));
  }
}
