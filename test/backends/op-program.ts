import { expect } from "vitest";
import { ELEM_BYTES } from "../../src/kernel/kernel.ts";
import type { Port, Program, Step } from "../../src/kernel/program.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import type { OpCase } from "./op-cases.ts";

/** A program that calls each kernel once: its operands are inputs, its results are outputs. */
export function programOf(cases: readonly OpCase[]): { readonly program: Program; readonly inputs: readonly Uint8Array[] } {
  const inputs: Uint8Array[] = [];
  const ports: { input: Port[]; output: Port[] } = { input: [], output: [] };
  const steps: Step[] = cases.map(({ name, kernel, buffers }) => {
    const args = kernel.params.map((param, i) => {
      const space = param.access === "in" ? "input" : "output";
      if (space === "input") inputs.push(buffers[i]!);
      ports[space].push({
        name: `${name}: ${param.name}`,
        dtype: param.elem,
        shape: [param.size],
        elem: param.elem,
        bytes: param.size * ELEM_BYTES[param.elem],
      });
      return [param.name, { space, index: ports[space].length - 1, offset: 0 }] as const;
    });
    return { kind: "call", kernel: kernel.name, args: Object.fromEntries(args), parts: 1 };
  });
  const program: Program = {
    name: "ops",
    inputs: ports.input,
    outputs: ports.output,
    steps,
    kernels: cases.map((c) => c.kernel),
    extents: {},
    arenaBytes: 0,
    stateBytes: 0,
    segments: [],
  };
  return { program, inputs };
}

/** The results in the order of the program's outputs. */
export function interpretCases(cases: readonly OpCase[], fused = false): Uint8Array[] {
  return cases.flatMap(({ kernel, buffers }) => {
    const own = buffers.map((bytes) => bytes.slice());
    interpretKernel(kernel, Object.fromEntries(kernel.params.map((param, i) => [param.name, own[i]!])), { fused });
    return own.filter((_, i) => kernel.params[i]!.access !== "in");
  });
}

/** Fails with the names of all outputs that differ. Which NaN an operation gives differs from processor to processor. */
export function expectSame(program: Program, wanted: readonly Uint8Array[], got: readonly Uint8Array[]): void {
  const different = program.outputs.filter((port, i) => {
    const [a, b] = [withoutNanBits(wanted[i]!, port.elem), withoutNanBits(got[i]!, port.elem)];
    return Buffer.compare(a, b) !== 0;
  });
  expect(different.map((port) => port.name)).toEqual([]);
}

function withoutNanBits(bytes: Uint8Array, elem: string): Uint8Array {
  const copy = bytes.slice();
  if (elem === "f32") new Float32Array(copy.buffer).forEach((x, i, all) => void (Number.isNaN(x) && (all[i] = NaN)));
  if (elem === "f64") new Float64Array(copy.buffer).forEach((x, i, all) => void (Number.isNaN(x) && (all[i] = NaN)));
  return copy;
}
