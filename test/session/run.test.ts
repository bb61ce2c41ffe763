import { describe, expect, test } from "vitest";
import type { BuildArtifact } from "../../src/package/build.ts";
import { load } from "../../src/index.ts";
import { load as loadPortable, type LoadOptions, type Session } from "../../src/session/index.ts";
import { bundleOf, nativeArtifact, NO_NATIVE, port, wasmArtifact, type Kind } from "./tiny-model.ts";

const open = (bytes: Uint8Array, options: Partial<LoadOptions> = {}): Promise<Session> => load(bytes, { trust: "unsigned", ...options });

const KINDS: readonly (readonly [string, boolean, (counts: readonly number[], kind?: Kind, more?: object) => BuildArtifact])[] = [
  ["wasm", false, wasmArtifact],
  ["native", NO_NATIVE, nativeArtifact],
];

for (const [kind, skip, artifact] of KINDS) {
  describe.skipIf(skip)(`${kind} code`, () => {
    test("gives outputs by name, with dtype and shape", async () => {
      const session = await open(bundleOf([[2, 2]], [artifact([4])]));
      expect(session.kind).toBe(kind);
      expect(await session.run({ x: Float32Array.of(1, 2, 3, 4) })).toEqual({ y: { dtype: "f32", shape: [2, 2], data: Float32Array.of(3, 6, 9, 12) } });
      session.close();
    });

    test("keeps state from run to run until it is reset", async () => {
      const session = await open(bundleOf([[1]], [artifact([1])]));
      const run = (): number => Number(session.runSync({ x: [1] })["y"]!.data[0]);
      expect([run(), run(), run()]).toEqual([3, 4, 5]);
      session.reset();
      expect(run()).toBe(3);
      session.close();
    });

    test("two sessions of one bundle share nothing", async () => {
      const bytes = bundleOf([[1]], [artifact([1])]);
      const [a, b] = [await open(bytes), await open(bytes)];
      a.runSync({ x: [1] });
      expect(b.runSync({ x: [1] })["y"]!.data[0]).toBe(3);
      a.close();
      expect(b.runSync({ x: [1] })["y"]!.data[0]).toBe(4);
      b.close();
    });

    test("picks the program by the shapes of the inputs; the state moves along", async () => {
      const session = await open(
        bundleOf(
          [
            [1, 1],
            [2, 2],
            [1, 3],
          ],
          [artifact([1, 4, 3])],
        ),
      );
      expect((await session.run({ x: { data: [1], shape: [1, 1] } }))["y"]).toMatchObject({ shape: [1, 1], data: Float32Array.of(3) });
      expect((await session.run({ x: { data: [1, 1, 1, 1], shape: [2, 2] } }))["y"]).toMatchObject({ shape: [2, 2], data: Float32Array.of(4, 4, 4, 4) });
      expect((await session.run({ x: [1, 1, 1] }))["y"]).toMatchObject({ shape: [1, 3], data: Float32Array.of(5, 5, 5) });
      expect(session.runSync({ x: [1] })["y"]).toMatchObject({ data: Float32Array.of(6) });
      session.close();
    });

    test("inputs stay in place for any number of runs", async () => {
      const session = await open(bundleOf([[2]], [artifact([2])]));
      const bound = await session.bind({ x: Float32Array.of(1, 2) });
      bound.run();
      bound.run();
      expect(bound.outputs()["y"]!.data).toEqual(Float32Array.of(4, 7));
      expect(bound.program.id).toBe("main");
      session.close();
      expect(() => bound.run()).toThrowError(expect.objectContaining({ code: "NEO1055" }));
    });

    test("host steps run between code steps", async () => {
      const steps = [
        { kind: "code", first: 0, last: 1 },
        {
          kind: "host",
          name: "shout",
          inputs: [{ space: "arena", index: 0, offset: 64, bytes: 8 }],
          outputs: [{ space: "arena", index: 0, offset: 128, bytes: 8 }],
        },
        { kind: "code", first: 2, last: 3 },
      ] as const;
      const bytes = bundleOf([[2]], [artifact([2], "stepwise", { steps })]);
      const hostSteps = {
        shout([from]: readonly Uint8Array[], [to]: readonly Uint8Array[]) {
          const values = new Float32Array(from!.slice().buffer).map((v) => v * 100);
          to!.set(new Uint8Array(values.buffer));
        },
      };
      const session = await open(bytes, { hostSteps });
      expect((await session.run({ x: [1, 2] }))["y"]!.data).toEqual(Float32Array.of(301, 601));
      session.close();
      await expect(open(bytes)).rejects.toMatchObject({ code: "NEO3050", notes: [{ text: expect.stringContaining("shout") }] });
    });

    test("axes with an extent take fewer elements than was planned for", async () => {
      const extents = [
        {
          name: "n",
          max: 3,
          at: 4,
          dims: [
            { port: "input", index: 0, axis: 1 },
            { port: "output", index: 0, axis: 1 },
          ],
        },
      ] as const;
      const session = await open(bundleOf([[2, 3, 2]], [artifact([12], "scale", { extents })]));
      const data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      expect((await session.run({ x: { data, shape: [2, 2, 2] } }))["y"]).toEqual({ dtype: "f32", shape: [2, 2, 2], data: data.map((v) => 3 * v) });
      session.reset();
      expect((await session.run({ x: { data: [], shape: [2, 0, 2] } }))["y"]).toEqual({ dtype: "f32", shape: [2, 0, 2], data: new Float32Array(0) });
      await expect(session.run({ x: { data: new Float32Array(16), shape: [2, 4, 2] } })).rejects.toMatchObject({
        code: "NEO1052",
        notes: [{ text: "found [2, 4, 2], wanted [2, 0..3, 2]" }],
      });
      session.close();
    });

    test("known answers are compared, and leave the state as it was", async () => {
      const answers = (value: number) => [
        {
          program: 0,
          inputs: [new Uint8Array(Float32Array.of(1, 2).buffer)],
          outputs: [new Uint8Array(Float32Array.of(3, value).buffer)],
          tolerance: { abs: 0.01, rel: 0 },
        },
      ];
      const good = await open(bundleOf([[2]], [artifact([2])], { selfTest: answers(6) }));
      good.runSync({ x: [0, 0] });
      expect(await good.selfTest()).toEqual({
        ok: true,
        vectors: [{ program: "main", ok: true, outputs: [{ output: "y", ok: true, maxAbs: 0, index: 0, found: 3, wanted: 3 }] }],
      });
      expect(good.runSync({ x: [0, 0] })["y"]!.data[0]).toBe(1);
      const bad = await open(bundleOf([[2]], [artifact([2])], { selfTest: answers(7) }));
      expect(await bad.selfTest()).toMatchObject({ ok: false, vectors: [{ outputs: [{ ok: false, maxAbs: 1, index: 1, found: 6, wanted: 7 }] }] });
      good.close();
      bad.close();
    });
  });
}

