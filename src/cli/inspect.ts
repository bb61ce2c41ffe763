import { lower, type Lowered } from "../backends/lower.ts";
import { WeightPool } from "../backends/weight-pool.ts";
import { countOps, macsOf, optimize } from "../compile.ts";
import { describeModel, importModel, type ModelDescription } from "../frontends/index.ts";
import { BITS, elementCount } from "../ir/types.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { Graph } from "../ir/graph.ts";
import { sessionCalls, type ArtifactProgram } from "../package/manifest.ts";
import { readBundle } from "../package/read-bundle.ts";
import { extentOf, rangeOf } from "../session/extents.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { formatBytes, formatCount, table } from "../support/table.ts";
import { NeoError } from "../support/errors.ts";
import { ACCELERATORS_OPTION, partitionResult, partitionsOf } from "./accelerators.ts";
import type { CommandSpec, Invocation, Outcome } from "./command.ts";
import { TARGET_OPTION, targetsFrom } from "./compile-model.ts";
import { DRAWING_OPTIONS, wantsDrawing, writeDrawings } from "./drawing/write-drawings.ts";
import { isBundle, readInput } from "./files.ts";
import { memoryChart } from "./memory-chart.ts";
import { partitionLines } from "./partition-lines.ts";
import { MODEL_OPTIONS, modelFrom, type ModelInput } from "./model-options.ts";
import { clean } from "./reporter.ts";

export const inspect: CommandSpec = {
  name: "inspect",
  args: [{ name: "file", text: "a model or a .neo file" }],
  options: [
    { flags: "--io", text: "only inputs and outputs" },
    { flags: "--ops", text: "operators and their counts" },
    { flags: "--cost", text: "multiply-accumulates and bytes" },
    { flags: "--memory", text: "the plan of the arena over time" },
    { flags: "--data", text: "constants: dtype, shape, range" },
    ...DRAWING_OPTIONS,
    TARGET_OPTION,
    ACCELERATORS_OPTION,
    ...MODEL_OPTIONS,
  ],
  examples: ["neo inspect model.onnx --shape N=1 --memory", "neo inspect model.onnx --html model.html"],
  exits: {
    0: "ok",
    2: "usage",
    3: "unsupported or malformed model",
    5: "the bundle is damaged",
    6: "a file can't be read or written",
    7: "the model exceeds a limit",
  },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const bytes = await readInput(file, invocation.cwd);
    if (!isBundle(bytes)) return inspectModel(await modelFrom(file, invocation), invocation);
    if (wantsDrawing(invocation))
      throw new NeoError({ code: "NEO1022", message: `${file} is a bundle, which has no graph to draw`, hint: "neo inspect model.onnx --html model.html" });
    return inspectBundle(file, bytes);
  },
};

/** `1x3x48x32..640/8`: dims that a run tells as what they may be. */
function shapeWords(code: ArtifactProgram | undefined, port: "input" | "output", index: number, shape: readonly number[]): string {
  return shape.map((dim, axis) => (code && rangeOf(extentOf(code, port, index, axis))) ?? dim).join("x");
}

function inspectBundle(file: string, bytes: Uint8Array): Outcome {
  const { manifest, digest, envelope } = readBundle(bytes, { trust: "unsigned", crypto: nodeCrypto, file });
  const signatures = (envelope?.signatures ?? []).map((s) => s.keyId);
  const code = (id: string): ArtifactProgram | undefined => manifest.artifacts[0]?.programs[manifest.programs.findIndex((p) => p.id === id)];
  const ports = manifest.programs.flatMap((p) => [
    ...p.inputs.map((t, i) => [p.id, "in", t.name, t.dtype, shapeWords(code(p.id), "input", i, t.shape)]),
    ...p.outputs.map((t, i) => [p.id, "out", t.name, t.dtype, shapeWords(code(p.id), "output", i, t.shape)]),
  ]);
  const artifacts = manifest.artifacts.map((a) => [
    a.id,
    a.kind,
    `${a.needs.os}/${a.needs.arch}`,
    a.needs.cpuFeatures.join(" ") || "–",
    formatBytes(a.weights.bytes),
    formatBytes(Math.max(...a.programs.map((p) => p.arenaBytes))),
  ]);
  const labels = (manifest.programs[0] ? [...manifest.programs[0].inputs, ...manifest.programs[0].outputs] : []).flatMap((port) =>
    port.labels ? [`labels of ${port.name}: ${clean(port.labels.join(", "))}`] : [],
  );
  const functions = new Set(
    manifest.artifacts.flatMap((a) => a.programs.flatMap((p) => sessionCalls(p.steps).map((step) => step.call?.function ?? step.name))),
  );
  const lists = manifest.programs.flatMap(({ id, lists: of }) =>
    (["inputs", "outputs"] as const).flatMap((key) =>
      Object.entries(of?.[key] ?? {}).map(([name, count]) => `${clean(name)} of ${id}: a sequence of ${count}`),
    ),
  );
  const lines = [
    `${manifest.name} ${manifest.version}, ${formatBytes(bytes.length)}, digest ${digest}`,
    `made by ${manifest.compiler}; ${signatures.length === 0 ? "not signed" : `signed by ${signatures.map((id) => `${id.slice(0, 16)}…`).join(", ")} (not checked here: neo verify)`}`,
    "",
    table([{ title: "program" }, { title: "" }, { title: "tensor", max: 40 }, { title: "dtype" }, { title: "shape" }], ports),
    ...labels,
    ...lists,
    ...(functions.size > 0 ? [`steps of the host: ${clean([...functions].sort().join(", "))}`] : []),
    "",
    table(
      [
        { title: "artifact" },
        { title: "kind" },
        { title: "machine" },
        { title: "features", max: 40 },
        { title: "weights", align: "right" },
        { title: "arena", align: "right" },
      ],
      artifacts,
    ),
    "",
    table(
      [{ title: "file" }, { title: "bytes", align: "right" }],
      manifest.files.map((f) => [f.name, f.bytes]),
    ),
  ];
  const [first] = manifest.programs;
  return {
    text: lines.join("\n"),
    result: { format: "neo", digest, signatures, manifest, inputs: first?.inputs ?? [], outputs: first?.outputs ?? [], ops: {}, tensors: [] },
  };
}

