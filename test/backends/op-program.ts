import type { Program, Step } from "../../src/kernel/program.ts";
import { ELEM_BYTES } from "../../src/kernel/kernel.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import type { OpCase } from "./op-cases.ts";

/** A program that calls each kernel once: its operands are inputs, its result is an output. */
export function programOf(cases: readonly OpCase[]): { readonly program: Program; readonly inputs: readonly Uint8Array[] } {
  const inputs: Uint8Array[] = [];
  const ports: Program["inputs"][number][] = [];
  const outputs: Program["outputs"][number][] = [];
  const steps: Step[] = cases.map(({ kernel, buffers }, call) => {
    const args = kernel.params.map((param, i) => {
      const port = { name: `${kernel.name} ${param.name}`, dtype: param.elem, shape: [param.size], elem: param.elem, bytes: param.size * ELEM_BYTES[param.elem] };
      if (param.access === "in") {
        inputs.push(buffers[i]!);
        ports.push(port);
        return [param.name, { space: "input" as const, index: inputs.length - 1, offset: 0 }] as const;
      }
      outputs.push(port);
      return [param.name, { space: "output" as const, index: call, offset: 0 }] as const;
    });
    return { kind: "call", kernel: kernel.name, args: Object.fromEntries(args), parts: 1 };
  });
  const program: Program = { name: "ops", inputs: ports, outputs, steps, kernels: cases.map((c) => c.kernel), extents: {}, arenaBytes: 0, stateBytes: 0, segments: [] };
  return { program, inputs };
}

export function interpretCase({ kernel, buffers }: OpCase, fused = false): Uint8Array {
  const own = buffers.map((bytes) => bytes.slice());
  interpretKernel(kernel, Object.fromEntries(kernel.params.map((param, i) => [param.name, own[i]!])), { fused });
  return own.at(-1)!;
}

/** Bytes with every NaN as the same one: which NaN an operation gives differs from processor to processor. */
export function withoutNanBits(bytes: Uint8Array, elem: string): Uint8Array {
  const copy = bytes.slice();
  if (elem === "f32") new Float32Array(copy.buffer).forEach((x, i, all) => void (Number.isNaN(x) && (all[i] = NaN)));
  if (elem === "f64") new Float64Array(copy.buffer).forEach((x, i, all) => void (Number.isNaN(x) && (all[i] = NaN)));
  return copy;
}
