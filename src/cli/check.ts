import { hostOpsOf } from "../backends/host-steps.ts";
import { lower } from "../backends/lower.ts";
import { WeightPool } from "../backends/weight-pool.ts";
import { countOps, macsOf, optimize } from "../compile.ts";
import { describeModel, importModel } from "../frontends/index.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { formatBytes, formatCount, table } from "../support/table.ts";
import { repeatedOption, textOption, type CommandSpec } from "./command.ts";
import { TARGET_OPTION, targetsFrom } from "./compile-model.ts";
import { FALLBACK_OPTION, fallbackError, hostLines, hostNodes, type HostOps } from "./host-steps.ts";
import { MODEL_OPTIONS, modelFrom } from "./model-options.ts";

export const check: CommandSpec = {
  name: "check",
  args: [{ name: "model", text: "a model file" }],
  options: [
    TARGET_OPTION,
    FALLBACK_OPTION,
    ...MODEL_OPTIONS,
    { flags: "--assert-op-count <Op=n>", text: "exit 4 unless the file has exactly n nodes of this operator", repeat: true },
    { flags: "--assert-op-only <list>", text: "exit 4 if the file has other operators" },
    { flags: "--assert-arena <limit>", text: 'exit 4 unless the arena is within: "<64KiB"' },
    { flags: "--assert-size <limit>", text: 'exit 4 unless the weights are within: "<1MiB"' },
  ],
  examples: ["neo check model.onnx", 'neo check model.onnx -t arm64 --assert-arena "<256KiB"'],
  exits: { 0: "ok", 2: "usage", 3: "something is not supported", 4: "an assertion does not hold", 6: "no such file", 7: "the model exceeds a limit" },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const { options } = invocation;
    const model = await modelFrom(file, invocation);
    const targets = await targetsFrom(invocation);
    const description = describeModel(model.bytes, model.fileName, model.limits);
    const diagnostics: NeoError[] = [];
    const lines = [`${model.fileName}: ${description.format}, ${description.nodes} nodes, ${Object.keys(description.opCounts).length} operators`];
    let sizes: { target: string; arenaBytes: number; weightsBytes: number; kernels: number }[] = [];
    let macs = 0;
    let host: HostOps = {};
    try {
      const graph = importModel(model.bytes, { ...model, shapes: model.bindings[0]! });
      optimize(graph);
      macs = macsOf(graph);
      host = hostOpsOf(graph);
      const refusal = fallbackError(host, options, model.fileName);
      if (refusal) diagnostics.push(refusal);
      sizes = targets.map((target) => {
        const pool = new WeightPool();
        const lowered = lower(graph, target, pool);
        return { target: target.name, arenaBytes: lowered.memory.plannedBytes, weightsBytes: pool.bytes().length, kernels: lowered.program.kernels.length };
      });
      const ops = Object.values(countOps(graph)).reduce((n, c) => n + c, 0);
      lines.push(`${formatCount(macs)} multiply-accumulates in ${ops} ops after passes, all compiled for the CPU`, ...hostLines(host, ops));
      lines.push(
        table(
          [{ title: "target" }, { title: "kernels", align: "right" }, { title: "weights", align: "right" }, { title: "arena", align: "right" }],
          sizes.map((s) => [s.target, s.kernels, formatBytes(s.weightsBytes), formatBytes(s.arenaBytes)]),
        ),
      );
    } catch (error) {
      if (!(error instanceof NeoError)) throw error;
      diagnostics.push(error);
    }
    const failed = [
      ...assertCounts(repeatedOption(options, "assertOpCount"), textOption(options, "assertOpOnly"), description.opCounts),
      ...sizes.flatMap((s) => [
        ...assertBytes("--assert-arena", textOption(options, "assertArena"), s.arenaBytes, s.target),
        ...assertBytes("--assert-size", textOption(options, "assertSize"), s.weightsBytes, s.target),
      ]),
    ];
    if (failed.length > 0)
      diagnostics.push(
        new NeoError({
          code: "NEO4002",
          message: `${failed.length} assertion${failed.length > 1 ? "s do" : " does"} not hold for ${model.fileName}`,
          notes: failed,
          hint: "`neo inspect --cost --memory` shows where the figures come from",
        }),
      );
    if (diagnostics.length === 0) lines.push(`next: neo compile ${file}`);
    const unsupported = new Set(diagnostics.filter((d) => d.code === "NEO2004").flatMap((d) => d.notes.map((note) => note.text.split(/\s/)[0]!)));
    return {
      text: lines.join("\n"),
      diagnostics,
      result: {
        model: { format: description.format, version: description.version, inputs: description.inputs, outputs: description.outputs, nodes: description.nodes },
        ops: Object.entries(description.opCounts).map(([op, count]) => ({ op, count, supported: !unsupported.has(op) })),
        fallback: { nodes: hostNodes(host), macShare: 0 },
        estimate: { macs, targets: sizes },
      },
    };
  },
};

function assertCounts(counts: readonly string[], only: string | undefined, found: Readonly<Record<string, number>>): Note[] {
  const notes: Note[] = [];
  for (const word of counts.flatMap((w) => w.split(","))) {
    const [op, wanted] = word.split("=");
    if (!op || !/^\d+$/.test(wanted ?? ""))
      throw new NeoError({ code: "NEO1017", message: `--assert-op-count ${word}: wanted Op=n`, hint: "for example --assert-op-count Conv=9" });
    if ((found[op] ?? 0) !== Number(wanted)) notes.push({ where: op, text: `found ${found[op] ?? 0}, wanted ${wanted}` });
  }
  const allowed = only?.split(",");
  if (allowed)
    for (const op of Object.keys(found)) if (!allowed.includes(op)) notes.push({ where: op, text: `found ${found[op]}, wanted only ${allowed.join(", ")}` });
  return notes;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, B: 1, KB: 1000, MB: 1e6, GB: 1e9, KIB: 1024, MIB: 1 << 20, GIB: 1 << 30 };

function assertBytes(flag: string, limit: string | undefined, found: number, target: string): Note[] {
  if (limit === undefined) return [];
  const match = /^(<=?)\s*([\d.]+)\s*([a-z]*)$/i.exec(limit.trim());
  const unit = UNITS[match?.[3]?.toUpperCase() ?? ""];
  if (!match || unit === undefined)
    throw new NeoError({ code: "NEO1017", message: `${flag} ${limit}: wanted "<" and a size`, hint: `for example ${flag} "<64KiB"` });
  const bytes = Number(match[2]) * unit;
  const holds = match[1] === "<" ? found < bytes : found <= bytes;
  return holds ? [] : [{ where: `${flag} on ${target}`, text: `found ${formatBytes(found)}, wanted ${limit}` }];
}
