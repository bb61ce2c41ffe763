import { join } from "node:path";
import { writeNpy } from "../frontends/formats/npy.ts";
import { writeNpz } from "../frontends/formats/npz.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import type { DType } from "../ir/types.ts";
import type { OutputTensor } from "../session/tensors.ts";
import { formatMs } from "../support/table.ts";
import { repeatedOption, textOption, type CommandSpec, type Invocation, type Outcome } from "./command.ts";
import { fileNamesFor, makeFolder, writeOutput } from "./files.ts";
import { INPUT_OPTION, inputValues } from "./input-values.ts";
import { openSession, SESSION_OPTIONS } from "./open-session.ts";
import { rowsOfGraph, rowsOfSession } from "./row-model.ts";
import { graphsOf, interpretModel, wantsInterpreter } from "./run-interpreter.ts";
import { runTable } from "./run-table.ts";
import { TABLE_OPTIONS, tableFrom, type TableSettings } from "./table-options.ts";
import { summarize } from "./tensor-summary.ts";

export const run: CommandSpec = {
  name: "run",
  args: [{ name: "bundle", text: "a .neo file or a model" }],
  options: [
    INPUT_OPTION,
    { flags: "--output <place>", text: "folder for one .npy an output, or a .npz file; of a file of rows also .csv or .npy (default: csv on stdout)" },
    ...TABLE_OPTIONS,
    { flags: "--check", text: "only tells whether it would load here" },
    { flags: "--executor <kinds>", text: "native, wasm: the first that runs here; or interpreter, for a model" },
    ...SESSION_OPTIONS.filter(({ flags }) => !flags.startsWith("--executor ")),
  ],
  examples: ["neo run model.neo --input x=@input.npy --output results", "neo run model.neo --input rows.csv --output predictions.csv"],
  exits: {
    0: "ok",
    2: "usage; wrong name, dtype or shape of an input",
    3: "no code for this machine, unsupported model",
    5: "not signed by a trusted key, or damaged",
    6: "no such file",
    7: "a limit is exceeded",
  },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const { options, cwd } = invocation;
    const table = tableFrom(invocation);
    if (wantsInterpreter(invocation)) return interpreted(file, table, invocation);
    const session = await openSession(file, invocation);
    try {
      const refusals = session.refusals.map((r) => ({ artifact: r.artifact, reason: r.reason }));
      const base = { name: session.name, artifact: session.artifact.id, executor: session.kind, refusals };
      if (options["check"] === true)
        return {
          text: `${file}: runs here as ${session.artifact.id}\n${refusals.map((r) => `  not ${r.artifact}: ${r.reason}`).join("\n")}`.trimEnd(),
          result: base,
        };
      if (table) return await runTable(rowsOfSession(session), table, base, session.artifact.id, invocation);
      const inputs = await inputValues(
        repeatedOption(options, "input"),
        { inputs: session.inputs, preprocess: (name, picture) => session.preprocess(name, picture) as never },
        cwd,
      );
      const bound = await session.bind(inputs);
      const start = performance.now();
      await bound.runAsync();
      const ms = performance.now() - start;
      const { lines, outputs, files } = await shown(bound.outputs(), invocation);
      return {
        text: [...lines, `${session.artifact.id}, first run ${formatMs(ms)}`, `next: neo bench ${file}`].join("\n"),
        result: { ...base, ms, outputs, files },
      };
    } finally {
      session.close();
    }
  },
};

async function interpreted(file: string, table: TableSettings | undefined, invocation: Invocation): Promise<Outcome> {
  const graphs = await graphsOf(file, invocation);
  const base = { name: graphs.name, artifact: "interpreter", executor: "interpreter", refusals: [] };
  if (invocation.options["check"] === true) return { text: `${file}: the interpreter runs it`, result: base };
  if (table) return runTable(rowsOfGraph(graphs), table, base, "interpreter", invocation);
  const { outputs: results, ms } = await interpretModel(graphs, invocation);
  const tensors = Object.fromEntries(
    Object.entries(results).map(([key, { type, data }]) => [key, { dtype: type.dtype, shape: type.shape, data } as OutputTensor]),
  );
  const { lines, outputs, files } = await shown(tensors, invocation);
  return { text: [...lines, `interpreter, ${formatMs(ms)}`, `next: neo compile ${file}`].join("\n"), result: { ...base, ms, outputs, files } };
}

/** What came out, for people and for programs; written to `--output`. */
async function shown(
  results: Readonly<Record<string, OutputTensor>>,
  { options, cwd }: Invocation,
): Promise<{ lines: string[]; outputs: object[]; files: string[] }> {
  const files = await writeOutputs(results, textOption(options, "output"), cwd);
  return {
    lines: [...Object.entries(results).map(([name, result]) => summarize(name, result)), ...files.map((path) => `wrote ${path}`)],
    outputs: Object.entries(results).map(([name, t]) => ({
      name,
      dtype: t.dtype,
      shape: t.shape,
      data: t.data.length <= 1024 ? Array.from(t.data as ArrayLike<number | bigint | string>, jsonNumber) : undefined,
    })),
    files,
  };
}

/** JSON has neither NaN nor infinities nor integers beyond 2^53. */
function jsonNumber(value: number | bigint | string): number | string {
  return typeof value === "string" ? value : typeof value === "bigint" ? value.toString() : Number.isFinite(value) ? value : String(value);
}

async function writeOutputs(outputs: Readonly<Record<string, OutputTensor>>, place: string | undefined, cwd: string): Promise<string[]> {
  if (place === undefined) return [];
  const tensors = Object.entries(outputs).map(([name, t]): [string, Tensor] => [
    name,
    { type: { dtype: t.dtype as DType, shape: t.shape }, data: t.data as Data },
  ]);
  if (/\.npz$/i.test(place)) {
    await writeOutput(place, writeNpz(tensors), cwd);
    return [place];
  }
  makeFolder(place, cwd);
  const names = fileNamesFor(tensors.map(([name]) => name));
  const paths: string[] = [];
  for (const [, tensor] of tensors) {
    const path = join(place, `${names[paths.length]}.npy`);
    await writeOutput(path, writeNpy(tensor), cwd);
    paths.push(path);
  }
  return paths;
}
