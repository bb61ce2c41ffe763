import { describe, expect, test } from "vitest";
import { ENVELOPES } from "../../src/cli/schemas.ts";
import { neo, testFolder } from "./run-neo.ts";

const TYPE = "tensor<64x512xf32>";
/** Two products, and between them an op that no accelerator takes. */
const PRODUCTS = `graph @main(%x: ${TYPE}) -> (${TYPE}) {
  %w = constant {value = dense<0.01> : tensor<512x512xf32>} : tensor<512x512xf32>
  %a = linear %x, %w : ${TYPE} loc("/first")
  %b = l2Normalise %a {axes = [1]} : ${TYPE} loc("/unit")
  %c = linear %b, %w : ${TYPE} loc("/last")
  return %c {names = ["y"]}
}
`;
const STRANGE = `graph @main(%x: ${TYPE}) -> (${TYPE}) {
  %a = l2Normalise %x {axes = [1]} : ${TYPE} loc("/unit")
  return %a {names = ["y"]}
}
`;
const PRODUCT = `graph @main(%x: ${TYPE}) -> (${TYPE}) {
  %w = constant {value = dense<0.01> : tensor<512x512xf32>} : tensor<512x512xf32>
  %a = linear %x, %w : ${TYPE} loc("/only")
  return %a {names = ["y"]}
}
`;
/** A machine whose accelerator is much faster than its processor. */
const BOARD = { extends: "x86-64-v3", name: "board", accelerators: [{ name: "onnxruntime", costs: { launchUs: 1, macsPerUs: { f32: 1e6 } } }] };

function inFolder(): (args: string) => ReturnType<typeof neo> {
  const folder = testFolder({ "products.nir": PRODUCTS, "strange.nir": STRANGE, "product.nir": PRODUCT, "board.json": JSON.stringify(BOARD) });
  return (args) => neo(args.split(" "), { cwd: folder.path });
}

describe("check with accelerators", () => {
  test("shows regions, what stays on the CPU and why, what would help, and what crosses", async () => {
    const { code, stdout, stderr } = await inFolder()("check products.nir -t ./board.json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/onnxruntime beside board: 2 regions, 2 of 3 ops; all regions have 99\.8 % of MACs; estimated .+ against .+ on the CPU/);
    expect(stdout).toMatch(/r0 +onnxruntime +1 +\/first +16\.8 M +131,072 B +131,072 B/);
    expect(stdout).toMatch(/l2Normalise +1 +\/unit +onnxruntime +op +onnxruntime does not take l2Normalise/);
    expect(stdout).toMatch(/would help: l2Normalise \(op\) ×1 on onnxruntime joins r0 and r1:/);
    expect(stdout).toContain("borders: 4 values");
  });

  test("has all of it in JSON, and so has inspect", async () => {
    const here = inFolder();
    for (const command of ["check products.nir -t ./board.json --json", "inspect products.nir -t ./board.json --accelerators onnxruntime,openvino --json"]) {
      const { code, stdout, stderr } = await here(command);
      expect([code, stderr]).toEqual([0, ""]);
      const document = JSON.parse(stdout) as { result: { partitions: { board: { accelerators: unknown[]; cpuOps: unknown[] } } } };
      expect(ENVELOPES.get(command.split(" ")[0]!)!.safeParse(document).error?.issues).toBeUndefined();
      expect(document.result.partitions.board.cpuOps).toContainEqual(expect.objectContaining({ node: "/unit", code: "op", found: "l2Normalise" }));
    }
  });

  test("says of a model that they refuse as a whole that it does; --accelerator-required makes it exit 3", async () => {
    const here = inFolder();
    const { code, stdout } = await here("check strange.nir -t x86-64-v3 --accelerators onnxruntime");
    expect(code).toBe(0);
    expect(stdout).toContain("onnxruntime beside x86-64-v3: no region, the CPU runs all 1 ops");
    expect(stdout).toMatch(/\/unit +onnxruntime +op/);
    const refused = await here("check strange.nir -t x86-64-v3 --accelerators onnxruntime --accelerator-required");
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining("NEO3102")]);
    expect((await here("check product.nir -t ./board.json --accelerator-required --no-fallback")).code).toBe(0);
  });

  test("--no-fallback wants every op there; none, and WebAssembly, have no accelerator", async () => {
    const here = inFolder();
    const refused = await here("check products.nir -t ./board.json --no-fallback");
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringMatching(/NEO3102.*--no-fallback: 1 ops[\s\S]*\/unit/)]);
    for (const words of ["-t ./board.json --accelerators none", "-t wasm --accelerators onnxruntime"]) {
      const { code, stdout } = await here(`check products.nir ${words}`);
      expect([code, stdout]).toEqual([0, expect.not.stringContaining("region")]);
      expect((await here(`check products.nir ${words} --accelerator-required`)).code).toBe(3);
    }
  });

  test("an unknown name is refused", async () => {
    const { code, stderr } = await inFolder()("check products.nir -t wasm --accelerators onnxruntim");
    expect([code, stderr]).toEqual([3, expect.stringMatching(/NEO3030.*onnxruntim[\s\S]*openvino/)]);
  });
});
