import type { Builder } from "../../ir/builder.ts";
import type { Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import { tensor, type Tensor } from "../../ir/tensor.ts";
import { isInteger, type Dim, type DType } from "../../ir/types.ts";
import { checkLimit, limitError, safeProduct } from "../../support/limits.ts";
import type { Bounds } from "./bounds.ts";
import { nearestWord } from "../../support/nearest.ts";
import { dtypeOf, elementTypeName } from "./element-types.ts";
import type { Folder } from "./fold.ts";
import { domainOf, nodeName, operatorName, type Opsets } from "./library.ts";
import { printable, type ProblemDetail, type ProblemKind } from "./problems.ts";
import { dimsIn } from "./open-dims.ts";
import type { Remarks } from "./remarks.ts";
import type { AttributeProto, GraphProto, NodeProto } from "./schema.ts";
import { storedTypeOf, type StoredType } from "./stored-types.ts";
import type { StoredValues } from "./stored-values.ts";
import { readTensor, type TensorSource } from "./tensors.ts";

/** Why one node can't be imported; the driver adds the node's name. */
export class NodeProblem extends Error {
  readonly kind: ProblemKind;
  readonly detail: ProblemDetail;

  constructor(kind: ProblemKind, message: string, detail: ProblemDetail = {}) {
    super(message);
    this.kind = kind;
    this.detail = detail;
  }
}

/** Turns one node into ops: the values of its outputs, in order; outputs that nobody reads may be left out. */
export type Importer = (c: NodeContext) => Value | readonly (Value | undefined)[];

const ATTRIBUTE_TYPES = [
  "UNDEFINED",
  "FLOAT",
  "INT",
  "STRING",
  "TENSOR",
  "GRAPH",
  "FLOATS",
  "INTS",
  "STRINGS",
  "TENSORS",
  "GRAPHS",
  "SPARSE_TENSOR",
  "SPARSE_TENSORS",
  "TYPE_PROTO",
  "TYPE_PROTOS",
] as const;
type AttributeType = (typeof ATTRIBUTE_TYPES)[number];

export interface NodeSurroundings {
  readonly b: Builder;
  readonly folder: Folder;
  readonly source: TensorSource;
  readonly opsets: Opsets;
  readonly remarks: Remarks;
  readonly stored: StoredValues;
  readonly bounds: Bounds;
  /** What people know the node by, with the calls that led to it. */
  readonly name: string;
}

/** One node as an importer sees it: operands, attributes with defaults and checks, and a builder. */
export class NodeContext {
  readonly b: Builder;
  readonly node: NodeProto;
  /** Operands by position; undefined where the node leaves one out. */
  readonly operands: readonly (Value | undefined)[];
  /** Version of the node's domain. */
  readonly opset: number;
  readonly remarks: Remarks;
  /** Which values are codes. */
  readonly stored: StoredValues;
  /** How long values can get, where the caller says so. */
  readonly bounds: Bounds;
  readonly name: string;
  private readonly folder: Folder;
  private readonly source: TensorSource;
  private readonly attributes = new Map<string, AttributeProto>();
  private readonly seen = new Set<string>();

  constructor(node: NodeProto, operands: readonly (Value | undefined)[], surroundings: NodeSurroundings) {
    this.b = surroundings.b;
    this.folder = surroundings.folder;
    this.source = surroundings.source;
    this.remarks = surroundings.remarks;
    this.stored = surroundings.stored;
    this.bounds = surroundings.bounds;
    this.name = surroundings.name;
    this.node = node;
    this.operands = operands;
    this.opset = surroundings.opsets.get(domainOf(node.domain)) ?? 1;
    for (const attribute of node.attribute) this.attributes.set(attribute.name ?? "", attribute);
  }

  /** How many outputs somebody named, trailing absent ones not counted. */
  get outputs(): number {
    return this.node.output.findLastIndex((name) => name !== "") + 1;
  }

  wants(output: number): boolean {
    return (this.node.output[output] ?? "") !== "";
  }

  operand(index: number): Value | undefined {
    return this.operands[index];
  }

  /** An operand that must be there; `what` is its name in the operator's specification. */
  need(index: number, what: string): Value {
    return this.operands[index] ?? this.fail(`has no input ${what} (number ${index})`, { reason: "structure", nearest: `input ${what} given` });
  }

  /** The tensor that a value is whatever the model's inputs are; undefined where it hangs on them. */
  constant(value: Value | undefined): Tensor | undefined {
    return value && this.folder.constant(value);
  }

  /** An operand that must be constant: shapes are fixed when a model is imported. undefined where it is absent. */
  constantOperand(index: number, what: string): Tensor | undefined {
    const value = this.operands[index];
    if (!value) return undefined;
    return (
      this.folder.constant(value) ??
      this.knownLengths(value) ??
      this.fail(`takes ${what} from ${value.name || "computed data"}, which hangs on the model's inputs`, { kind: "dataDependent" })
    );
  }

  /** What files compute from Shape, where it hangs on known lengths only. */
  private knownLengths(value: Value): Tensor | undefined {
    const dims = this.dimsIn(value);
    return dims?.every((dim) => typeof dim === "number") ? tensor(value.type.dtype, value.type.shape as readonly number[], dims) : undefined;
  }

  /** The elements of a value as extents; undefined where they hang on more than the lengths of tensors. */
  dimsIn(value: Value): readonly Dim[] | undefined {
    return dimsIn(value, (from) => this.folder.constant(from));
  }

  /** Integers of an operand as extents; they may hang on lengths that data decide. */
  dims(index: number, what: string): readonly Dim[] | undefined {
    const value = this.operands[index];
    return value && (this.dimsIn(value) ?? this.constantInts(index, what));
  }

  /** Whether an operand is the same whatever the inputs are. */
  isKnown(index: number): boolean {
    const value = this.operands[index];
    return value !== undefined && (this.folder.constant(value) ?? this.knownLengths(value)) !== undefined;
  }

  /** A name for a length that this node finds: no other node has it. */
  get lengthName(): string {
    return `${this.name}/${this.node.output[0] ?? ""}`;
  }

  /** Integers of an operand that must be constant. */
  constantInts(index: number, what: string): number[] | undefined {
    const value = this.constantOperand(index, what);
    if (value && !isInteger(value.type.dtype))
      this.fail(`takes ${what} as ${value.type.dtype}, wanted integers`, { reason: "dtype", nearest: `${what} as i64` });
    return value && Array.from(value.data as ArrayLike<number | bigint>, (x) => this.safe(BigInt(x)));
  }

  constantFloats(index: number, what: string): number[] | undefined {
    const value = this.constantOperand(index, what);
    return value && Array.from(value.data as ArrayLike<number | bigint>, Number);
  }

  /** Integers that older versions take from an attribute and newer ones from an operand. */
  intsOfEither(attribute: string, index: number): number[] | undefined {
    const fromAttribute = this.ints(attribute);
    return fromAttribute ?? this.constantInts(index, attribute);
  }

  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    const attribute = this.attribute(name, "INT");
    return attribute ? this.safe(attribute.i ?? 0n) : fallback;
  }

  /** An integer that is data, of all 64 bits. */
  bigint(name: string, fallback: bigint): bigint {
    return this.attribute(name, "INT")?.i ?? fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.int(name, fallback ? 1 : 0) !== 0;
  }

  float(name: string): number | undefined;
  float(name: string, fallback: number): number;
  float(name: string, fallback?: number): number | undefined {
    const attribute = this.attribute(name, "FLOAT");
    return attribute ? (attribute.f ?? 0) : fallback;
  }

  text(name: string): string | undefined;
  text(name: string, fallback: string): string;
  text(name: string, fallback?: string): string | undefined {
    const attribute = this.attribute(name, "STRING");
    return attribute ? utf8.decode(attribute.s) : fallback;
  }

  /** A text that must be one of `words`; the first is the default. */
  word<const W extends readonly [string, ...string[]]>(name: string, words: W): W[number] {
    const found = this.text(name, words[0]);
    return words.includes(found)
      ? found
      : this.fail(`has ${name} = "${found}", wanted one of ${words.join(", ")}`, {
          awsName: "OperatorAttributeValueNotValid",
          nearest: `${name} = "${nearestWord(found, words) ?? words[0]}"`,
        });
  }

  ints(name: string): number[] | undefined {
    const attribute = this.attribute(name, "INTS");
    return attribute && Array.from(attribute.ints, (value) => this.safe(value));
  }

  /** Integers that are data, of all 64 bits. */
  bigints(name: string): bigint[] | undefined {
    const attribute = this.attribute(name, "INTS");
    return attribute && [...attribute.ints];
  }

  floats(name: string): number[] | undefined {
    const attribute = this.attribute(name, "FLOATS");
    return attribute && Array.from(attribute.floats);
  }

  texts(name: string): string[] | undefined {
    return this.attribute(name, "STRINGS")?.strings.map((bytes) => utf8.decode(bytes));
  }

  tensor(name: string): Tensor | undefined {
    const attribute = this.attribute(name, "TENSOR");
    return attribute?.t && readTensor(attribute.t, this.source);
  }

  graph(name: string): GraphProto {
    return this.required(name, this.attribute(name, "GRAPH")?.g);
  }

  has(name: string): boolean {
    return this.attributes.has(name);
  }

  /** A `TensorProto.DataType` attribute. */
  dtype(name: string): DType | undefined {
    const code = this.int(name);
    if (code === undefined) return undefined;
    return dtypeOf(code) ?? this.fail(`has ${name} = ${elementTypeName(code)}, a type that neo has not`, { kind: "type" });
  }

  /** A `TensorProto.DataType` attribute that may also be a type of codes. */
  dtypeOrStored(name: string): DType | StoredType | undefined {
    return storedTypeOf(this.int(name)) ?? this.dtype(name);
  }

  /** What the elements of a tensor attribute are codes of. */
  storedAttribute(name: string): StoredType | undefined {
    return storedTypeOf(this.attribute(name, "TENSOR")?.t?.dataType);
  }

  /** Attributes that change nothing here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.seen.add(name);
  }

  /** Attributes that the importer neither read nor ignored: it would get the node wrong. */
  get unread(): readonly string[] {
    return [...this.attributes.keys()].filter((name) => !this.seen.has(name));
  }

  /** Those that it did read, and that others of the operator may have been mistaken for. */
  get known(): readonly string[] {
    return [...this.seen];
  }

  /** Attribute `name`, or the failure that it is required. */
  required<T>(name: string, value: T | undefined): T {
    return value ?? this.fail(`lacks attribute ${name}`, { awsName: "OperatorAttributeRequired", nearest: `attribute ${name} given` });
  }

  /** `axis` of a tensor of rank `rank`, counted from the front. */
  axis(axis: number, rank: number, what = "axis"): number {
    if (axis < -rank || axis >= rank)
      this.fail(`has ${what} ${axis}, the rank is ${rank}`, { awsName: "OperatorAttributeValueNotValid", nearest: `${what} from ${-rank} to ${rank - 1}` });
    return axis < 0 ? axis + rank : axis;
  }

  axes(axes: readonly number[], rank: number): number[] {
    this.checkRank(axes.length);
    const normal = axes.map((axis) => this.axis(axis, rank));
    if (new Set(normal).size !== normal.length) this.fail(`names an axis twice: ${axes.join(", ")}`);
    return normal;
  }

  /** Extents that must not be negative. */
  sizes(sizes: readonly number[]): readonly number[] {
    this.checkRank(sizes.length);
    const negative = sizes.find((size) => size < 0);
    if (negative !== undefined) this.fail(`has the extent ${negative}`);
    if (safeProduct(sizes) === undefined)
      throw limitError("tensorBytes", this.source.limits, this.source.file, `elements that node ${nodeName(this.node)} asks for:`, sizes.join("x"));
    return sizes;
  }

  /** No list of dims is longer than the largest rank. */
  checkRank(rank: number): void {
    checkLimit("rank", this.source.limits, this.source.file, "rank of a tensor:", rank);
  }

  /** Says before `elements` are computed here that they will be. */
  budget(elements: number): void {
    this.folder.spend(elements);
  }

  value(constantTensor: Tensor): Value {
    return this.b.create(constant, {}, { value: constantTensor });
  }

  /** A constant of rank 0. */
  scalar(dtype: DType, value: number | bigint): Value {
    return this.value(tensor(dtype, [], [value]));
  }

  vector(dtype: DType, values: readonly (number | bigint)[]): Value {
    return this.value(tensor(dtype, [values.length], values));
  }

  fail(reason: string, detail: ProblemDetail & { readonly kind?: ProblemKind } = {}): never {
    const isAttribute = detail.awsName?.startsWith("OperatorAttribute") === true;
    throw new NodeProblem(detail.kind ?? "node", `${operatorName(this.node)} ${printable(reason)}`, isAttribute ? { reason: "attribute", ...detail } : detail);
  }

  private attribute(name: string, type: AttributeType): AttributeProto | undefined {
    this.seen.add(name);
    const attribute = this.attributes.get(name);
    const found = attribute && typeOf(attribute);
    if (attribute && found !== type)
      this.fail(`has attribute ${name} as ${found}, wanted ${type}`, { awsName: "OperatorAttributeValueNotValid", nearest: `${name} as ${type}` });
    return attribute;
  }

  /** Slices "to the end" are written with the largest of integers; behind 2^53 all of them mean that. */
  private safe(value: bigint): number {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    return Number(value > most ? most : value < -most ? -most : value);
  }
}

/** The type an attribute says it has; below IR 2 it does not say, and shows it. */
function typeOf(attribute: AttributeProto): AttributeType | undefined {
  if (attribute.type) return ATTRIBUTE_TYPES[attribute.type];
  if (attribute.f !== undefined) return "FLOAT";
  if (attribute.i !== undefined) return "INT";
  if (attribute.s !== undefined) return "STRING";
  if (attribute.t !== undefined) return "TENSOR";
  if (attribute.g !== undefined) return "GRAPH";
  if (attribute.floats.length > 0) return "FLOATS";
  if (attribute.ints.length > 0) return "INTS";
  return attribute.strings.length > 0 ? "STRINGS" : undefined;
}

const utf8 = new TextDecoder("utf-8");
