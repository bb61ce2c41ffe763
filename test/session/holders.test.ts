import { describe, expect, test } from "vitest";
import { compile, load } from "../../src/index.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { NO_NATIVE } from "./tiny-model.ts";

const tensors = { sequence_type: { elem_type: { tensor_type: { elem_type: 1, shape: { dim: [{ dim_value: 2 }] } } } } };
const body = { nodes: [node("Neg", ["x"], ["s"])], inputs: [value("x", "f32")], outputs: [value("s", "f32")] };

/** Takes a sequence, and gives it with each tensor negated. */
const negated = writeOnnx({
  opset: 18,
  nodes: [node("SequenceMap", ["in"], ["out"], { body: { graph: body } }), node("SequenceLength", ["in"], ["n"])],
  inputs: [{ name: "in", dtype: "f32", type: tensors }],
  outputs: [{ name: "out", dtype: "f32", type: tensors }, value("n", "i64")],
});

/** A row of a map with words for keys, and the sum of another's with whole numbers. */
const vectorized = writeOnnx({
  opsets: [{ version: 18 }, { domain: "ai.onnx.ml", version: 3 }],
  nodes: [
    node("DictVectorizer", ["words"], ["row"], { string_vocabulary: ["a", "b", "c"] }, { domain: "ai.onnx.ml" }),
    node("CastMap", ["counts"], ["dense"], { map_form: "SPARSE", max_map: 4, cast_to: "TO_FLOAT" }, { domain: "ai.onnx.ml" }),
    node("Add", ["dense", "dense"], ["twice"]),
  ],
  inputs: [
    { name: "words", dtype: "f32", type: { map_type: { key_type: 8, value_type: { tensor_type: { elem_type: 7 } } } } },
    { name: "counts", dtype: "f32", type: { map_type: { key_type: 7, value_type: { tensor_type: { elem_type: 1 } } } } },
  ],
  outputs: [value("row", "i64"), value("twice", "f32")],
});

describe.each(["wasm", "native"] as const)("in a %s session", (kind) => {
  const skipped = kind === "native" && NO_NATIVE;
  const targets = [kind === "wasm" ? "wasm" : "host"];

  test.skipIf(skipped)("sequences are lists of tensors; the length picks the program", async () => {
    const { bundle } = await compile(negated, { fileName: "negated.onnx", targets, bindings: [{ in: 2 }, { in: 0 }, { in: 1 }] });
    const session = await load(bundle, { trust: "unsigned", prefer: [kind] });
    const outputs = await session.run({ in: [[1, 2], Float32Array.of(3, 4)] });
    expect(session.sequence("out", outputs).map(({ data }) => Array.from(data as Float32Array))).toEqual([
      [-1, -2],
      [-3, -4],
    ]);
    expect(outputs["n"]!.data).toEqual(BigInt64Array.of(2n));
    expect(session.sequence("out", await session.run({ in: [[5, 6]] }))).toHaveLength(1);
    expect((await session.run({ in: [] }))["n"]!.data).toEqual(BigInt64Array.of(0n));
    await expect(
      session.run({
        in: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    ).rejects.toMatchObject({ code: "NEO1050" });
    expect(() => session.sequence("n", outputs)).toThrowError(expect.objectContaining({ code: "NEO1050", notes: [{ where: "out", text: "is one" }] }));
    session.close();
  });

  test.skipIf(skipped)("maps are Maps or objects", async () => {
    const { bundle } = await compile(vectorized, { fileName: "maps.onnx", targets });
    const session = await load(bundle, { trust: "unsigned", prefer: [kind] });
    const run = async (words: Parameters<typeof session.run>[0][string], counts: typeof words): Promise<number[][]> =>
      Object.values(await session.run({ words, counts })).map(({ data }) => Array.from(data as ArrayLike<number>, Number));
    expect(await run({ c: 3n, a: 1, other: 9 }, new Map([[1, 0.5]]))).toEqual([
      [1, 0, 3],
      [0, 1, 0, 0],
    ]);
    expect(await run(new Map([["b", 7]]), { 0: 2, 3: 1 })).toEqual([
      [0, 7, 0],
      [4, 0, 0, 2],
    ]);
    await expect(run({ a: 1.5 }, {})).rejects.toMatchObject({ code: "NEO1051" });
    session.close();
  });
});
