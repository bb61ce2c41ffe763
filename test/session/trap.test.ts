import binaryen from "binaryen";
import { expect, test } from "vitest";
import { load } from "../../src/session/index.ts";
import { ARENA_BYTES, bundleOf, wasmArtifact } from "./tiny-model.ts";

function trappingCode(): Uint8Array {
  const module = binaryen.parseText(`(module (memory (export "memory") 1 1)
    (func (export "model_abi") (result i32) (i32.const 1))
    (func (export "model_arena_bytes") (result i32) (i32.const ${ARENA_BYTES}))
    (func (export "model_weight_bytes") (result i32) (i32.const 4))
    (func (export "model_run") (param i32 i32 i32 i32) unreachable))`);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

test("code that traps is an error of the bundle, not of the process", async () => {
  const session = await load(bundleOf([[1]], [wasmArtifact([1], "scale", { code: trappingCode() })]), { trust: "unsigned" });
  await expect(session.run({ x: [1] })).rejects.toMatchObject({ code: "NEO3057", notes: [{ text: expect.stringContaining("unreachable") as string }] });
});
