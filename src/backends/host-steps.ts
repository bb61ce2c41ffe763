/** Ops that code can't do become steps of the session. */
import { HOST_FUNCTIONS } from "../host/functions.ts";
import type { HostCall, HostType } from "../host/host-function.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { hostAttrs } from "../ir/ops/texts.ts";
import type { OpenBuffer } from "./open-steps.ts";
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

/** How many of the ops of a graph, those in branches and bodies included, are steps of the session, by name. */
export function hostOpsOf(graph: Graph): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  const look = ({ ops }: Graph): void => {
    for (const op of ops) {
      const name = hostFunctionOf(op);
      if (name) (found[name] ??= []).push(op.loc.join("+") || op.results[0]!.name);
      if (op.name !== "fused" && op.name !== "region") op.regions.forEach(look);
    }
  };
  look(graph);
  return found;
}
