import { expect } from "vitest";
import type { Graph, Value } from "../../src/ir/graph.ts";
import { encodeData, type Tensor } from "../../src/ir/tensor.ts";

/** Everything a graph is made of, values as places, tensors as bytes. */
function structureOf(graph: Graph): unknown {
  const places = new Map<Value, string>();
  graph.params.forEach((param, i) => places.set(param, `param ${i}`));
  graph.ops.forEach((op, i) => op.results.forEach((value, k) => places.set(value, `op ${i} result ${k}`)));
  const valueOf = (value: Value): unknown => [value.name, value.type];
  return {
    name: graph.name,
    params: graph.params.map(valueOf),
    ops: graph.ops.map((op) => ({
      name: op.name,
      operands: op.operands.map((value) => value && places.get(value)),
      attrs: Object.fromEntries(
        Object.entries(op.attrs).map(([name, value]) => [
          name,
          isTensor(value) ? [value.type, value.type.dtype === "string" ? value.data : [...encodeData(value.type.dtype, value.data)]] : value,
        ]),
      ),
      results: op.results.map(valueOf),
      regions: op.regions.map(structureOf),
      loc: op.loc,
    })),
  };
}

export function expectEqualGraphs(found: Graph, wanted: Graph): void {
  expect(structureOf(found)).toEqual(structureOf(wanted));
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "data" in value;
}
