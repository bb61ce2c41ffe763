/**
 * Control flow and state become steps. Branches and bodies are lowered like graphs of their own, on parameters that lie where the
 * operands lie; what a branch gives goes where the results of the `if` are. The carried values of a loop live in the buffers of its
 * results: what comes in is copied there, each turn reads them there, and at its end what the turn gave is copied back, or was
 * computed there in the first place. A counter in the arena tells kernels which slices of scanned values and stacked rows they mean.
 */
import type { Graph, Op, Value } from "../ir/graph.ts";
import { InternalError } from "../support/errors.ts";
import { lowerLoop, lowerScan } from "./control-loop.ts";
import { flagToWord } from "./control-kernels.ts";
import { plainLayout } from "./layout.ts";
import { ELEM_OF } from "./assign-layouts.ts";
import { ELEM_BYTES } from "../kernel/kernel.ts";
import type { Place, RegionContext } from "./schedule.ts";
import type { DType } from "../ir/types.ts";
import { outlives, viewedBy } from "./value-order.ts";

/** Ops that `lowerControl` lowers. */
export const CONTROL_OPS: ReadonlySet<string> = new Set(["if", "loop", "scan", "call", "readState", "writeState"]);

export function lowerControl(op: Op, context: RegionContext): void {
  switch (op.name) {
    case "if":
      return lowerIf(op, context);
    case "loop":
      return lowerLoop(op, context);
    case "scan":
      return lowerScan(op, context);
    case "call":
      return void context.region(op.regions[0]!, placesOf(op, context, 0), destinationsOf(op, context));
    case "readState":
      return lowerRead(op, context);
    case "writeState":
      return lowerWrite(op, context);
    default:
      throw new InternalError("lower", `${op.name} is no control flow`);
  }
}

/** Whether an op, or one in its regions, sets the state of this name. */
export function writesState(op: Op, name: unknown): boolean {
  return (op.name === "writeState" && op.attrs["name"] === name) || op.regions.some((region) => region.ops.some((inner) => writesState(inner, name)));
}

function lowerIf(op: Op, context: RegionContext): void {
  const { open } = context;
  const condition = open.word("condition");
  context.call(flagToWord(context.target, op.loc), { x: context.operandAt(0)!.buffer, y: condition });
  const captures = placesOf(op, context, 1);
  const [then, otherwise] = op.regions.map((region) => open.apart(() => void context.region(region, captures, destinationsOf(op, context))));
  open.push({ kind: "if", condition, then: then!, else: otherwise! });
}

function placesOf(op: Op, context: RegionContext, from: number): readonly Place[] {
  return op.operands.slice(from).map((_, i) => context.operandAt(from + i)!);
}

function destinationsOf(op: Op, context: RegionContext): readonly { readonly place: Place }[] {
  return op.results.map((_, i) => ({ place: context.result(op, i) }));
}

/**
 * Values that may be computed where their state lies, as nobody asks for the old one behind that: each with its place. Only a state that
 * the graph itself, and none of its regions, reads and writes, and writes once.
 */
export function computedInState(graph: Graph, open: RegionContext["open"]): ReadonlyMap<Value, Place> {
  const found = new Map<Value, Place>();
  for (const write of graph.ops) {
    if (write.name !== "writeState") continue;
    const [value, name] = [write.operands[0]!, write.attrs["name"]];
    const touching = graph.ops.filter((op) => op !== write && touchesState(op, name));
    const { producer } = viewedBy(value);
    if (!producer || touching.some((op) => op.name !== "readState" || graph.ops.indexOf(op) > graph.ops.indexOf(producer))) continue;
    if (touching.some((read) => read === producer || outlives(graph, read.result, producer))) continue;
    found.set(value, statePlace(name as string, value.type.dtype, value.type.shape as readonly number[], { open }));
  }
  return found;
}

function touchesState(op: Op, name: unknown): boolean {
  const isOne = (op.name === "readState" || op.name === "writeState") && op.attrs["name"] === name;
  return isOne || op.regions.some((region) => region.ops.some((inner) => touchesState(inner, name)));
}

/** Reads in place, where everybody reads before the state is written anew. */
function lowerRead(op: Op, context: RegionContext): void {
  const { dtype, shape } = op.result.type;
  const state = statePlace(op.attrs["name"] as string, dtype, shape as readonly number[], context);
  if (!context.isReadLate(op)) return context.setResult(op.result, state);
  const copy = context.temporary(state);
  context.transfer(state, copy);
  context.setResult(op.result, copy);
}

function lowerWrite(op: Op, context: RegionContext): void {
  const x = context.operandAt(0)!;
  const { dtype, shape } = op.operands[0]!.type;
  const state = statePlace(op.attrs["name"] as string, dtype, shape as readonly number[], context);
  if (x.buffer !== state.buffer) context.transfer(x, state);
}

function statePlace(name: string, dtype: DType, shape: readonly number[], { open }: Pick<RegionContext, "open">): Place {
  const layout = plainLayout(ELEM_OF[dtype], shape);
  return { buffer: open.state(name, layout.size * ELEM_BYTES[layout.elem]), layout, dtype };
}
