import { describe, expect, test } from "vitest";
import { compile, load, type Session } from "../../src/index.ts";
import { importOnnx } from "../../src/frontends/onnx/import.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { nativeTest } from "../backends/host-compilers.ts";

/** A stream: the last six samples are kept, and a hidden value that reads its own past; `old` is the hidden value as it was. */
const MODEL = writeOnnx({
  nodes: [
    node("Concat", ["cache", "x"], ["all"], { axis: 1 }),
    node("Slice", ["all", "from", "to", "axis"], ["cache_out"]),
    node("ReduceSum", ["all", "axis"], ["sum"], { keepdims: 1 }),
    node("Mul", ["h", "half"], ["decayed"]),
    node("Add", ["decayed", "sum"], ["moved"]),
    node("Tanh", ["moved"], ["hn"]),
    node("Add", ["sum", "h"], ["y"]),
    node("Identity", ["h"], ["old"]),
  ],
  inputs: [value("x", "f32", [1, "S"]), value("cache", "f32", [1, 6]), value("h", "f32", [1, 5])],
  outputs: [value("y", "f32"), value("hn", "f32"), value("old", "f32"), value("cache_out", "f32")],
  initializers: {
    from: tensor("i64", [1], [-6n]),
    to: tensor("i64", [1], [1000n]),
    axis: tensor("i64", [1], [1n]),
    half: tensor("f32", [1], [0.5]),
  },
});

const CHUNKS = [[0.1, -0.2, 0.3, 0.05], [0.4], [-0.3], [0.2, 0.2, -0.7, 0.1], [0.6], [-0.1], [0.3]];

/** Outputs y and old of each chunk, with state fed by hand. */
function wantedOutputs(): number[][] {
  let [cache, h]: [Tensor, Tensor] = [tensor("f32", [1, 6], new Array<number>(6).fill(0)), tensor("f32", [1, 5], [0, 0, 0, 0, 0])];
  return CHUNKS.map((chunk) => {
    const graph = importOnnx(MODEL, { fileName: "stream.onnx", shapes: { S: chunk.length } });
    const [y, hn, old, next] = interpret(graph, [tensor("f32", [1, chunk.length], chunk), cache, h]) as [Tensor, Tensor, Tensor, Tensor];
    [cache, h] = [next, hn];
    return [...(y.data as Float32Array), ...(old.data as Float32Array)];
  });
}

async function streamed(session: Session): Promise<number[][]> {
  const outputs: number[][] = [];
  for (const chunk of CHUNKS) {
    const { y, old } = await session.run({ x: { data: Float32Array.from(chunk), shape: [1, chunk.length] } });
    outputs.push([...Array.from(y!.data as Float32Array), ...Array.from(old!.data as Float32Array)]);
  }
  return outputs;
}

async function opened(targets: readonly string[]): Promise<Session> {
  const { bundle } = await compile(MODEL, { fileName: "stream.onnx", targets, bindings: [{ S: 4 }, { S: 1 }], state: ["auto"] });
  return load(bundle, { trust: "unsigned" });
}

function expectNear(got: readonly number[][], wanted: readonly number[][]): void {
  got.forEach((row, i) => row.forEach((x, k) => expect(Math.abs(x - wanted[i]![k]!), `chunk ${i}, element ${k}`).toBeLessThan(1e-5)));
}

describe("state is kept from run to run, over programs of several shapes", () => {
  const wanted = wantedOutputs();
  const each = (name: string, run: typeof test | typeof nativeTest, targets: readonly string[]): void => {
    run(name, { timeout: 60_000 }, async () => {
      const session = await opened(targets);
      expect(session.inputs.map(({ name: input }) => input)).toEqual(["x"]);
      expect(session.outputs.map(({ name: output }) => output)).toEqual(["y", "old"]);
      expectNear(await streamed(session), wanted);
      // Known answers start without state and leave it as it is.
      expect((await session.selfTest()).ok).toBe(true);
      session.reset();
      expectNear(await streamed(session), wanted);
      session.close();
    });
  };
  each("wasm", test, ["wasm"]);
  each("native", nativeTest, ["host"]);
});

test("states of different shapes in one bundle are refused", async () => {
  const growing = writeOnnx({
    nodes: [node("Neg", ["h"], ["hn"]), node("Abs", ["h"], ["y"])],
    inputs: [value("h", "f32", ["N"])],
    outputs: [value("hn", "f32"), value("y", "f32")],
  });
  await expect(compile(growing, { fileName: "g.onnx", targets: ["wasm"], bindings: [{ N: 1 }, { N: 2 }], state: ["auto"] })).rejects.toMatchObject({
    code: "NEO2014",
  });
});
