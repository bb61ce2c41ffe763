import type { Tensor } from "../../../src/ir/tensor.ts";
import { node, value, writeOnnx, type NodeSpec, type ValueSpec } from "../../fixtures/onnx-writer.ts";
import { parseOperand, type Made, type OneNode } from "./one-node.ts";

/** One model of many independent nodes: each executor compiles once for all of them. Node i reads `n<i>_x<k>` and gives `n<i>_y<k>`. */
export function makeModelOfAll(specs: readonly OneNode[], opsets: readonly { readonly domain?: string; readonly version: number }[]): Made {
  const given: Record<string, Tensor> = {};
  const initializers: Record<string, Tensor> = {};
  const nodes: NodeSpec[] = [];
  const outputs: ValueSpec[] = [];
  specs.forEach((spec, i) => {
    const operands = spec.inputs.map((input, k) => {
      if (input === null) return "";
      const name = `n${i}_x${k}`;
      if (typeof input === "string") given[name] = parseOperand(input, 31 * i + k);
      else initializers[name] = input;
      return name;
    });
    const first = given[`n${i}_x0`] ?? initializers[`n${i}_x0`];
    const dtypes = spec.outputs ?? [first?.type.dtype ?? "f32"];
    const names = dtypes.map((dtype, k) => (dtype === null ? "" : `n${i}_y${k}`));
    nodes.push(node(spec.op, operands, names, spec.attrs ?? {}, { name: `node ${i}`, domain: spec.domain ?? "" }));
    dtypes.forEach((dtype, k) => dtype !== null && outputs.push(value(names[k]!, dtype)));
  });
  const inputs = Object.entries(given).map(([name, t]) => value(name, t.type.dtype, t.type.shape));
  return { bytes: writeOnnx({ nodes, inputs, outputs, initializers, opsets }), inputs: given, outputs: outputs.map(({ name }) => name) };
}
