/** What a session walks through to run a program that has steps of its own. */
import type { HostCall, HostType } from "../host/host-function.ts";
import { elementCount, type DType } from "../ir/types.ts";
import { ELEM_BYTES } from "../kernel/kernel.ts";
import type { Program, Slice, Step } from "../kernel/program.ts";
import { InternalError } from "../support/errors.ts";
import { ELEM_OF } from "./assign-layouts.ts";
import { holdsSessionStep, isSessionStep, isStepwise, unitsOf } from "./program-facts.ts";

/** Runs of code, steps of the session between them, and the control flow that holds such. Words are bytes of the arena where an i32 stands. */
export type SessionStep =
  | { readonly kind: "code"; readonly first: number; readonly last: number }
  | {
      readonly kind: "host" | "region";
      readonly name: string;
      readonly inputs: readonly SessionTensor[];
      readonly outputs: readonly SessionTensor[];
      readonly call: HostCall;
    }
  | { readonly kind: "if"; readonly condition: number; readonly then: readonly SessionStep[]; readonly else: readonly SessionStep[] }
  | { readonly kind: "loop"; readonly trips: number | { readonly at: number }; readonly condition?: number; readonly body: readonly SessionStep[] };

interface SessionTensor {
  readonly space: "arena" | "input" | "output";
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Of a stepwise program each step alone, and an empty one at the end. None for a program that is code alone. */
export function sessionSteps(program: Program): SessionStep[] {
  if (!isStepwise(program)) return [];
  const units = unitsOf(program.steps);
  const steps = new Walk(new Map(units.map((unit, i) => [unit, i])), program.stepwise === true).steps(program.steps);
  // Runs nothing: what calling a step costs.
  return program.stepwise ? [...steps, { kind: "code", first: units.length, last: units.length + 1 }] : steps;
}

class Walk {
  private readonly numbers: ReadonlyMap<Step, number>;
  private readonly oneByOne: boolean;

  constructor(numbers: ReadonlyMap<Step, number>, oneByOne: boolean) {
    this.numbers = numbers;
    this.oneByOne = oneByOne;
  }

  steps(steps: readonly Step[]): SessionStep[] {
    const found: SessionStep[] = [];
    for (const step of steps) {
      if (isSessionStep(step) || holdsSessionStep(step)) {
        const own = this.own(step);
        if (own) found.push(own);
        continue;
      }
      const at = this.numbers.get(step)!;
      const before = found.at(-1);
      if (!this.oneByOne && before?.kind === "code" && before.last === at) found[found.length - 1] = { ...before, last: at + 1 };
      else found.push({ kind: "code", first: at, last: at + 1 });
    }
    return found;
  }

  private own(step: Step): SessionStep | undefined {
    switch (step.kind) {
      case "call":
        throw new InternalError("sessionSteps", "a call is no step of the session");
      case "if":
        return { kind: "if", condition: wordAt(step.condition), then: this.steps(step.then), else: this.steps(step.else) };
      case "loop":
        return {
          kind: "loop",
          trips: typeof step.trips === "number" ? step.trips : { at: wordAt(step.trips) },
          ...(step.condition ? { condition: wordAt(step.condition) } : {}),
          body: this.steps(step.body),
        };
      default: {
        const { kind, name, call, inputs, outputs } = step;
        return (
          call && {
            kind,
            name,
            inputs: inputs.map((slice, k) => tensorAt(slice, call.inputs[k]!)),
            outputs: outputs.map((slice, k) => tensorAt(slice, call.outputs[k]!)),
            call,
          }
        );
      }
    }
  }
}

function wordAt({ space, offset }: Slice): number {
  if (space !== "arena") throw new InternalError("sessionSteps", `a word of control flow lies in ${space}`);
  return offset;
}

function tensorAt({ space, index, offset }: Slice, { dtype, shape }: HostType): SessionTensor {
  if (space === "weights") throw new InternalError("sessionSteps", "a step of the session reads weights");
  return { space, index, offset, bytes: elementCount(shape) * ELEM_BYTES[ELEM_OF[dtype as DType]] };
}
