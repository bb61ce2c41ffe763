import type { Artifact, ArtifactProgram, StepTensor } from "../package/manifest.ts";
import type { Runnable } from "./engine.ts";

/** A step that the host executes: reads dense inputs, writes dense outputs, keeps none of them. */
export type HostStep = (inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]) => void;

/** Names of the steps that an artifact wants from its host. */
export function hostStepsOf(artifact: Artifact): string[] {
  const names = artifact.programs.flatMap((program) => program.steps.flatMap((step) => (step.kind === "code" ? [] : [step.name])));
  return [...new Set(names)].sort();
}

/** One run of a program: the code alone, or code and host in turns. */
export function runProgram(code: ArtifactProgram, runnable: Runnable, hostSteps: Readonly<Record<string, HostStep>>): void {
  if (code.steps.length === 0) return runnable.run();
  const view = ({ space, index, offset, bytes }: StepTensor): Uint8Array => {
    const whole = space === "arena" ? runnable.arena : space === "input" ? runnable.inputs[index]! : runnable.outputs[index]!;
    return whole.subarray(offset, offset + bytes);
  };
  for (const step of code.steps) {
    if (step.kind === "code") runnable.runSteps(step.first, step.last);
    else hostSteps[step.name]!(step.inputs.map(view), step.outputs.map(view));
  }
}
