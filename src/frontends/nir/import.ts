import { symbolsOf, bindType } from "../../ir/dims.ts";
import { Op, type Graph, type Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { readGraphs } from "../../ir/text/read.ts";
import type { Dim } from "../../ir/types.ts";
import { NeoError } from "../../support/errors.ts";
import { checkLimit, DEFAULT_LIMITS, type Limits } from "../../support/limits.ts";
import type { ModelDescription } from "../onnx/describe.ts";
import type { OnnxOptions } from "../onnx/import.ts";
import { bindInputs, type ValueSpec } from "../onnx/inputs.ts";
import { Problems } from "../onnx/problems.ts";

/** The one graph of a `.nir` text, as `--dump-ir` and `--bisect` write it, with its dims bound as those of any model. */
export function importNir(bytes: Uint8Array, options: OnnxOptions): Graph {
  const limits = options.limits ?? DEFAULT_LIMITS;
  const file = options.fileName;
  const graph = readOne(bytes, file, limits);
  const problems = new Problems(file);
  const bound = bindInputs(graph.params.map(specOf), options, file, limits, problems);
  problems.throwIfAny();
  const sizes: Record<string, Dim> = {};
  for (const param of graph.params) {
    const name = nameOf(graph, param);
    const shape = (bound.params.get(name) ?? bound.constants.get(name)!.type).shape;
    param.type.shape.forEach((dim, axis) => typeof dim === "object" && dim.kind === "symbol" && (sizes[dim.name] = shape[axis]!));
    param.name = name;
  }
  bindTypes(graph, sizes);
  for (const [name, value] of bound.constants)
    fixParam(
      graph,
      graph.params.findIndex((param) => param.name === name),
      value,
    );
  refuseOpen(graph, file, new Set(graph.params.flatMap(({ type }) => type.shape.flatMap(symbolsOf).map(({ name }) => name))));
  return graph;
}

/** What the text says of itself, before any dim is bound. */
export function describeNir(bytes: Uint8Array, fileName: string, limits: Limits = DEFAULT_LIMITS): ModelDescription {
  const graph = readOne(bytes, fileName, limits);
  const ops = graph.ops.filter((op) => op.name !== "return" && op.name !== "constant");
  const counts = new Map<string, number>();
  for (const { name } of ops) counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = graph.terminator.attrs["names"] as readonly string[] | undefined;
  return {
    format: "nir",
    version: { ir: 1, opset: {}, producer: "" },
    inputs: graph.params.map(specOf),
    outputs: graph.outputs.map((value, i) => ({ ...specOf(value, i), name: names?.[i] || value.name || `output${i}` })),
    nodes: ops.length,
    opCounts: Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))),
    warnings: [],
  };
}

function readOne(bytes: Uint8Array, file: string, limits: Limits): Graph {
  const graphs = readGraphs(new TextDecoder().decode(bytes), file);
  if (graphs.length !== 1)
    throw new NeoError({
      code: "NEO2051",
      message: `${file} holds ${graphs.length} graphs, a model is one`,
      file,
      hint: "put each graph into a file of its own",
    });
  checkLimit("nodes", limits, file, "ops:", graphs[0]!.ops.length);
  return graphs[0]!;
}

function specOf(value: Value, index: number): ValueSpec {
  const name = value.name || `input${index}`;
  const dimName = (dim: Dim, axis: number): number | string => (typeof dim === "number" ? dim : dim.kind === "symbol" ? dim.name : `${name}.${axis}`);
  return { name, dtype: value.type.dtype, elementType: value.type.dtype, dims: value.type.shape.map(dimName) };
}

function nameOf(graph: Graph, param: Value): string {
  return param.name || `input${graph.params.indexOf(param)}`;
}

function bindTypes(graph: Graph, sizes: Readonly<Record<string, Dim>>): void {
  for (const value of [...graph.params, ...graph.ops.flatMap((op) => op.results)]) value.type = bindType(value.type, sizes);
  for (const op of graph.ops) for (const region of op.regions) bindTypes(region, sizes);
}

/** The parameter becomes a constant. */
function fixParam(graph: Graph, index: number, value: Tensor): void {
  const [param] = graph.params.splice(index, 1);
  const op = new Op(constant, [], { value }, [value.type], [param!.name]);
  op.result.name = param!.name;
  graph.ops.unshift(op);
  graph.replaceUses(param!, op.result);
}

/** What hangs on other symbols than those of the inputs. */
function refuseOpen(graph: Graph, file: string, known: ReadonlySet<string>): void {
  const isOpen = (dim: Dim): boolean => symbolsOf(dim).some(({ name }) => !known.has(name));
  const open = graph.ops.filter((op) => op.results.some(({ type }) => type.shape.some(isOpen)));
  if (open.length === 0) return;
  throw new NeoError({
    code: "NEO2006",
    message: `${open.length} op${open.length > 1 ? "s" : ""} of ${file} give${open.length > 1 ? "" : "s"} shapes that hang on the data`,
    notes: open.map((op) => ({ where: op.loc.join("+") || op.results[0]!.name || op.name, text: op.name })),
    hint: "make the input that decides it a constant with `--set`",
    file,
  });
}
