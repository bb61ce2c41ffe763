import { describe, expect, test } from "vitest";
import { compile, load } from "../../src/index.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { NO_NATIVE } from "./tiny-model.ts";

/** Strings in, strings out, and code between: words that are kept, glued together, and numbers that are read, doubled and written. */
const words = writeOnnx({
  opset: 20,
  nodes: [
    node("StringNormalizer", ["list"], ["kept"], { case_change_action: "UPPER", stopwords: ["the"], is_case_sensitive: 0 }),
    node("StringConcat", ["a", "mark"], ["marked"]),
    node("Equal", ["marked", "wanted"], ["same"]),
    node("Where", ["same", "a", "marked"], ["chosen"]),
    node("Gather", ["chosen", "places"], ["picked"]),
    node("RegexFullMatch", ["a"], ["matches"], { pattern: "[a-c]+|x{2,3}" }),
    node("StringSplit", ["a"], ["parts", "counts"], { delimiter: "b", maxsplit: 2 }),
    node("Cast", ["digits"], ["numbers"], { to: 1 }),
    node("Add", ["numbers", "numbers"], ["doubled"]),
    node("Cast", ["doubled"], ["written"], { to: 8 }),
  ],
  inputs: [value("list", "string", [4]), value("a", "string", [3]), value("digits", "string", [2])],
  outputs: [
    value("kept", "string"),
    value("picked", "string"),
    value("matches", "bool"),
    value("parts", "string"),
    value("counts", "i64"),
    value("written", "string"),
    value("same", "bool"),
  ],
  initializers: {
    mark: tensor("string", [], ["!"]),
    wanted: tensor("string", [3], ["abc!", "", "xx!"]),
    places: tensor("i64", [2, 2], [2, 1, 0, 0]),
  },
});

const given = { list: ["The", "quick", "the", "fox"], a: ["abc", "äb😀", "xx"], digits: ["1.25", "-3e2"] };

describe.each(["wasm", "native"] as const)("strings in a %s session", (kind) => {
  test.skipIf(kind === "native" && NO_NATIVE)("are done by functions of the host between runs of code", async () => {
    const { bundle } = await compile(words, { fileName: "words.onnx", targets: [kind === "wasm" ? "wasm" : "host"] });
    const session = await load(bundle, { trust: "unsigned", prefer: [kind] });
    const shown = Object.fromEntries(
      Object.entries(await session.run(given)).map(([name, { shape, data }]) => [
        name,
        [shape, Array.from(data as ArrayLike<unknown>, (x) => (typeof x === "bigint" ? Number(x) : x))],
      ]),
    );
    expect(shown).toEqual({
      kept: [[2], ["QUICK", "FOX"]],
      picked: [
        [2, 2],
        ["xx", "äb😀!", "abc", "abc"],
      ],
      matches: [[3], [1, 0, 1]],
      parts: [
        [3, 2],
        ["a", "c", "ä", "😀", "xx", ""],
      ],
      counts: [[3], [2, 2, 1]],
      written: [[2], ["2.5", "-600"]],
      same: [[3], [1, 0, 1]],
    });
    // Nothing of a run is left for the next.
    const again = await session.run({ ...given, list: ["the", "THE", "the", "The"], a: ["", "b", "cab"] });
    expect(again["kept"]).toEqual({ dtype: "string", shape: [1], data: [""] });
    expect(again["parts"]!.data).toEqual(["", "", "", "", "ca", ""]);
    await expect(session.run({ ...given, digits: ["1", "two"] })).rejects.toMatchObject({ code: "NEO1057", message: expect.stringContaining("two") });
    await expect(session.run({ ...given, digits: [1, 2] })).rejects.toMatchObject({ code: "NEO1051" });
    session.close();
  });
});

test("the known answer of a bundle has strings, too", async () => {
  const model = writeOnnx({
    opset: 20,
    nodes: [node("StringConcat", ["x", "list"], ["y"])],
    inputs: [value("x", "string", [2, 1])],
    outputs: [value("y", "string")],
    initializers: { list: tensor("string", [3], ["one", "two", "three"]) },
  });
  const { bundle } = await compile(model, { fileName: "glue.onnx", targets: ["wasm"] });
  const session = await load(bundle, { trust: "unsigned" });
  expect(session.manifest.texts).toContain("three");
  expect(session.manifest.selfTest).toHaveLength(1);
  expect((await session.selfTest()).ok).toBe(true);
  session.close();
});

test("texts that grow without end are stopped", async () => {
  const links = Array.from({ length: 30 }, (_, i) => node("StringConcat", [i === 0 ? "x" : `x${i}`, i === 0 ? "x" : `x${i}`], [`x${i + 1}`]));
  const model = writeOnnx({ opset: 20, nodes: links, inputs: [value("x", "string", [1])], outputs: [value("x30", "string")] });
  const { bundle } = await compile(model, { fileName: "chain.onnx", targets: ["wasm"] });
  const session = await load(bundle, { trust: "unsigned" });
  await expect(session.run({ x: ["ab"] })).rejects.toMatchObject({ code: "NEO1057" });
  expect((await session.run({ x: [""] }))["x30"]!.data).toEqual([""]);
  session.close();
});
