import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import type { Program } from "../../src/kernel/program.ts";

/** Runs a shared object twice on one arena (first filled with 0xff behind the state) and gives the outputs of the second run. */
export function runNative(object: Uint8Array, program: Program, weights: Uint8Array, inputs: readonly Uint8Array[]): Uint8Array[] {
  const folder = mkdtempSync(join(tmpdir(), "neo-test-"));
  try {
    const file = join(folder, "model.so");
    writeFileSync(file, object);
    const library = koffi.load(file);
    try {
      const run = library.func("void model_run(const void *weights, const void **inputs, void **outputs, void *arena)");
      const arena = aligned(program.arenaBytes).fill(0xff, program.stateBytes);
      const held = aligned(weights.length);
      held.set(weights);
      const outputs = program.outputs.map((port) => Buffer.alloc(Math.max(port.bytes, 1)));
      const first = program.outputs.map((port) => Buffer.alloc(Math.max(port.bytes, 1)));
      const given = inputs.map((bytes) => Buffer.from(bytes.length ? bytes : new Uint8Array(1)));
      run(held, given, first, arena);
      if (program.stateBytes === 0) {
        run(held, given, outputs, arena);
        first.forEach((bytes, i) => {
          if (!bytes.equals(outputs[i]!)) throw new Error(`output ${program.outputs[i]!.name} differs between two runs`);
        });
      }
      return (program.stateBytes === 0 ? outputs : first).map((bytes, i) => new Uint8Array(bytes.buffer, bytes.byteOffset, program.outputs[i]!.bytes).slice());
    } finally {
      library.unload();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function aligned(bytes: number): Uint8Array {
  const buffer = new ArrayBuffer(bytes + 256);
  const start = (128 - Number(koffi.address(Buffer.from(buffer)) % 128n)) % 128;
  return new Uint8Array(buffer, start, Math.max(bytes, 1));
}
