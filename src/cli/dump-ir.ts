import { lower } from "../backends/lower.ts";
import { WeightPool } from "../backends/weight-pool.ts";
import { importModel } from "../frontends/index.ts";
import type { Graph } from "../ir/graph.ts";
import { printGraph } from "../ir/text/print.ts";
import { printProgram } from "../kernel/text/print-program.ts";
import { runPasses } from "../passes/pass.ts";
import { PIPELINES } from "../passes/pipelines.ts";
import { NeoError } from "../support/errors.ts";
import { printSize, type Size } from "../support/size-range.ts";
import type { TargetProfile } from "../target/profile.ts";
import { textOption, type Invocation } from "./command.ts";
import { join } from "node:path";
import { makeFolder, writeOutput } from "./files.ts";
import type { ModelInput } from "./model-options.ts";

/** The folder of `--dump-ir after-each:FOLDER`; undefined without the flag. */
export function dumpFolder({ options }: Invocation): string | undefined {
  const word = textOption(options, "dumpIr");
  if (word === undefined) return undefined;
  const folder = /^after-each:(.+)$/s.exec(word)?.[1];
  if (folder !== undefined) return folder;
  throw new NeoError({ code: "NEO1023", message: `--dump-ir ${word}: wanted after-each:FOLDER`, hint: "for example --dump-ir after-each:ir" });
}

/**
 * Writes what the compiler makes of a model, step by step: `00-import.nir`, the graph after each pass that changed it, numbered by its
 * place in the pipeline, and the program of each target. Alternatives of `--shape` get a folder each. `stopAfter` ends it behind that
 * pass. Gives the paths.
 */
export async function dumpIr(
  folder: string,
  model: ModelInput,
  targets: readonly TargetProfile[],
  stopAfter: string | undefined,
  invocation: Invocation,
): Promise<string[]> {
  const paths: string[] = [];
  for (const binding of model.bindings) {
    const place = model.bindings.length > 1 ? join(folder, Object.entries(binding).map(wordOf).join(",")) : folder;
    makeFolder(place, invocation.cwd);
    const put = async (name: string, text: string): Promise<void> => {
      paths.push(join(place, name));
      await writeOutput(paths.at(-1)!, new TextEncoder().encode(text), invocation.cwd);
    };
    const graph = importModel(model.bytes, { ...model, shapes: binding });
    await put("00-import.nir", printGraph(graph));
    if (stopAfter === "import") continue;
    const isWhole = await dumpPasses(graph, stopAfter, put);
    if (isWhole) for (const target of targets) await put(`program.${target.name}.kir`, printProgram(lower(graph, target, new WeightPool()).program));
  }
  return paths;
}

/** false: the pipeline was left at `stopAfter`. */
async function dumpPasses(graph: Graph, stopAfter: string | undefined, put: (name: string, text: string) => Promise<void>): Promise<boolean> {
  for (const [i, pass] of PIPELINES["cpu"]!.entries()) {
    const [run] = runPasses(graph, [pass]);
    if (run!.changed) await put(`${String(i + 1).padStart(2, "0")}-${pass.name}.nir`, printGraph(graph));
    if (pass.name === stopAfter) return false;
  }
  return true;
}

function wordOf([name, value]: [string, Size | readonly Size[]]): string {
  return `${name}=${[value].flat().map(printSize).join("x")}`.replace(/[^A-Za-z0-9._=-]+/g, "_").replace(/^\.+/, "_");
}
