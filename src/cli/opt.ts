import { NeoError } from "../support/errors.ts";
import { listOption, textOption, type CommandSpec } from "./command.ts";
import { readInput } from "./files.ts";

export const opt: CommandSpec = {
  name: "opt",
  args: [{ name: "file", text: "a .nir file, or - for stdin" }],
  options: [
    { flags: "--passes <list>", text: "names of passes, or of a pipeline (simplify, cpu)" },
    { flags: "--print-ir-after <pass>", text: "prints the graph to stderr after this pass, or after each (all)" },
  ],
  examples: ["neo opt graph.nir --passes canonicalize", "neo compile model.onnx --stop-after import | neo opt - --passes simplify"],
  exits: { 0: "ok", 2: "no such pass", 3: "the text is no valid graph", 6: "no such file" },
  async run({ args, options, cwd, reporter }) {
    const { readGraphs } = await import("../ir/text/read.ts");
    const { printGraph } = await import("../ir/text/print.ts");
    const { passesByName } = await import("../passes/pipelines.ts");
    const { runPasses, DEFAULT_OPTIONS } = await import("../passes/pass.ts");
    const passes = passesByName(listOption(options, "passes"));
    if ("unknown" in passes) throw new NeoError({ code: "NEO1015", message: `there is no pass ${passes.unknown}`, hint: `one of ${passes.names.join(", ")}` });
    const file = args[0]!;
    const text = new TextDecoder().decode(await readInput(file, cwd, 1 << 28));
    const printAfter = textOption(options, "printIrAfter");
    const runs = [];
    const printed: string[] = [];
    for (const graph of readGraphs(text, file)) {
      runs.push(
        ...runPasses(graph, passes.passes, DEFAULT_OPTIONS, {
          verifyEach: true,
          now: () => performance.now(),
          after: (pass, after) =>
            void (printAfter === "all" || printAfter === pass.name ? reporter.info(`// after ${pass.name}\n${printGraph(after)}`) : undefined),
        }),
      );
      printed.push(printGraph(graph));
    }
    return { text: printed.join("\n"), result: { graphs: printed, passes: runs } };
  },
};