async function inspectModel(model: ModelInput, invocation: Invocation): Promise<Outcome> {
  const { options } = invocation;
  const description = describeModel(model.bytes, model.fileName, model.limits);
  const specs = [...description.inputs.map((t) => ["in", t] as const), ...description.outputs.map((t) => ["out", t] as const)];
  const lines = [
    headline(model, description),
    table(
      [{ title: "" }, { title: "tensor", max: 50 }, { title: "dtype" }, { title: "shape" }],
      specs.map(([kind, t]) => [kind, t.name, t.dtype ?? "?", (t.dims ?? []).map(String).join("x") || "scalar"]),
    ),
  ];
  const result: Record<string, unknown> = {
    format: description.format,
    version: description.version,
    inputs: description.inputs,
    outputs: description.outputs,
    ops: description.opCounts,
    tensors: [],
  };
  const [io, ops, cost, memory, data] = ["io", "ops", "cost", "memory", "data"].map((name) => options[name] === true);
  const everything = !io && !ops && !cost && !memory && !data;
  if (ops || everything) lines.push("", table([{ title: "operator" }, { title: "count", align: "right" }], Object.entries(description.opCounts)));
  for (const warning of description.warnings) lines.push(`note: ${warning}`);
  const drawings = wantsDrawing(invocation) ? await writeDrawings(model, invocation) : undefined;
  if (drawings?.stdout) return { text: "", result, bytes: drawings.stdout };
  if (drawings) {
    result["files"] = drawings.files;
    lines.push(...drawings.files.map(({ path, bytes }) => `${path}  ${formatBytes(bytes)}`));
  }
  const parts = options["accelerators"] !== undefined;
  if (!cost && !memory && !data && !parts) return { text: [...lines, `next: neo check ${model.fileName}`].join("\n"), result };
  const graph = importModel(model.bytes, { ...model, shapes: model.bindings[0]! });
  if (data) {
    const tensors = constantsOf(graph);
    result["tensors"] = tensors;
    lines.push(
      "",
      table(
        [
          { title: "constant", max: 50 },
          { title: "dtype" },
          { title: "shape" },
          { title: "bytes", align: "right" },
          { title: "min", align: "right" },
          { title: "max", align: "right" },
        ],
        tensors.map((t) => [t.name, t.dtype, t.shape.join("x"), t.bytes, t.min ?? "–", t.max ?? "–"]),
      ),
    );
  }
  const partitions = parts ? partitionsOf(graph, await targetsFrom(invocation), options) : (optimize(graph), []);
  Object.assign(result, partitionResult(partitions));
  for (const partition of partitions) lines.push("", ...partitionLines(partition, invocation.reporter.verbose));
  if (cost) {
    result["cost"] = { macs: macsOf(graph), bytes: constantsOf(graph).reduce((n, t) => n + t.bytes, 0), ops: countOps(graph) };
    lines.push(
      "",
      `after passes: ${formatCount(macsOf(graph))} multiply-accumulates in ${Object.values(countOps(graph)).reduce((n, c) => n + c, 0)} ops`,
      table([{ title: "op" }, { title: "count", align: "right" }], Object.entries(countOps(graph))),
    );
  }
  if (memory) {
    const [target] = await targetsFrom(invocation);
    const lowered = lower(graph, target!, new WeightPool());
    result["memory"] = memoryResult(lowered);
    lines.push("", memoryChart(lowered));
  }
  return { text: lines.join("\n"), result };
}

/** "m.onnx: onnx, IR 9, ai.onnx 17, by pytorch 2.1, 12 nodes, 4.2 kB"; formats without an IR leave it out. */
function headline({ fileName, bytes }: ModelInput, { format, version, nodes }: ModelDescription): string {
  const opsets = Object.entries(version.opset).map(([domain, number]) => `${domain} ${number}`);
  const parts = [format, ...(version.ir > 0 ? [`IR ${version.ir}`] : []), ...opsets, ...(version.producer ? [`by ${clean(version.producer)}`] : [])];
  return `${fileName}: ${[...parts, `${nodes} ${format === "onnx" || format === "nir" ? "nodes" : "trees"}`, formatBytes(bytes.length)].join(", ")}`;
}

function memoryResult({ memory }: Lowered): object {
  return { buffers: memory.buffers, planned: memory.plannedBytes, lowerBound: memory.lowerBoundBytes };
}

function constantsOf(graph: Graph): { name: string; dtype: string; shape: readonly number[]; bytes: number; min?: number; max?: number }[] {
  return graph.ops
    .filter((op) => op.name === "constant")
    .map((op) => {
      const { type, data } = op.attrs["value"] as Tensor;
      const count = elementCount(type.shape);
      let [min, max] = [Infinity, -Infinity];
      if (type.dtype !== "string") for (let i = 0; i < count; i++) [min, max] = [Math.min(min, Number(data[i])), Math.max(max, Number(data[i]))];
      return {
        name: op.result.name || op.loc.join("+"),
        dtype: type.dtype,
        shape: type.shape,
        bytes: Math.ceil((BITS[type.dtype] * count) / 8),
        ...(count > 0 && Number.isFinite(min) ? { min, max } : {}),
      };
    });
}
