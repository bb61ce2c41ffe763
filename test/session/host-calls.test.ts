import { describe, expect, test } from "vitest";
import type { HostCall } from "../../src/host/host-function.ts";
import { checkManifest } from "../../src/package/manifest-schema.ts";
import { readBundle } from "../../src/package/read-bundle.ts";
import { load } from "../../src/session/index.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { bundleOf, wasmArtifact } from "./tiny-model.ts";

const f32 = { dtype: "f32", shape: [2] };
const string = { dtype: "string", shape: [2] };
const i32 = { dtype: "i32", shape: [2] };

/** Step 0 is code that fills 8 bytes, step 1 is this call on them, step 2 is code that reads 8 bytes. */
function bundle(call: unknown): Uint8Array {
  const tensor = (offset: number) => ({ space: "arena", index: 0, offset, bytes: 8 }) as const;
  const steps = [
    { kind: "code", first: 0, last: 1 },
    { kind: "host", name: "step", inputs: [tensor(64)], outputs: [tensor(128)], call: call as HostCall },
    { kind: "code", first: 2, last: 3 },
  ] as const;
  return bundleOf([[2]], [wasmArtifact([2], "stepwise", { steps })]);
}

const open = (bytes: Uint8Array) => load(bytes, { trust: "unsigned", crypto: nodeCrypto });
const good = { function: "numberToText", attrs: {}, inputs: [f32], outputs: [string] };

test("a call of a function that every session has needs nothing of the caller", async () => {
  const session = await open(bundle(good));
  // The places of two texts, as bits of floats, plus 1.
  expect((await session.run({ x: [1, 2] }))["y"]!.data).toEqual(Float32Array.of(1, 1));
  session.close();
});

describe("a call is refused before anything runs where", () => {
  test.each([
    [
      "there is no such function",
      { ...good, function: "numbersToText" },
      "wants the function numbersToText of its host, which this version has not (it has numberToText)",
    ],
    ["its name is one of every object", { ...good, function: "constructor" }, "wants the function constructor"],
    ["an attribute is missing", { function: "fullMatch", attrs: {}, inputs: [string], outputs: [{ dtype: "string", shape: [2] }] }, "has no text pattern"],
    [
      "an attribute is one of every object",
      { function: "textToNumber", attrs: JSON.parse('{"__proto__":"x"}') as object, inputs: [string], outputs: [f32] },
      "has no text to",
    ],
    [
      "a pattern is too large",
      { function: "fullMatch", attrs: { pattern: "((a{900}){900}){900}" }, inputs: [string], outputs: [string] },
      "has a pattern that is too large",
    ],
    ["it takes other types", { ...good, inputs: [{ dtype: "string", shape: [2] }] }, "has string for input 0"],
    ["it gives other types", { ...good, outputs: [i32] }, "whose results are not of the types that it gives"],
    [
      "it gives more results",
      { ...good, function: "textSplit", attrs: { delimiter: "", maxSplits: 1 }, inputs: [string] },
      "whose results are not of the types that it gives",
    ],
  ])("%s", async (_, call, text) => {
    await expect(open(bundle(call))).rejects.toMatchObject({ code: "NEO3050", notes: [{ text: expect.stringContaining(text) }] });
  });
});

describe("a manifest is refused where", () => {
  test.each([
    ["a call is none", "numberToText"],
    ["attributes are none", { ...good, attrs: { a: { b: 1 } } }],
    ["a type has a negative extent", { ...good, inputs: [{ dtype: "f32", shape: [-2] }] }],
    ["a type is larger than its tensor", { ...good, inputs: [{ dtype: "f32", shape: [2 ** 40, 2 ** 40] }] }],
    ["there is no such dtype", { ...good, inputs: [{ dtype: "f31", shape: [2] }] }],
    ["it has more tensors than the step", { ...good, inputs: [f32, f32] }],
  ])("%s", (_, call) => {
    const { manifest } = readBundle(bundle(good), { trust: "unsigned", crypto: nodeCrypto });
    const changed = JSON.parse(JSON.stringify(manifest)) as { artifacts: { programs: { steps: { call?: unknown }[] }[] }[] };
    expect(checkManifest(changed)).toEqual({ manifest });
    changed.artifacts[0]!.programs[0]!.steps[1]!.call = call;
    expect(checkManifest(changed)).toEqual({ findings: expect.arrayContaining([{ where: expect.stringContaining("steps[1]"), text: expect.any(String) }]) });
  });
});

test("memory that holds no place is the empty text", async () => {
  const read = { function: "textToNumber", attrs: { to: "f32" }, inputs: [string], outputs: [f32] };
  const session = await open(bundle(read));
  expect((await session.run({ x: [1e30, -5] }))["y"]!.data).toEqual(Float32Array.of(NaN, NaN));
  session.close();
});
