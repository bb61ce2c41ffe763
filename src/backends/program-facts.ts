import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Program, Slice, Step } from "../kernel/program.ts";
import { extentNames } from "../kernel/walk.ts";
import { InternalError } from "../support/errors.ts";

/** Bytes of the weight range that the program reads from. */
export function weightBytesOf(program: Program): number {
  return program.segments.reduce((most, segment) => Math.max(most, segment.offset + segment.bytes), 0);
}

/** Byte offset of a slice from the base pointer of its space. */
export function offsetOf(program: Program, slice: Slice): number {
  return slice.space === "weights" ? program.segments[slice.index]!.offset + slice.offset : slice.offset;
}

/** A program with steps of the session is run step by step. */
export function hasSessionSteps(program: Program): boolean {
  return program.steps.some((step) => isSessionStep(step) || holdsSessionStep(step));
}

export function isSessionStep(step: Step): boolean {
  return step.kind === "region" || step.kind === "host";
}

/** Whether a step is control flow with steps of the session in it: the session then goes through that control flow. */
export function holdsSessionStep(step: Step): boolean {
  return insideOf(step).some((inner) => isSessionStep(inner) || holdsSessionStep(inner));
}

/** The steps that `model_run_steps` counts, in the order of the text: those inside of control flow that the session goes through instead of it. */
export function unitsOf(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => (holdsSessionStep(step) ? unitsOf(insideOf(step)) : [step]));
}

function insideOf(step: Step): readonly Step[] {
  switch (step.kind) {
    case "if":
      return [...step.then, ...step.else];
    case "loop":
      return step.body;
    default:
      return [];
  }
}

/** Whether the host calls `model_run_steps`: where it has steps of its own between those of code, or times them. */
export function isStepwise(program: Program): boolean {
  return program.stepwise === true || hasSessionSteps(program);
}

/** Argument slices of a call in the order of the kernel's parameters, and the words of its extents behind them. */
export function boundArguments(program: Program, call: Call, kernel: Kernel): { readonly params: readonly Slice[]; readonly extents: readonly Slice[] } {
  const params = kernel.params.map((param) => {
    const slice = call.args[param.name];
    if (!slice) throw new InternalError("program", `the call of ${call.kernel} has no argument for ${param.name}`);
    return slice;
  });
  const extents = extentNames(kernel).map((name) => {
    const extent = program.extents[call.extents?.[name] ?? name];
    if (!extent) throw new InternalError("program", `the call of ${call.kernel} binds no extent to ${name}`);
    return extent.at;
  });
  return { params, extents };
}

export function kernelOf(kernels: ReadonlyMap<string, Kernel>, call: Call): Kernel {
  const kernel = kernels.get(call.kernel);
  if (!kernel) throw new InternalError("program", `there is no kernel ${call.kernel}`);
  return kernel;
}

/** Version of the calling convention of `model_run`, told by `model_abi`. */
export const MODEL_ABI = 1;
