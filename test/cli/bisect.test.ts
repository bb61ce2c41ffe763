import { expect, test } from "vitest";
import { bisect } from "../../src/cli/bisect.ts";
import { compareLayers } from "../../src/cli/compare-layers.ts";
import type { RunGraph } from "../../src/cli/run-graph.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { NeoError } from "../../src/support/errors.ts";

/** A chain of 40 ops, each called by its place. */
function chain(): Graph {
  const ops = Array.from({ length: 40 }, (_, i) => `  %v${i + 1} = ${i % 3 === 0 ? "neg" : "tanh"} %v${i} : tensor<4xf32> loc("node ${i}")`);
  return parseGraph(`graph @chain(%v0: tensor<4xf32>) -> (tensor<4xf32>) {\n${ops.join("\n")}\n  return %v40\n}`);
}
const INPUT = tensor("f32", [4], [0.1, -0.2, 0.3, 0.4]);

/** Compiled code that is wrong where `isWrong` says so of the nodes it is made of. */
const wrongFor =
  (isWrong: (nodes: readonly number[]) => boolean): RunGraph =>
  (graph, inputs) => {
    const nodes = graph.ops.flatMap((op) => op.loc.map((name) => Number(name.slice(5))));
    const off = isWrong(nodes) ? 1 : 0;
    return Promise.resolve(interpret(graph, inputs).map(({ type, data }): Tensor => ({ type, data: Float32Array.from(data as Float32Array, (x) => x + off) })));
  };

test("an op that is wrong by itself is found alone", async () => {
  const part = await bisect(
    chain(),
    [INPUT],
    wrongFor((nodes) => nodes.length < 16 && nodes.includes(23)),
    {},
  );
  expect(part).toBeUndefined(); // wrong only in small parts, which are not what is compiled
  const found = await bisect(
    chain(),
    [INPUT],
    wrongFor((nodes) => nodes.includes(23)),
    {},
  );
  expect(found?.nodes).toEqual(["node 23"]);
});

test("ops that are wrong only together are cut out together, with the inputs they fail on", async () => {
  const run = wrongFor((nodes) => nodes.includes(18) && nodes.includes(21) && nodes.length === nodes.at(-1)! - nodes[0]! + 1 && !isApart(nodes));
  const found = await bisect(chain(), [INPUT], run, {});
  expect(found?.nodes).toEqual(["node 18", "node 19", "node 20", "node 21"]);
  expect(found!.graph.params.map((param) => param.name)).toEqual(["v18"]);
  const upTo: Tensor[] = [];
  interpret(chain(), [INPUT], { onValue: (value, t) => void (value.name === "v18" && upTo.push(t)) });
  expect([...(found!.inputs[0]!.data as Float32Array)]).toEqual([...(upTo[0]!.data as Float32Array)]);
  /** Batches of the walk begin at multiples of 16. */
  function isApart(nodes: readonly number[]): boolean {
    return nodes[0] === 16 && nodes.length === 16;
  }
});

test("nothing is found where nothing fails", async () => {
  expect(
    await bisect(
      chain(),
      [INPUT],
      wrongFor(() => false),
      {},
    ),
  ).toBeUndefined();
});

test("the walk goes on behind an op that does not compile alone, and says so", async () => {
  const run: RunGraph = (graph, inputs) => {
    if (graph.ops.some((op) => op.loc.includes("node 5"))) throw new NeoError({ code: "NEO3100", message: "no kernel" });
    return wrongFor(() => false)(graph, inputs);
  };
  for (const mode of ["isolated", "cumulative"] as const) {
    const { nodes, skipped, firstBad } = await compareLayers(chain(), [INPUT], { mode, limits: {}, run });
    expect([nodes.length, skipped, firstBad]).toEqual([39, [{ where: "node 5", text: "no kernel" }], undefined]);
  }
});

test("no more than a batch and what is still read is alive", async () => {
  const sizes: number[] = [];
  const run: RunGraph = (graph, inputs) => (sizes.push(graph.params.length), Promise.resolve(interpret(graph, inputs)));
  await compareLayers(chain(), [INPUT], { mode: "cumulative", limits: {}, run });
  expect(sizes).toEqual([1, 1, 1]);
});
