import { HOST_FUNCTIONS } from "../host/functions.ts";
import { HostProblem, openExtents, type HostCall, type HostTensor, type HostType } from "../host/host-function.ts";
import type { TextTable } from "../host/text-table.ts";
import { dtypeBytes } from "../package/dtypes.ts";
import { sessionCalls, type Artifact, type ArtifactProgram, type ManifestStep, type StepTensor } from "../package/manifest.ts";
import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import type { Runnable } from "./engine.ts";
import { copyCorner } from "./extents.ts";
import { loadElements, storeElements } from "./tensors.ts";

/** A step that the host executes: reads dense inputs, writes dense outputs, keeps none of them. */
export type HostStep = (inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]) => void | Promise<void>;

/** Why an artifact's steps can't be done here: they want functions of the caller's that are not given, or such as no session has. */
export function stepProblems(artifact: Artifact, given: Readonly<Record<string, HostStep>>): string[] {
  const steps = artifact.programs.flatMap((program) => sessionCalls(program.steps));
  const missing = new Set(steps.filter((step) => !step.call && !Object.hasOwn(given, step.name)).map((step) => step.name));
  const problems = steps.flatMap(({ kind, call }) => (kind === "host" && call ? callProblem(call) : []));
  return [...(missing.size > 0 ? [`leaves ${[...missing].sort().join(", ")} to its host, which this host does not offer`] : []), ...new Set(problems)];
}

function callProblem(call: HostCall): string[] {
  const name = call.function;
  const run = HOST_FUNCTIONS.get(name);
  if (!run) {
    const near = nearestWord(name, [...HOST_FUNCTIONS.keys()]);
    return [`wants the function ${name} of its host, which this version has not${near ? ` (it has ${near})` : ""}`];
  }
  try {
    const results = run.results(call.inputs, call.attrs);
    const wanted: readonly HostType[] = [...results, ...openExtents(results).map(() => ({ dtype: "i32", shape: [] }))];
    const fits = wanted.length === call.outputs.length && wanted.every((type, i) => isOf(call.outputs[i]!, type));
    return fits ? [] : [`has a step ${name} whose results are not of the types that it gives`];
  } catch (error) {
    if (!(error instanceof HostProblem)) throw error;
    return [`has a step ${name} that ${error.message}`];
  }
}

function isOf(found: HostType, wanted: HostType): boolean {
  return (
    found.dtype === wanted.dtype && found.shape.length === wanted.shape.length && wanted.shape.every((dim, axis) => dim === -1 || dim === found.shape[axis])
  );
}

/** What tells regions apart: the file, who reads it, and what it is told. */
export function regionKey({ call }: { readonly call?: HostCall }): string {
  return `region:${call!.function} ${JSON.stringify(call!.attrs)}`;
}

/** Is told a step of the manifest before it runs, and runs it. */
export type StepObserver = (index: number, run: () => void) => void;

/** One run of a program: the code alone, or code and host in turns. */
export function runProgram(
  code: Pick<ArtifactProgram, "steps">,
  runnable: Pick<Runnable, "inputs" | "outputs" | "arena" | "run" | "runSteps">,
  hostSteps: Readonly<Record<string, HostStep>>,
  texts: TextTable,
  observe: StepObserver = (_, run) => run(),
): void {
  if (code.steps.length === 0) return observe(0, () => runnable.run());
  const view = ({ space, index, offset, bytes }: StepTensor): Uint8Array => {
    const whole = space === "arena" ? runnable.arena : space === "input" ? runnable.inputs[index]! : runnable.outputs[index]!;
    return whole.subarray(offset, offset + bytes);
  };
  const word = (at: number): number => new DataView(runnable.arena.buffer, runnable.arena.byteOffset + at, 4).getInt32(0, true);
  const run = (step: ManifestStep): void => {
    if (step.kind === "code") runnable.runSteps(step.first, step.last);
    else if (step.kind === "if") (word(step.condition) !== 0 ? step.then : step.else).forEach(run);
    else if (step.kind === "loop") {
      const trips = typeof step.trips === "number" ? step.trips : word(step.trips.at);
      for (let i = 0; i < trips && (step.condition === undefined || word(step.condition) !== 0); i++) step.body.forEach(run);
    } else if (step.kind === "host" && step.call) runHostCall(step.call, step.inputs.map(view), step.outputs.map(view), texts);
    else void hostSteps[step.call ? regionKey(step) : step.name]!(step.inputs.map(view), step.outputs.map(view));
  };
  code.steps.forEach((step, i) => observe(i, () => run(step)));
}

/** Does a step that is a function of src/host, over tensors in memory. */
export function runHostCall(call: HostCall, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], texts: TextTable): void {
  try {
    const run = HOST_FUNCTIONS.get(call.function)!;
    const given = call.inputs.map((type, i): HostTensor => ({ ...type, data: loadElements(inputs[i]!.subarray(0, bytesOf(type)), type.dtype, texts) }));
    const results = run.run(given, call.attrs);
    results.forEach((result, i) => {
      const planned = call.outputs[i]!;
      result.shape.forEach((dim, axis) => {
        if (dim > planned.shape[axis]!) throw new HostProblem(`gives ${dim} along axis ${axis}, and at most ${planned.shape[axis]!} were planned`);
      });
      put(result, planned, outputs[i]!.subarray(0, bytesOf(planned)), texts);
    });
    openExtents(run.results(call.inputs, call.attrs)).forEach(({ result, axis }, i) =>
      storeElements(outputs[results.length + i]!.subarray(0, 4), "i32", [results[result]!.shape[axis]!]),
    );
  } catch (error) {
    if (!(error instanceof HostProblem)) throw error;
    throw hostProblem(call.function, error);
  }
}

/** Texts that are too long, or data that a function does not take: the caller's. */
export function hostProblem(name: string, { message }: HostProblem): NeoError {
  return new NeoError({ code: "NEO1057", message: `${name} ${message}`, hint: "other data, or a model compiled for these: `--bound`, `--shape`" });
}

function put(result: HostTensor, planned: HostType, target: Uint8Array, texts: TextTable): void {
  const isWhole = result.shape.every((dim, axis) => dim === planned.shape[axis]);
  const dense = isWhole ? target : new Uint8Array(bytesOf(result));
  storeElements(dense, result.dtype, Array.from(result.data), texts);
  if (isWhole) return;
  target.fill(0);
  copyCorner("in", dense, result.shape, target, planned.shape, dtypeBytes(result.dtype)!);
}

function bytesOf({ dtype, shape }: HostType): number {
  return shape.reduce((n, dim) => n * dim, dtypeBytes(dtype)!);
}