test("a session without node runs the WebAssembly of the same bundle", async () => {
  const session = await loadPortable(bundleOf([[1]], [wasmArtifact([1])]), { trust: "unsigned" });
  expect(session.runSync({ x: [2] })["y"]!.data[0]).toBe(6);
});

test("a closed session says so", async () => {
  const session = await open(bundleOf([[1]], [wasmArtifact([1])]));
  session.close();
  await expect(session.run({ x: [1] })).rejects.toMatchObject({ code: "NEO1055" });
});

describe("inputs that don't fit", async () => {
  const session = await open(
    bundleOf(
      [
        [1, 4],
        [2, 4],
      ],
      [wasmArtifact([4, 8])],
    ),
  );

  test.each([
    [
      "missing and misspelt",
      { X: [1] },
      "NEO1050",
      [
        { where: "x", text: "is missing, wanted f32 [1, 4]" },
        { where: "X", text: "is no input, did you mean x?" },
      ],
    ],
    ["no tensor", { x: "1,2" }, "NEO1050", [{ where: "x", text: "found a string, wanted a typed array, a list of numbers or {data, shape}" }]],
    ["no shape", { x: { data: [1], shape: [1, -1] } }, "NEO1050", [{ where: "x", text: expect.stringContaining("found an object") }]],
    ["another type", { x: new Int32Array(4) }, "NEO1051", [{ where: "x", text: "found i32, wanted f32" }]],
    ["another type by word", { x: { dtype: "f64", data: [1, 2, 3, 4] } }, "NEO1051", [{ where: "x", text: "found f64, wanted f32" }]],
    [
      "another shape",
      { x: { data: new Float32Array(4), shape: [4] } },
      "NEO1052",
      [
        { where: "x of program x-1x4", text: "found [4], wanted [1, 4]" },
        { where: "x of program x-2x4", text: "found [4], wanted [2, 4]" },
      ],
    ],
    [
      "too few elements",
      { x: { data: new Float32Array(3), shape: [1, 4] } },
      "NEO1052",
      [
        { where: "x of program x-1x4", text: "found 3 elements, wanted 4 for [1, 4]" },
        { where: "x of program x-2x4", text: "found [1, 4], wanted [2, 4]" },
      ],
    ],
  ])("%s", async (_name, inputs, code, notes) => {
    await expect(session.run(inputs as never)).rejects.toMatchObject({ code, notes });
  });
});

test("inputs named like parts of objects are ordinary names", async () => {
  const artifact = wasmArtifact([1]);
  const bytes = bundleOf([], [artifact], { programs: [{ binding: {}, inputs: [port("__proto__", [1])], outputs: [port("constructor", [1])] }] });
  const session = await open(bytes);
  const inputs = JSON.parse('{"__proto__": [2]}') as Record<string, number[]>;
  expect((await session.run(inputs))["constructor"]!.data).toEqual(Float32Array.of(6));
  await expect(session.run({})).rejects.toMatchObject({ code: "NEO1050" });
});
