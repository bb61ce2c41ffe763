import { exportOnnx } from "../../../src/backends/exporters/onnx.ts";
import type { Graph } from "../../../src/ir/graph.ts";
import { decodePort, encodePort } from "../../../src/ir/port-data.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";
import { elementCount, type StaticType } from "../../../src/ir/types.ts";
import { TextTable } from "../../../src/host/text-table.ts";
import { tensorBytes, type RegionEngine, type RegionFile } from "../../../src/session/engines/region-engine.ts";

/** A graph as the region that an engine is given. */
export function regionFile(graph: Graph, options: readonly string[] = []): RegionFile {
  const types = (values: readonly { readonly type: unknown }[]): StaticType[] => values.map(({ type }) => type as StaticType);
  return { name: "r0", exchange: "onnx", bytes: exportOnnx(graph), inputs: types(graph.params), outputs: types(graph.outputs), options };
}

/** What an engine makes of it. */
export async function runRegion(engine: RegionEngine, graph: Graph, inputs: readonly Tensor[], options: readonly string[] = []): Promise<Tensor[]> {
  const file = regionFile(graph, options);
  const region = await engine.load(file);
  const texts = new TextTable();
  const outputs = file.outputs.map((type) => new Uint8Array(tensorBytes(type)));
  await region.run(
    inputs.map((tensor) => encodePort(tensor.type.dtype, tensor.data, texts)),
    outputs,
  );
  region.close();
  return file.outputs.map((type, i) => {
    const { dtype, shape } = type as StaticType;
    return { type: { dtype, shape }, data: decodePort(dtype, outputs[i]!, elementCount(shape), texts) };
  });
}
