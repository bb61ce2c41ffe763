/** Two models on emulated processors: the C of each foreign target, compiled by clang and lld, run under qemu-user, against the interpreter. */
import { printC } from "../../src/backends/c/print.ts";
import { lower } from "../../src/backends/lower.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { optimize } from "../../src/compile.ts";
import { importModel } from "../../src/frontends/index.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { decodeData, encodeData } from "../../src/ir/tensor.ts";
import { elementCount, type StaticType } from "../../src/ir/types.ts";
import { MODELS, type ModelName } from "../../bench/models.ts";
import { hasEmulator, runEmulated } from "../backends/cross-runner.ts";
import { target } from "../executors/targets.ts";

const NAMES: readonly ModelName[] = ["resnet8", "ds-cnn"];
const TOLERANCE = 1e-4;

let failed = 0;
for (const name of NAMES) {
  for (const processor of ["arm64", "armv7", "riscv64"]) {
    const profile = target(processor);
    if (!hasEmulator(profile)) throw new Error(`no emulator for ${processor}: install qemu-user`);
    const graph = importModel(MODELS[name](), { fileName: `${name}.onnx` });
    const inputs = graph.params.map((param, i) => randomTensor(param.type as StaticType, 11 + i));
    const [wanted] = interpret(graph, inputs);
    optimize(graph, { verifyEach: true });
    const pool = new WeightPool();
    const { program } = lower(graph, profile, pool);
    const outputs = await runEmulated(
      printC(program, profile),
      program,
      profile,
      pool.bytes(),
      inputs.map((t) => encodeData(t.type.dtype, t.data)),
    );
    const got = decodeData("f32", outputs[0]!, elementCount(wanted!.type.shape)) as Float32Array;
    const worst = got.reduce((most, x, i) => Math.max(most, Math.abs(x - Number(wanted!.data[i])) / Math.max(1, Math.abs(Number(wanted!.data[i])))), 0);
    const ok = worst <= TOLERANCE;
    if (!ok) failed++;
    console.log(`${ok ? "ok  " : "FAIL"} ${name} on ${processor}: largest error ${worst.toExponential(1)}`);
  }
}
console.log(`${2 * 3 - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
