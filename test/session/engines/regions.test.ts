import { describe, expect, test } from "vitest";
import { load } from "../../../src/session/load.ts";
import { nodeEngines as realEngines } from "../../../src/session/node/engines.ts";
import { tryRegion } from "../../../src/session/node/try-region.ts";
import { isAtLeast, type EngineSource } from "../../../src/session/engines/region-engine.ts";
import { nodeCrypto } from "../../../src/support/node/crypto.ts";
import { compileCut } from "./cut-model.ts";
import { nodeEngines } from "./fake-engines.ts";

const unsigned = { trust: "unsigned", crypto: nodeCrypto } as const;
const fakes = nodeEngines();
const input = { x: [1, -2, 3, -4] };
const wanted = [3, -6, 9, -12];

describe("a bundle with a region", () => {
  test("names the engine, the file and the tensors, and has the file", async () => {
    const { bundle } = await compileCut("doubles");
    const session = await load(bundle.bytes, { ...unsigned, engines: fakes });
    const [artifact] = session.manifest.artifacts;
    const step = artifact!.programs[0]!.steps.find(({ kind }) => kind === "region");
    expect(step).toMatchObject({
      name: "r0",
      call: { function: "doubles", attrs: { exchange: "onnx", accelerator: "doubles", version: "" }, inputs: [{ dtype: "f32", shape: [1, 4] }] },
    });
    const { file } = (step as unknown as { readonly call: { readonly attrs: { readonly file: string } } }).call.attrs;
    expect(file).toMatch(/^regions\/[0-9a-f]{16}\.onnx$/);
    expect(session.manifest.files.find(({ name }) => name === file)!.sha256).toContain(/regions\/(.{16})/.exec(file)![1]);
  });

  test("runs it between its code, in turn and by itself", async () => {
    const session = await load((await compileCut("doubles")).bundle.bytes, { ...unsigned, engines: fakes });
    expect(Array.from((await session.run(input))["z"]!.data as Float32Array)).toEqual(wanted);
    expect(Array.from(session.runSync(input)["z"]!.data as Float32Array)).toEqual(wanted);
    expect((await session.selfTest()).ok).toBe(true);
  });

  test("waits for an engine that computes beside it, one run after another", async () => {
    const { version, load: take } = await fakes["doubles"]!.open();
    const slow: EngineSource = {
      open: () =>
        Promise.resolve({
          version,
          load: async (region) => {
            const inner = await take(region);
            return {
              ...inner,
              isSync: false,
              run: async (inputs, outputs) => {
                await new Promise((resolve) => setTimeout(resolve, 5));
                void inner.run(inputs, outputs);
              },
            };
          },
        }),
    };
    const session = await load((await compileCut("doubles")).bundle.bytes, { ...unsigned, engines: { doubles: slow } });
    const results = await Promise.all([session.run(input), session.run({ x: [5, 5, 5, 5] })]);
    expect(results.map(({ z }) => Array.from(z!.data as Float32Array))).toEqual([wanted, [15, 15, 15, 15]]);
    expect(() => session.runSync(input)).toThrow(expect.objectContaining({ code: "NEO3063" }) as Error);
    session.close();
  });

  test("says what is missing before anything runs", async () => {
    const { bytes } = (await compileCut("doubles")).bundle;
    await expect(load(bytes, unsigned)).rejects.toMatchObject({
      code: "NEO3060",
      notes: [{ where: "doubles", text: expect.stringContaining("does not offer") as string }],
    });
    await expect(load((await compileCut("missing")).bundle.bytes, { ...unsigned, engines: fakes })).rejects.toMatchObject({
      code: "NEO3060",
      notes: [{ text: expect.stringContaining("libwonder.so is not found") as string }],
    });
  });

  test("refuses an engine that is older than the one it was checked with", async () => {
    const tryRegion_ = (): Promise<{ version: string; outputs: Uint8Array[] }> => Promise.reject(new Error("unused"));
    const { bytes } = (await compileCut("doubles", {}, { tryRegion: (trial) => (trial.engine === "doubles" ? newer(trial.inputs[0]!) : tryRegion_()) })).bundle;
    await expect(load(bytes, { ...unsigned, engines: fakes })).rejects.toMatchObject({
      code: "NEO3060",
      notes: [{ text: "r0 wants doubles 2.0.0 or newer, found 1.2.3" }],
    });
  });

  test("passes on an engine's own words where it does not take the region, or fails", async () => {
    await expect(load((await compileCut("refuses")).bundle.bytes, { ...unsigned, engines: fakes })).rejects.toMatchObject({
      code: "NEO3061",
      notes: [{ where: "r0 on refuses", text: "Unknown operator Wonder in node w" }],
    });
    const session = await load((await compileCut("fails")).bundle.bytes, { ...unsigned, engines: fakes });
    await expect(session.run(input)).rejects.toMatchObject({ code: "NEO3061", notes: [{ text: "QNN_COMMON_ERROR_MEM_ALLOC" }] });
    const short = await load((await compileCut("wrongShape")).bundle.bytes, { ...unsigned, engines: fakes });
    await expect(short.run(input)).rejects.toMatchObject({ code: "NEO3061", notes: [{ text: "result 0 is f32 [2, 4], wanted f32 [1, 4]" }] });
  });

  test("runs on the CPU where the engine is missing and it has code for that", async () => {
    const session = await load((await compileCut("doubles", { cpuFallback: true })).bundle.bytes, unsigned);
    expect(session.refusals).toHaveLength(1);
    expect(session.refusals[0]!.reason).toContain("r0 wants doubles");
    expect(Array.from((await session.run(input))["z"]!.data as Float32Array)).toEqual(wanted);
  });
});

