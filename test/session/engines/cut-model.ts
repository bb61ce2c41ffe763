import { compileGraphs, type Compiled, type CompilePorts, type GraphOptions } from "../../../src/compile.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { copyGraph } from "../../../src/ir/copy.ts";
import { Graph, Value } from "../../../src/ir/graph.ts";
import { add } from "../../../src/ir/ops/arithmetic.ts";
import { regionOp, returnOp } from "../../../src/ir/ops/control.ts";
import { tensorType } from "../../../src/ir/types.ts";
import { DEFAULT_OPTIONS, runPasses } from "../../../src/passes/pass.ts";
import { FOR_CPU } from "../../../src/passes/pipelines.ts";
import { nodeCrypto } from "../../../src/support/node/crypto.ts";
import { target } from "../../executors/targets.ts";

/** z = relu(2x + x): the sum of x and x is a region of `engine`. */
export function cutGraph(engine: string, options: readonly string[] = []): Graph {
  const type = tensorType("f32", [1, 4]);
  const x = new Value(type, "x");
  const inner = new Value(type, "x");
  const body = new Graph("r0", [inner]);
  const inside = new Builder(body.ops);
  inside.loc = ["/stem/Add"];
  inside.create(returnOp, { values: [inside.create(add, { a: inner, b: inner })] }, { names: ["y"] });
  const graph = new Graph("main", [x]);
  const b = new Builder(graph.ops);
  const [y] = b.createAll(regionOp, { xs: [x] }, { region: "r0", accelerator: engine, engine, exchange: "onnx", options }, [body]);
  b.create(returnOp, { values: [b.create(add, { a: y!, b: x })] }, { names: ["z"] });
  return graph;
}

/** The same without the region. */
function wholeGraph(): Graph {
  const x = new Value(tensorType("f32", [1, 4]), "x");
  const graph = new Graph("main", [x]);
  const b = new Builder(graph.ops);
  b.create(returnOp, { values: [b.create(add, { a: b.create(add, { a: x, b: x }), b: x })] }, { names: ["z"] });
  return graph;
}

/** A bundle of WebAssembly with the region, and with `cpuFallback` behind it one without. */
export function compileCut(engine: string, more: Partial<GraphOptions> = {}, ports: Partial<CompilePorts> = {}): Promise<Compiled> {
  const wasm = target("wasm");
  const [whole, cut] = [wholeGraph(), copyGraph(cutGraph(engine))];
  for (const graph of [whole, cut]) runPasses(graph, FOR_CPU, DEFAULT_OPTIONS);
  const options: GraphOptions = { name: "cut", compiler: "test", targets: [wasm], bindings: [{}], cuts: new Map([[wasm, [cut]]]), ...more };
  return compileGraphs([whole], options, { crypto: nodeCrypto, ...ports });
}
