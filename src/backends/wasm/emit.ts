import type { Program } from "../../kernel/program.ts";
import { InternalError } from "../../support/errors.ts";
import type { TargetProfile } from "../../target/profile.ts";
import { loadBinaryen } from "./binaryen.ts";
import { emitKernel } from "./kernel.ts";
import { wasmMemoryPlan } from "./memory-plan.ts";
import { emitModel } from "./program.ts";

export { wasmMemoryPlan, type WasmMemoryPlan } from "./memory-plan.ts";

/**
 * A program as a WebAssembly module without imports: it exports its memory, as large as `wasmMemoryPlan` says and no larger, and
 * the functions of `model_run`. One function a kernel, never inlined; nothing is optimized here, kernels come as they shall run.
 * On a target with FMA `madd` of fast kernels is relaxed SIMD.
 */
export async function emitWasm(program: Program, target: TargetProfile): Promise<Uint8Array> {
  const api = await loadBinaryen();
  const relaxed = target.fma !== "no";
  const { pages } = wasmMemoryPlan(program);
  const module = new api.Module();
  try {
    const { SIMD128, NontrappingFPToInt, SignExt, RelaxedSIMD } = api.Features;
    module.setFeatures(SIMD128 | NontrappingFPToInt | SignExt | (relaxed ? RelaxedSIMD : 0));
    // Loads and stores name the memory, so it comes first; with a name of its own it is exported, too.
    module.setMemory(pages, pages, "memory");
    for (const kernel of program.kernels) emitKernel(api, module, kernel, relaxed);
    emitModel(api, module, program);
    if (!module.validate()) throw new InternalError("emitWasm", `${program.name} is no valid module`);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
