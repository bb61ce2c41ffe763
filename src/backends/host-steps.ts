/** Ops that code can't do become steps of the session. */
import { HOST_FUNCTIONS } from "../host/functions.ts";
import type { HostCall, HostType } from "../host/host-function.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { hostAttrs } from "../ir/ops/texts.ts";
import { elementCount, type DType } from "../ir/types.ts";
import { ELEM_BYTES } from "../kernel/kernel.ts";
import type { Program, Slice } from "../kernel/program.ts";
import { InternalError } from "../support/errors.ts";
import { ELEM_OF } from "./assign-layouts.ts";
import type { OpenBuffer } from "./open-steps.ts";
import { isStepwise } from "./program-facts.ts";
import type { Place, RegionContext } from "./schedule.ts";

/** The function of src/host that an op is; undefined for one that is code. */
export function hostFunctionOf({ name }: Pick<Op, "name">): string | undefined {
  const plain = name.replace(/Padded$/, "");
  return HOST_FUNCTIONS.has(plain) ? plain : undefined;
}

export function lowerToHost(op: Op, context: RegionContext): void {
  const results = op.results.map((_, i) => context.result(op, i));
  context.open.push({
    kind: "host",
    name: hostFunctionOf(op)!,
    call: { function: hostFunctionOf(op)!, attrs: hostAttrs(op.attrs), ...borderTypes(op) },
    inputs: op.operands.map((_, i) => inArena(context.operandAt(i)!, context)),
    outputs: results.map(({ buffer }) => buffer as OpenBuffer),
    info: { op: op.name, loc: op.loc, macs: 0 },
  });
}

/** Types of what a step of the session reads and writes. */
export function borderTypes(op: Op): Pick<HostCall, "inputs" | "outputs"> {
  const typeOf = ({ type }: Value): HostType => ({ dtype: type.dtype, shape: type.shape as readonly number[] });
  return { inputs: op.operands.map((value) => typeOf(value!)), outputs: op.results.map(typeOf) };
}

/** The session reaches no weights: constants are copied. */
export function inArena(place: Place, context: RegionContext): OpenBuffer {
  const buffer = place.buffer as OpenBuffer;
  if (buffer.home.space !== "weights") return buffer;
  const copy = context.temporary(place);
  context.transfer(place, copy);
  return copy.buffer as OpenBuffer;
}

/** Ops that would be steps of the session inside a branch or body, where there are none. */
export function nestedHostOps(graph: Graph): readonly Op[] {
  const inside = (region: Graph): readonly Op[] =>
    region.ops.flatMap((op) => [...(hostFunctionOf(op) ? [op] : []), ...(op.name === "fused" ? [] : op.regions.flatMap(inside))]);
  return graph.ops.flatMap((op) => (op.name === "fused" ? [] : op.regions.flatMap(inside)));
}

export type SessionStep =
  | { readonly kind: "code"; readonly first: number; readonly last: number }
  | {
      readonly kind: "host" | "region";
      readonly name: string;
      readonly inputs: readonly SessionTensor[];
      readonly outputs: readonly SessionTensor[];
      readonly call: HostCall;
    };

interface SessionTensor {
  readonly space: "arena" | "input" | "output";
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
}

/** What a session walks through: runs of code, and its own steps between them; of a stepwise program each step alone, and an empty one at the end. Empty for a program that is code alone. */
export function sessionSteps(program: Program): SessionStep[] {
  if (!isStepwise(program)) return [];
  const found: SessionStep[] = [];
  let first = 0;
  const code = (last: number): void => void (last > first && found.push({ kind: "code", first, last }));
  const tensor = ({ space, index, offset }: Slice, { dtype, shape }: HostType): SessionTensor => {
    if (space === "weights") throw new InternalError("sessionSteps", "a step of the session reads weights");
    return { space, index, offset, bytes: elementCount(shape) * ELEM_BYTES[ELEM_OF[dtype as DType]] };
  };
  program.steps.forEach((step, i) => {
    if (program.stepwise && step.kind !== "host") {
      code(i + 1);
      first = i + 1;
    }
    if ((step.kind !== "host" && step.kind !== "region") || !step.call) return;
    const { kind, name, call, inputs, outputs } = step;
    code(i);
    found.push({
      kind,
      name,
      inputs: inputs.map((slice, k) => tensor(slice, call.inputs[k]!)),
      outputs: outputs.map((slice, k) => tensor(slice, call.outputs[k]!)),
      call,
    });
    first = i + 1;
  });
  code(program.steps.length);
  // Runs nothing: what calling a step costs.
  if (program.stepwise) found.push({ kind: "code", first: program.steps.length, last: program.steps.length + 1 });
  return found;
}

/** How many of the ops of a graph are steps of the session, by name. */
export function hostOpsOf(graph: Graph): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const op of graph.ops) {
    const name = hostFunctionOf(op);
    if (name) (found[name] ??= []).push(op.loc.join("+") || op.results[0]!.name);
  }
  return found;
}
