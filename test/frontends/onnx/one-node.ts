import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { DTYPES, elementCount, type DType } from "../../../src/ir/types.ts";
import { node, value, writeOnnx, type Attribute } from "../../fixtures/onnx-writer.ts";

/**
 * A model of one node. Operands are types in text ("2x3xf32", "4xi64 in 0..2", "f32" for a scalar), filled with seeded numbers;
 * or tensors, which become initializers; or null, an absent one.
 */
export interface OneNode {
  readonly op: string;
  readonly inputs: readonly (string | Tensor | null)[];
  readonly attrs?: Readonly<Record<string, Attribute>>;
  readonly opset?: number;
  readonly domain?: string;
  /** Dtypes of the outputs; without it one, of the dtype of the first operand. null: an output nobody named. */
  readonly outputs?: readonly (DType | null)[];
}

export interface Made {
  readonly bytes: Uint8Array;
  /** By name, in order. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly string[];
}

export function makeModel(spec: OneNode): Made {
  const given: Record<string, Tensor> = {};
  const initializers: Record<string, Tensor> = {};
  const names = spec.inputs.map((input, i) => {
    if (input === null) return "";
    if (typeof input === "string") given[`x${i}`] = parseOperand(input, i);
    else initializers[`x${i}`] = input;
    return `x${i}`;
  });
  const first = given["x0"] ?? initializers["x0"];
  const dtypes = spec.outputs ?? [first?.type.dtype ?? "f32"];
  const outputs = dtypes.map((dtype, i) => (dtype === null ? "" : `y${i}`));
  const bytes = writeOnnx({
    nodes: [node(spec.op, names, outputs, spec.attrs ?? {}, { name: "the_node", domain: spec.domain ?? "" })],
    inputs: Object.entries(given).map(([name, t]) => value(name, t.type.dtype, t.type.shape)),
    outputs: dtypes.flatMap((dtype, i) => (dtype === null ? [] : [value(`y${i}`, dtype)])),
    initializers,
    opsets: [{ domain: "", version: spec.opset ?? 17 }, ...(spec.domain ? [{ domain: spec.domain, version: 1 }] : [])],
  });
  return { bytes, inputs: given, outputs: outputs.filter((name) => name !== "") };
}

export function importNode(spec: OneNode): Graph {
  return importOnnx(makeModel(spec).bytes, { fileName: "one.onnx" });
}

/** Imports and interprets; the results in order. */
export function runNode(spec: OneNode): readonly Tensor[] {
  const { bytes, inputs } = makeModel(spec);
  return runModel(bytes, inputs);
}

export function runModel(bytes: Uint8Array, inputs: Readonly<Record<string, Tensor>>): readonly Tensor[] {
  const graph = importOnnx(bytes, { fileName: "one.onnx" });
  return interpret(
    graph,
    graph.params.map((param) => inputs[param.name]!),
  );
}

/** "2x3xf32 in -1..1" as a tensor of seeded numbers; floats in -2..2 and integers in -5..5 (0..10 where unsigned) unless told. */
export function parseOperand(text: string, seed: number): Tensor {
  const [type, range] = text.split(" in ");
  const words = type!.split("x");
  const dtype = words.pop() as DType;
  if (!DTYPES.includes(dtype)) throw new Error(`no dtype in "${text}"`);
  const shape = words.map(Number);
  const isFloat = ["f64", "f32", "f16", "bf16"].includes(dtype);
  const [low, high] = range?.split("..").map(Number) ?? (isFloat ? [-2, 2] : dtype === "bool" ? [0, 1] : dtype.startsWith("u") ? [0, 10] : [-5, 5]);
  let state = 0x2545f491 ^ Math.imul(seed + 1, 0x9e3779b9);
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const draw = (): number => (isFloat ? low! + (high! - low!) * next() : low! + Math.floor((high! - low! + 1) * next()));
  return tensor(dtype, shape, Array.from({ length: elementCount(shape) }, draw));
}

export function f32(shape: readonly number[], ...values: number[]): Tensor {
  return tensor("f32", shape, values);
}

export function i64(...values: (number | bigint)[]): Tensor {
  return tensor("i64", [values.length], values);
}

/** Elements as plain numbers. */
export function elements(t: Tensor | undefined): number[] {
  return Array.from(t!.data as ArrayLike<number | bigint>, Number);
}
