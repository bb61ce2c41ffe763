import { join } from "node:path";
import { writeNpy } from "../frontends/formats/npy.ts";
import { writeNpz } from "../frontends/formats/npz.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import type { DType } from "../ir/types.ts";
import type { OutputTensor } from "../session/tensors.ts";
import { formatMs } from "../support/table.ts";
import { repeatedOption, textOption, type CommandSpec } from "./command.ts";
import { makeFolder, writeOutput } from "./files.ts";
import { INPUT_OPTION, inputValues } from "./input-values.ts";
import { openSession, SESSION_OPTIONS } from "./open-session.ts";
import { summarize } from "./tensor-summary.ts";

export const run: CommandSpec = {
  name: "run",
  args: [{ name: "bundle", text: "a .neo file or a model" }],
  options: [
    INPUT_OPTION,
    { flags: "--output <place>", text: "folder for one .npy an output, or a .npz file" },
    { flags: "--check", text: "only tells whether it would load here" },
    ...SESSION_OPTIONS,
  ],
  examples: ["neo run model.neo --input x=@input.npy --output results", "neo run model.onnx --input random:7"],
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
    const session = await openSession(file, invocation);
    try {
      const refusals = session.refusals.map((r) => ({ artifact: r.artifact, reason: r.reason }));
      const base = { name: session.name, artifact: session.artifact.id, executor: session.kind, refusals };
      if (options["check"] === true)
        return {
          text: `${file}: runs here as ${session.artifact.id}\n${refusals.map((r) => `  not ${r.artifact}: ${r.reason}`).join("\n")}`.trimEnd(),
          result: base,
        };
      const inputs = await inputValues(
        repeatedOption(options, "input"),
        { inputs: session.inputs, preprocess: (name, picture) => session.preprocess(name, picture) as never },
        cwd,
      );
      const bound = await session.bind(inputs);
      const start = performance.now();
      bound.run();
      const ms = performance.now() - start;
      const outputs = bound.outputs();
      const files = await writeOutputs(outputs, textOption(options, "output"), cwd);
      const lines = Object.entries(outputs).map(([name, tensor]) => summarize(name, tensor));
      return {
        text: [...lines, ...files.map((path) => `wrote ${path}`), `${session.artifact.id}, first run ${formatMs(ms)}`, `next: neo bench ${file}`].join("\n"),
        result: {
          ...base,
          ms,
          outputs: Object.entries(outputs).map(([name, t]) => ({
            name,
            dtype: t.dtype,
            shape: t.shape,
            data: t.data.length <= 1024 ? Array.from(t.data as ArrayLike<number | bigint | string>, jsonNumber) : undefined,
          })),
          files,
        },
      };
    } finally {
      session.close();
    }
  },
};

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
  const paths: string[] = [];
  for (const [name, tensor] of tensors) {
    const path = join(place, `${name.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^\.+/, "_") || "output"}.npy`);
    await writeOutput(path, writeNpy(tensor), cwd);
    paths.push(path);
  }
  return paths;
}
