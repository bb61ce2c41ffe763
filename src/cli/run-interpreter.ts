import { outputName } from "../backends/lower.ts";
import { importModel } from "../frontends/index.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { boundsOf } from "../ir/dims.ts";
import { interpret } from "../ir/interpret.ts";
import { longest } from "../ir/ops/padded.ts";
import { steppedOf } from "../ir/stepped.ts";
import { byteLength, tensor, type Tensor } from "../ir/tensor.ts";
import { printDim } from "../ir/text/types.ts";
import { elementCount, type StaticType } from "../ir/types.ts";
import type { ManifestExtent, ManifestPort, ManifestProgram } from "../package/manifest.ts";
import { chooseProgram } from "../session/choose.ts";
import { NeoError } from "../support/errors.ts";
import { listOption, repeatedOption, type Invocation } from "./command.ts";
import { isBundle, readInput } from "./files.ts";
import { inputValues } from "./input-values.ts";
import { modelFrom } from "./model-options.ts";

/** What the interpreter of a model computes. */
export interface Interpreted {
  readonly name: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly ms: number;
}

export function wantsInterpreter({ options }: Invocation): boolean {
  return listOption(options, "executor").includes("interpreter");
}

/** The graphs of a model as they were imported, one for each of its shapes, and what sessions would call their programs. */
export interface ModelGraphs {
  readonly name: string;
  readonly graphs: readonly Graph[];
  readonly programs: readonly ManifestProgram[];
}

export async function graphsOf(file: string, invocation: Invocation): Promise<ModelGraphs> {
  const { options, cwd } = invocation;
  if (listOption(options, "executor").length > 1)
    throw new NeoError({
      code: "NEO1019",
      message: "--executor interpreter stands alone: it runs any model, so no other would have a turn",
      hint: "--executor interpreter, or native, wasm or both",
    });
  if (file !== "-" && isBundle(await readInput(file, cwd)))
    throw new NeoError({ code: "NEO1022", message: `${file} is a bundle, which has no graph to interpret`, hint: "neo run model.onnx --executor interpreter" });
  const model = await modelFrom(file, invocation);
  const graphs = model.bindings.map((shapes) => importModel(model.bytes, { ...model, shapes }));
  return { name: model.fileName.replace(/\.[a-z0-9]+$/i, ""), graphs, programs: graphs.map(programOf) };
}

/** Runs a model op by op in doubles: no code is made. With several shapes, the graph that the inputs fit. */
export async function interpretModel({ name, graphs, programs }: ModelGraphs, { options, cwd }: Invocation): Promise<Interpreted> {
  const values = await inputValues(repeatedOption(options, "input"), { inputs: programs[0]!.inputs }, cwd);
  const { program, given, shapes } = chooseProgram({ programs }, { programs: graphs.map((graph) => ({ extents: extentsOf(graph) })) }, values);
  const graph = graphs[program]!;
  const tensors = graph.params.map(({ type }, i) => tensor(type.dtype, shapes[i]!, given[i]!.data as readonly number[]));
  const start = performance.now();
  const results = interpret(graph, tensors);
  const ms = performance.now() - start;
  return { name, outputs: Object.fromEntries(results.map((result, i) => [outputName(graph, i), result])), ms };
}

/** What the inputs of a run may be long, where the graph leaves it open. */
function extentsOf(graph: Graph): ManifestExtent[] {
  const extents = new Map<string, ManifestExtent>();
  graph.params.forEach(({ type }, index) =>
    type.shape.forEach((dim, axis) => {
      if (typeof dim === "number") return;
      const [name, [min, max]] = [printDim(dim), boundsOf(dim)];
      const dims = [...(extents.get(name)?.dims ?? []), { port: "input" as const, index, axis }];
      extents.set(name, { name, min, step: steppedOf(dim)?.step ?? 1, max, at: 0, dims });
    }),
  );
  return [...extents.values()];
}

/** A graph as sessions see a program. */
function programOf(graph: Graph, index: number): ManifestProgram {
  const inputs = graph.params.map((param, i) => portOf(graph, param.name || `input${i}`, param));
  const outputs = graph.outputs.map((output, i) => portOf(graph, outputName(graph, i), output));
  const lists = { inputs: Object.fromEntries(graph.lists.inputs), outputs: {} };
  return { id: String(index), binding: {}, inputs, outputs, ...(graph.lists.inputs.size > 0 ? { lists } : {}) };
}

function portOf(graph: Graph, port: string, { name, type }: Value): ManifestPort {
  const { dtype, shape } = longest(type) as StaticType;
  const [labels, table] = [graph.labels.get(name) ?? graph.labels.get(port), graph.tables.get(name)];
  const bytes = dtype === "string" ? 0 : byteLength(dtype, elementCount(shape));
  return { name: port, dtype, shape, bytes, ...(labels ? { labels } : {}), ...(table ? { table } : {}) };
}