function newer(input: Uint8Array): Promise<{ version: string; outputs: Uint8Array[] }> {
  const x = new Float32Array(input.slice().buffer);
  return Promise.resolve({ version: "2.0.0", outputs: [new Uint8Array(x.map((value) => value * 2).buffer)] });
}

describe("compiling tries each region in a process of its own", () => {
  const module = new URL("./fake-engines.ts", import.meta.url).href;
  const compile = (engine: string): Promise<unknown> =>
    compileCut(engine, {}, { tryRegion: (trial) => tryRegion(trial, { module, timeLimitMs: engine === "hangs" ? 3000 : 60_000 }) });

  test.each([
    ["crashes", /^crashed/],
    ["hangs", /^is not through after 3 s$/],
    ["nan", /^gives NaN for element 0 of result 0, wanted/],
    ["garbage", /^gives 1234 for element \d of result 0, wanted/],
    ["fails", /^QNN_COMMON_ERROR_MEM_ALLOC$/],
    ["quits", /^ended and left no result/],
    ["missing", /^libwonder.so is not found$/],
    ["refuses", /^Unknown operator Wonder in node w$/],
    ["wrongShape", /^result 0 is f32 \[2, 4\], wanted f32 \[1, 4\]$/],
    ["unheardOf", /^there is no engine unheardOf$/],
  ])("an engine that %s is named with its words", { timeout: 60_000 }, async (engine, words) => {
    await expect(compile(engine)).rejects.toMatchObject({
      code: "NEO3062",
      notes: [{ where: `r0 on ${engine}`, text: expect.stringMatching(words) as string }],
    });
  });

  test("one that computes is taken, by its version", { timeout: 60_000 }, async () => {
    const { bundle } = (await compile("doubles")) as Awaited<ReturnType<typeof compileCut>>;
    const session = await load(bundle.bytes, { ...unsigned, engines: fakes });
    expect(session.manifest.artifacts[0]!.programs[0]!.steps).toContainEqual(
      expect.objectContaining({ call: expect.objectContaining({ attrs: expect.objectContaining({ version: "1.2.3" }) as object }) as object }),
    );
  });

  test("and so does ONNX Runtime, where it is installed", { timeout: 60_000 }, async () => {
    const { bundle } = await compileCut("onnxruntime", {}, { tryRegion });
    const session = await load(bundle.bytes, { ...unsigned, engines: realEngines() });
    expect(Array.from((await session.run(input))["z"]!.data as Float32Array)).toEqual(wanted);
  });
});

test("versions are compared by their numbers", () => {
  expect(["1.30.0", "1.31", "2"].map((version) => isAtLeast(version, "1.30.0"))).toEqual([true, true, true]);
  expect(["1.9.0", "1.29.9", "0"].map((version) => isAtLeast(version, "1.30.0"))).toEqual([false, false, false]);
  expect(isAtLeast("anything", "")).toBe(true);
});
