import { expect, test } from "vitest";
import type { Bundle } from "../../src/package/read-bundle.ts";
import { openBundle } from "../../src/session/index.ts";
import { NeoError } from "../../src/support/errors.ts";
import { fuzzBundleReader } from "../package/fuzz-bundle.ts";
import { port, wasmArtifact } from "./tiny-model.ts";

test("unsigned bundles with other fields load and run, or end in an error of ours", { timeout: 120_000 }, async () => {
  const bundles: Bundle[] = [];
  const program = (n: number) => ({ binding: { N: n }, inputs: [port("x", [n, 4])], outputs: [port("y", [n, 4])] });
  const input = {
    name: "tiny",
    compiler: "neo",
    programs: [program(1), program(2)],
    artifacts: [wasmArtifact([4, 8])],
    selfTest: [{ program: 0, inputs: [{ seed: 1, low: 0, high: 1 }], outputs: [new Uint8Array(16)], tolerance: { abs: 1, rel: 0 } }],
  };
  fuzzBundleReader({ seed: 7, runs: 2000, input, onTaken: (bundle) => bundles.push(bundle) });
  expect(bundles.length).toBeGreaterThan(50);
  let ran = 0;
  for (const bundle of bundles) {
    try {
      const session = await openBundle(bundle, {});
      await session.selfTest();
      const { dtype, shape, bytes } = session.inputs[0]!;
      await session.run({ [session.inputs[0]!.name]: { dtype, shape, data: dtype === "f32" ? new Float32Array(bytes / 4) : [] } });
      session.close();
      ran++;
    } catch (error) {
      expect(error).toBeInstanceOf(NeoError);
    }
  }
  expect(ran).toBeGreaterThan(20);
});
