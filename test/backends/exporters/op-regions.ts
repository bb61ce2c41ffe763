import { Builder, namedOperands } from "../../../src/ir/builder.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import type { AnyOpDef } from "../../../src/ir/op-def.ts";
import { returnOp } from "../../../src/ir/ops/control.ts";
import { OPS } from "../../../src/ir/ops/index.ts";
import { sampleOperands, sampleTensors } from "../../../src/ir/sample.ts";
import { isFloat } from "../../../src/ir/types.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";

/** A sample of an op record as a region of that op alone. */
export interface OpRegion {
  readonly title: string;
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly tolerance: { readonly abs: number; readonly rel: number };
}

export function opRegions(accepts: (def: AnyOpDef) => boolean): readonly OpRegion[] {
  return OPS.filter((def) => accepts(def) && def.regions.length === 0 && def.name !== "constant").flatMap((def) => def.samples.map((_, i) => regionOf(def, i)));
}

function regionOf(def: AnyOpDef, index: number): OpRegion {
  const sample = def.samples[index]!;
  const values = sampleOperands(def, sample).map((operand, i) => operand && new Value(operand.type, `x${i}`));
  const graph = new Graph(
    def.name,
    values.filter((value) => value !== undefined),
  );
  const b = new Builder(graph.ops);
  b.loc = [def.name];
  const results = b.createAll(def, namedOperands(def, values) as never, (sample["attrs"] ?? {}) as never);
  b.create(returnOp, { values: results }, { names: results.map((_, i) => `y${i}`) });
  const inputs = sampleTensors(def, sample, 7).filter((tensor) => tensor !== undefined);
  return { title: `${def.name} ${index}`, graph, inputs, tolerance: def.tolerance };
}

/** Where two lists of tensors differ by more than the tolerance; "" where nowhere. Types are part of it. */
export function difference(got: readonly Tensor[], wanted: readonly Tensor[], tolerance: { readonly abs: number; readonly rel: number }): string {
  if (got.length !== wanted.length) return `${got.length} results, wanted ${wanted.length}`;
  for (const [i, tensor] of wanted.entries()) {
    const other = got[i]!;
    const type = ({ type }: Tensor): string => `${type.dtype}[${type.shape.join(",")}]`;
    if (type(other) !== type(tensor)) return `result ${i} is ${type(other)}, wanted ${type(tensor)}`;
    const at = firstDifference(other, tensor, tolerance);
    if (at >= 0) return `element ${at} of result ${i} is ${String(other.data[at])}, wanted ${String(tensor.data[at])}`;
  }
  return "";
}

function firstDifference(a: Tensor, b: Tensor, tolerance: { readonly abs: number; readonly rel: number }): number {
  const close = (x: number | bigint | string, y: number | bigint | string): boolean => {
    if (x === y || (x !== x && y !== y)) return true;
    return isFloat(b.type.dtype) && Math.abs(Number(x) - Number(y)) <= tolerance.abs + tolerance.rel * Math.abs(Number(y));
  };
  return Array.from(b.data as ArrayLike<number>).findIndex((value, i) => !close(a.data[i]!, value));
}
