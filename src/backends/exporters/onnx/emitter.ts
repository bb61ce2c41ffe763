import type { Op, Value } from "../../../ir/graph.ts";
import { encodeData, tensor, type Tensor } from "../../../ir/tensor.ts";
import type { DType, StaticType, TensorType } from "../../../ir/types.ts";
import { constantOf } from "../constant-of.ts";
import { refuse } from "../refusal.ts";
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxValue } from "./model.ts";

/** Attributes as exporters write them: whole numbers are INT, texts STRING, lists INTS; FLOAT by `float`. */
export type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number } | undefined>>;

export const float = (value: number): { readonly float: number } => ({ float: value });

/** Collects the nodes of one file. Every value has one name; what stands under it is known with its type. */
export class OnnxEmitter {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, Tensor>();
  private readonly sameData = new Map<string, string>();
  private readonly names = new Map<Value, string>();
  private readonly types = new Map<string, StaticType>();
  private readonly used = new Set<string>();
  private readonly usedByNodes = new Set<string>();
  /** Of the op whose nodes are written: names of nodes are those of the source. */
  private at: readonly string[] = [];

  /** From now on nodes are called after this op. */
  enter(op: Op): void {
    this.at = op.loc.length > 0 ? op.loc : [op.results[0]?.name || op.name];
  }

  param(value: Value): string {
    const name = this.unique(value.name || "input");
    this.names.set(value, name);
    this.types.set(name, staticType(value.type));
    return name;
  }

  /** The name under which an operand stands. */
  name(value: Value): string {
    const known = this.names.get(value);
    if (known !== undefined) return known;
    const name = this.constant(constantOf(value)!, value.name);
    this.names.set(value, name);
    return name;
  }

  /** The named operand of an op, "" where it is absent. */
  operand(op: Op, name: string): string {
    const value = op.operand(name);
    return value ? this.name(value) : "";
  }

  /** `value` is what stands under `name`. */
  bind(value: Value, name: string): void {
    this.names.set(value, name);
  }

  /** A tensor known at compile time; equal ones stand once, but for those that are somebody's own. */
  constant(known: Tensor, wish = "", own = false): string {
    const { dtype, shape } = known.type;
    if (dtype === "string") refuse("a constant holds strings, ONNX regions take numbers");
    const key = `${dtype}[${shape.join(",")}]${fingerprint(encodeData(dtype, known.data))}`;
    const old = this.sameData.get(key);
    if (old !== undefined && !own && sameTensor(this.initializers.get(old)!, known)) return old;
    const name = this.unique(wish || `${this.at.join("+")}.constant`);
    this.initializers.set(name, known);
    this.types.set(name, { dtype, shape });
    this.sameData.set(key, name);
    return name;
  }

  /** A vector of whole numbers, as shapes, axes and pads are given. */
  integers(values: readonly number[]): string {
    return this.constant(tensor("i64", [values.length], values));
  }

  scalar(dtype: DType, value: number): string {
    return this.constant(tensor(dtype, [], [value]));
  }

  /** Writes a node with results of these types and gives their names. */
  nodeOf(type: string, inputs: readonly string[], results: readonly TensorType[], attributes: Attributes = {}, wishes: readonly string[] = []): string[] {
    const outputs = results.map((result, i) => {
      const name = this.unique(wishes[i] || `${this.at.join("+")}.${type}`);
      this.types.set(name, staticType(result));
      return name;
    });
    const trimmed = [...inputs];
    while (trimmed.at(-1) === "") trimmed.pop();
    this.nodes.push({ type, name: unique(this.at.join("+"), this.usedByNodes), inputs: trimmed, outputs, attributes: attributesOf(attributes) });
    return outputs;
  }

  /** A node with one result. */
  node(type: string, inputs: readonly string[], result: TensorType, attributes: Attributes = {}): string {
    return this.nodeOf(type, inputs, [result], attributes)[0]!;
  }

  /** A node that makes the single result of `op`. */
  result(op: Op, type: string, inputs: readonly string[], attributes: Attributes = {}): void {
    this.bind(op.result, this.nodeOf(type, inputs, [op.result.type], attributes, [op.result.name])[0]!);
  }

  /** The finished file. Results keep the names they have in the graph, or get ones of their own. */
  model(name: string, params: readonly Value[], outputs: readonly { readonly value: Value; readonly name: string }[]): OnnxModel {
    const produced = new Set(this.nodes.flatMap((node) => node.outputs));
    const renamed = new Map<string, string>();
    const results = outputs.map(({ value, name: wish }): OnnxValue => {
      const inner = this.name(value);
      const outer = inner === wish ? inner : this.unique(wish || "output");
      // A result that is a parameter, a constant or a result twice over needs a node to carry its name.
      const free = produced.has(inner) && !renamed.has(inner) && !outputs.some((other) => other.value !== value && this.name(other.value) === inner);
      if (free && !renamed.has(inner)) renamed.set(inner, outer);
      else this.nodes.push({ type: "Identity", name: unique(outer, this.usedByNodes), inputs: [inner], outputs: [outer], attributes: {} });
      const { dtype, shape } = this.types.get(inner)!;
      return { name: outer, dtype, shape };
    });
    const rename = (word: string): string => renamed.get(word) ?? word;
    const border = new Set([...results.map((value) => value.name), ...params.map((param) => this.name(param))]);
    const nodes = this.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
    const inner = nodes.flatMap((node) => node.outputs).filter((word) => !border.has(word));
    const valueOf = (word: string): OnnxValue => ({ name: word, dtype: this.types.get(word)!.dtype, shape: this.types.get(word)!.shape });
    return {
      name,
      nodes,
      initializers: [...this.initializers].map(([word, known]) => ({ name: word, tensor: known })),
      inputs: params.map((param) => valueOf(this.name(param))),
      outputs: results,
      values: inner.map(valueOf),
    };
  }

  private unique(wish: string): string {
    return unique(wish, this.used);
  }
}

function unique(wish: string, used: Set<string>): string {
  let name = wish;
  for (let i = 1; used.has(name); i++) name = `${wish}_${i}`;
  used.add(name);
  return name;
}

export function staticType(type: TensorType): StaticType {
  const open = type.shape.find((dim) => typeof dim !== "number");
  if (open !== undefined) refuse("an extent is open, exchange files take fixed shapes");
  return type as StaticType;
}

function attributesOf(attributes: Attributes): Record<string, OnnxAttribute> {
  const found: Record<string, OnnxAttribute> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    if (typeof value === "number") found[name] = { kind: "int", value };
    else if (typeof value === "string") found[name] = { kind: "text", value };
    else found[name] = "float" in value ? { kind: "float", value: value.float } : { kind: "ints", value };
  }
  return found;
}

/** FNV-1a over the bytes, only to find candidates. */
function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  const [left, right] = [encodeData(a.type.dtype, a.data), encodeData(b.type.dtype, b.data)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
