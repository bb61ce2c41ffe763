import type { AttrValue } from "../../ir/attr.ts";
import type { Graph, Op, Value } from "../../ir/graph.ts";
import { fused } from "../../ir/ops/control.ts";
import { OPS } from "../../ir/ops/index.ts";
import type { Data, Tensor } from "../../ir/tensor.ts";
import { elementCount, isFloat, type DType } from "../../ir/types.ts";
import type { KernelBuilder, Term } from "../../kernel/build.ts";
import { lanesOf } from "../../target/profile.ts";
import { shapeOf } from "../assign-layouts.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import { elementwiseKernel, type LoopOperand } from "./elementwise-kernel.ts";
import { emitExpression, hasExpression, isHeavy, isScalarOnly, type TypedOp } from "./expressions.ts";
import { constantElement } from "./storage.ts";
import { broadcastView, wholeView } from "./view.ts";

/** A value of the loop: an operand, a number, or what a step made. */
type Source = { readonly operand: number } | { readonly number: number | bigint; readonly dtype: DType } | { readonly step: number };

interface Step {
  readonly op: TypedOp;
  readonly args: readonly Source[];
}

/** A chain of elementwise ops over operands. */
interface Chain {
  readonly operands: readonly Place[];
  readonly steps: readonly Step[];
  readonly result: Source;
}

/** Elementwise ops, alone or fused into one op: one loop, values in registers. */
export const elementwiseSchedule: Schedule = {
  ops: [fused, ...OPS.filter((def) => def.elementwise && ["f32", "i32"].some((dtype) => hasExpression(def.name, dtype as DType)))],
  wishes: (op) => ({ operands: op.operands.map(() => ({ kind: "any" })), results: [{ kind: "any" }] }),
  lower(op, context) {
    if (elementCount(shapeOf(op.result)) === 0) return;
    lowerChain(op, context, op.def === fused ? fusedChain(op, context) : singleChain(op, context));
  },
};

function lowerChain(op: Op, context: LowerContext, { operands, steps, result }: Chain): void {
  const y = context.result(op);
  const { shape } = y.layout;
  const loopOperands = operands.map((place, i): LoopOperand => ({ param: `x${i}`, dtype: place.dtype, view: broadcastView(place.layout, shape) }));
  const names = steps.map((step) => step.op.name);
  const light = steps.every((step) => !isHeavy(step.op)) && steps.length + operands.length <= 6;
  const kernel = elementwiseKernel({
    name: `${names.length > 4 ? `${names.slice(0, 3).join("_")}_${names.length - 3}_more` : names.join("_")}_${y.dtype}_${shape.join("x") || "scalar"}`,
    loc: op.loc,
    lanes: lanesOf(context.target),
    shape,
    operands: loopOperands,
    result: { param: "y", dtype: y.dtype, view: wholeView(y.layout) },
    scalarOnly: steps.some((step) => isScalarOnly(step.op)),
    exact: steps.length > 1 && steps.some(({ op }) => jumps(op)),
    unroll: light ? 4 : 1,
    compute: (b, args, lanes) => emitSteps(b, steps, result, args, lanes),
  });
  context.call(kernel, { y: y.buffer, ...Object.fromEntries(operands.map((place, i) => [`x${i}`, place.buffer])) });
}

/** Makes a whole step of a last bit: what is computed before it must be the same everywhere. */
function jumps({ name, from, to }: TypedOp): boolean {
  return ["round", "floor", "ceil", "sign"].includes(name) || (isFloat(from[0] ?? to) && !isFloat(to));
}

function emitSteps(b: KernelBuilder, steps: readonly Step[], result: Source, operands: readonly Term[], lanes: number): Term {
  const made: Term[] = [];
  const termOf = (source: Source): Term =>
    "operand" in source ? operands[source.operand]! : "step" in source ? made[source.step]! : constantElement(b, source.dtype, lanes, source.number);
  for (const { op, args } of steps) made.push(emitExpression(b, op, args.map(termOf), lanes));
  return termOf(result);
}

function singleChain(op: Op, context: LowerContext): Chain {
  const places = (op.def.operands as readonly string[]).flatMap((name) => context.operand(op, name.replace(/[?*]$/, "")) ?? []);
  const operands = new Operands();
  return { operands: operands.places, steps: [{ op: typed(op), args: places.map((place) => operands.source(place)) }], result: { step: 0 } };
}

function fusedChain(op: Op, context: LowerContext): Chain {
  const body = op.regions[0] as Graph;
  const operands = new Operands();
  const sources = new Map<Value, Source>();
  const places = context.variadic(op);
  body.params.forEach((param, i) => sources.set(param, operands.source(places[i]!)));
  const steps: Step[] = [];
  for (const inner of body.ops) {
    if (inner === body.terminator) continue;
    if (inner.name === "constant") {
      const { data, type } = inner.attrs["value"] as Tensor;
      sources.set(inner.result, { number: firstOf(data), dtype: type.dtype });
      continue;
    }
    sources.set(inner.result, { step: steps.length });
    steps.push({ op: typed(inner), args: inner.operands.flatMap((value) => (value ? [sources.get(value)!] : [])) });
  }
  return { operands: operands.places, steps, result: sources.get(body.outputs[0]!)! };
}

/** Distinct operands in memory; single numbers known at compile time become part of the code. */
class Operands {
  readonly places: Place[] = [];

  source(place: Place): Source {
    if (place.constant && place.constant.length === 1) return { number: firstOf(place.constant), dtype: place.dtype };
    const known = this.places.findIndex((other) => other.buffer === place.buffer && other.layout === place.layout);
    return { operand: known >= 0 ? known : this.places.push(place) - 1 };
  }
}

function firstOf(data: Data): number | bigint {
  return data[0] as number | bigint;
}

function typed(op: Op): TypedOp {
  return {
    name: op.name,
    attrs: op.attrs as Readonly<Record<string, AttrValue>>,
    from: op.operands.flatMap((value) => (value ? [value.type.dtype] : [])),
    to: op.result.type.dtype,
  };
}
