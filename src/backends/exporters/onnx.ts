import { valueName } from "../../ir/extract.ts";
import type { Graph, Op, Value } from "../../ir/graph.ts";
import { OnnxEmitter } from "./onnx/emitter.ts";
import { encodeOnnx, type OnnxModel } from "./onnx/model.ts";
import { writerOf, WRITTEN_OPS } from "./onnx/ops/index.ts";
import { ExportRefusal, refuse } from "./refusal.ts";

/**
 * Regions as ONNX files: opset 17, IR version 8, fixed shapes, a type for every value, nodes called as in the source. Quantised
 * products stand between DequantizeLinear and QuantizeLinear, and borders are the stored integers.
 */
export function exportOnnx(graph: Graph): Uint8Array {
  return encodeOnnx(onnxModel(graph));
}

/** Ops that have a form in ONNX at all. */
export const ONNX_OPS: ReadonlySet<string> = new Set([...WRITTEN_OPS, "constant", "fused", "call"]);

/** Why this op has no form in ONNX; undefined where it has one. */
export function onnxRefusal(op: Op): string | undefined {
  const to = new OnnxEmitter();
  try {
    for (const value of new Set(op.operands)) if (value && value.producer?.name !== "constant") to.param(value);
    write(to, op);
    return undefined;
  } catch (error) {
    if (error instanceof ExportRefusal) return error.message;
    throw error;
  }
}

export function onnxModel(graph: Graph): OnnxModel {
  const to = new OnnxEmitter();
  // Outputs have the first claim on their names, inputs the next.
  for (const param of graph.params) to.param(param);
  for (const op of graph.ops) if (op.name !== "return") write(to, op);
  const names = graph.terminator.attrs["names"] as readonly string[];
  return to.model(
    graph.name || "region",
    graph.params,
    graph.outputs.map((value, i) => ({ value, name: names[i] || valueName(value) })),
  );
}

function write(to: OnnxEmitter, op: Op): void {
  if (op.name === "constant") return;
  if (op.name === "fused" || op.name === "call") return inline(to, op, op.regions[0]!);
  to.enter(op);
  const writer = writerOf(op.name);
  if (!writer) refuse(`ONNX regions have no form of ${op.name}`);
  writer(to, op);
}

/** A body in the place of the op that runs it. */
function inline(to: OnnxEmitter, op: Op, body: Graph): void {
  body.params.forEach((param, i) => to.bind(param, to.name(op.operands[i]!)));
  for (const inner of body.ops) if (inner.name !== "return") write(to, inner);
  body.outputs.forEach((value: Value, i) => to.bind(op.results[i]!, to.name(value)));
}
