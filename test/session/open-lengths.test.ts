import { expect, test } from "vitest";
import { compile, load } from "../../src/index.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";

/** The elements of x above one half: where they are, as columns and as rows, and what they are. */
const model = writeOnnx({
  nodes: [
    node("Greater", ["x", "half"], ["c"]),
    node("NonZero", ["c"], ["columns"]),
    node("Transpose", ["columns"], ["rows"]),
    node("GatherND", ["x", "rows"], ["y"]),
  ],
  inputs: [value("x", "f32", [2, 3])],
  outputs: [value("columns", "i64"), value("rows", "i64"), value("y", "f32")],
  initializers: { half: tensor("f32", [], [0.5]) },
});

test("a session gives tensors as long as the data say, run after run", async () => {
  const { bundle } = await compile(model, { fileName: "found.onnx", targets: ["wasm"] });
  const session = await load(bundle, { trust: "unsigned" });
  expect(session.outputs.map(({ shape }) => shape)).toEqual([[2, 6], [6, 2], [6]]);
  const run = async (x: readonly number[]): Promise<unknown> =>
    Object.fromEntries(
      Object.entries(await session.run({ x })).map(([name, { shape, data }]) => [
        name,
        { shape, data: Array.from(data as ArrayLike<number | bigint>, Number) },
      ]),
    );
  expect(await run([0, 1, 2, 0, 0, 3])).toEqual({
    columns: { shape: [2, 3], data: [0, 0, 1, 1, 2, 2] },
    rows: { shape: [3, 2], data: [0, 1, 0, 2, 1, 2] },
    y: { shape: [3], data: [1, 2, 3] },
  });
  expect(await run([0, 0, 0, 0, 0, 0])).toEqual({ columns: { shape: [2, 0], data: [] }, rows: { shape: [0, 2], data: [] }, y: { shape: [0], data: [] } });
  expect(await run([0, 0, 0, 0, 4, 0])).toEqual({
    columns: { shape: [2, 1], data: [1, 1] },
    rows: { shape: [1, 2], data: [1, 1] },
    y: { shape: [1], data: [4] },
  });
  expect((await session.selfTest()).ok).toBe(true);
  session.close();
});
