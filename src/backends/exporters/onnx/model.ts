import { Writer } from "protobufjs/minimal.js";
import { encodeData, type Tensor } from "../../../ir/tensor.ts";
import type { DType } from "../../../ir/types.ts";
import { ONNX_ELEMENT } from "./element-types.ts";

/** The parts of an ONNX file that regions need, and their bytes. Fields stand in the order of their numbers: one model, one spelling. */

export type OnnxAttribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] };

export interface OnnxNode {
  readonly type: string;
  readonly name: string;
  /** "" is an absent operand. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly { readonly name: string; readonly tensor: Tensor }[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** What stands between inputs and outputs. */
  readonly values: readonly OnnxValue[];
}

/** Accelerators' tools of 2022 and later read these. */
const IR_VERSION = 8;
export const OPSET = 17;

const ATTRIBUTE_TYPE = { float: 1, int: 2, text: 3, ints: 7 } as const;

export function encodeOnnx(model: OnnxModel): Uint8Array {
  const writer = Writer.create();
  varint(writer, 1, IR_VERSION);
  text(writer, 2, "neo");
  nested(writer, 7, (graph) => encodeGraph(graph, model));
  nested(writer, 8, (opset) => {
    text(opset, 1, "");
    varint(opset, 2, OPSET);
  });
  return new Uint8Array(writer.finish());
}

function encodeGraph(writer: Writer, model: OnnxModel): void {
  for (const node of model.nodes) nested(writer, 1, (w) => encodeNode(w, node));
  text(writer, 2, model.name);
  for (const { name, tensor } of model.initializers) nested(writer, 5, (w) => encodeTensor(w, name, tensor));
  for (const value of model.inputs) nested(writer, 11, (w) => encodeValue(w, value));
  for (const value of model.outputs) nested(writer, 12, (w) => encodeValue(w, value));
  for (const value of model.values) nested(writer, 13, (w) => encodeValue(w, value));
}

function encodeNode(writer: Writer, node: OnnxNode): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 3, node.name);
  text(writer, 4, node.type);
  for (const [name, attribute] of Object.entries(node.attributes)) nested(writer, 5, (w) => encodeAttribute(w, name, attribute));
}

function encodeAttribute(writer: Writer, name: string, attribute: OnnxAttribute): void {
  text(writer, 1, name);
  if (attribute.kind === "float") writer.uint32((2 << 3) | 5).float(attribute.value);
  if (attribute.kind === "int") varint(writer, 3, attribute.value);
  if (attribute.kind === "text") text(writer, 4, attribute.value);
  if (attribute.kind === "ints") for (const value of attribute.value) varint(writer, 8, value);
  varint(writer, 20, ATTRIBUTE_TYPE[attribute.kind]);
}

function encodeTensor(writer: Writer, name: string, { type, data }: Tensor): void {
  for (const extent of type.shape) varint(writer, 1, extent);
  varint(writer, 2, ONNX_ELEMENT[type.dtype]);
  text(writer, 8, name);
  writer.uint32((9 << 3) | 2).bytes(encodeData(type.dtype, data));
}

function encodeValue(writer: Writer, { name, dtype, shape }: OnnxValue): void {
  text(writer, 1, name);
  nested(writer, 2, (type) =>
    nested(type, 1, (tensor) => {
      varint(tensor, 1, ONNX_ELEMENT[dtype]);
      nested(tensor, 2, (dims) => shape.forEach((extent) => nested(dims, 1, (dim) => varint(dim, 1, extent))));
    }),
  );
}

function varint(writer: Writer, field: number, value: number): void {
  writer.uint32(field << 3).int64(value);
}

function text(writer: Writer, field: number, value: string): void {
  writer.uint32((field << 3) | 2).string(value);
}

function nested(writer: Writer, field: number, fill: (writer: Writer) => void): void {
  writer.uint32((field << 3) | 2).fork();
  fill(writer);
  writer.ldelim();
}
