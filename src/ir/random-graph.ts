/**
 * Random graphs over the whole op table, for tests that compare executors. Each op is evaluated as it is added: results that are not
 * finite or grow large are left out, and steps of discontinuous functions are only taken from values that every executor has exactly.
 */
import { seededRandom } from "../support/random.ts";
import { Builder, namedOperands } from "./builder.ts";
import { Graph, Value, type Op } from "./graph.ts";
import { evaluateOp } from "./interpret.ts";
import { TypeMismatch } from "./op-def.ts";
import { constant, returnOp } from "./ops/control.ts";
import { OPS } from "./ops/index.ts";
import { reshape } from "./ops/movement.ts";
import { randomTensor, sampleOperands, type Range, type SampleOperand } from "./sample.ts";
import type { Tensor } from "./tensor.ts";
import { elementCount, equalShapes, isFloat, isStatic, type StaticType } from "./types.ts";

export interface RandomGraph {
  readonly graph: Graph;
  /** One tensor a parameter, on which all results are finite. */
  readonly inputs: readonly Tensor[];
}

export interface RandomGraphOptions {
  /** Ops to add; else 3 to 20, by the seed. */
  readonly ops?: number;
  /** Leaves out ops an executor can't run yet. */
  readonly accepts?: (op: Op) => boolean;
}

/** The same graph for the same seed and options. */
export function randomGraph(seed: number, options: RandomGraphOptions = {}): RandomGraph {
  const random = seededRandom(seed);
  const growth = new Growth(random, options.accepts ?? (() => true));
  const wanted = options.ops ?? 3 + Math.floor(random() * 18);
  // Tries fail where an op meets no fitting operand; a table of a few ops could otherwise keep this going for ever.
  for (let tries = 0, made = 0; made < wanted && tries < wanted * 40; tries++) if (growth.add()) made++;
  return growth.finish();
}

/** Beyond this, rounding errors of one op swamp the next. */
const LARGEST = 1000;

/** Ops from floats to floats that jump, or whose result jumps with some operand. */
const JUMPS: ReadonlySet<string> = new Set(["floor", "ceil", "round", "sign", "mod", "gridSample", "roiAlign", "deformConv", "maxUnpool"]);

class Growth {
  private readonly random: () => number;
  private readonly accepts: (op: Op) => boolean;
  private readonly params: Value[] = [];
  private readonly inputs: Tensor[] = [];
  private readonly builder = new Builder();
  private readonly known = new Map<Value, Tensor>();
  /** Values that no rounding has touched. */
  private readonly exact = new Set<Value>();

  constructor(random: () => number, accepts: (op: Op) => boolean) {
    this.random = random;
    this.accepts = accepts;
  }

  /** Adds an op and the leaves and reshapes it needs; false when the try came to nothing. */
  add(): boolean {
    const def = this.pick(CANDIDATES);
    const sample = this.pick(def.samples);
    const before = { ops: this.builder.ops.length, params: this.params.length };
    try {
      const operands = def.elementwise
        ? this.anyShape(sampleOperands(def, sample))
        : sampleOperands(def, sample).map((operand) => operand && this.valueFor(operand, false));
      this.builder.createAll(def, namedOperands(def, operands) as never, (sample["attrs"] ?? {}) as never);
      const op = this.builder.ops.at(-1)!;
      if (this.accepts(op) && this.evaluate(op)) return true;
    } catch (error) {
      if (!(error instanceof TypeMismatch)) throw error;
    }
    this.undo(before);
    return false;
  }

  finish(): RandomGraph {
    const open = [...this.known.keys()].filter((value) => value.uses.size === 0 && value.producer);
    const graph = new Graph("random", this.params);
    graph.ops = this.builder.ops;
    this.builder.createAll(returnOp, { values: open } as never, { names: open.map((_, i) => `y${i}`) });
    return { graph, inputs: this.inputs };
  }

  /** Operands of an elementwise op: the first as the pool has it, the others of the same shape or one that broadcasts to it. */
  private anyShape(operands: readonly (SampleOperand | undefined)[]): (Value | undefined)[] {
    const first = operands[0]!;
    const base = this.find((value) => value.type.dtype === first.type.dtype && this.within(value, first.range)) ?? this.leaf(first.type, first.range);
    const shape = base.type.shape as readonly number[];
    return operands.map((operand, i) => {
      if (!operand || i === 0) return operand && base;
      const type: StaticType = { dtype: operand.type.dtype, shape: this.broadcastable(shape) };
      return this.valueFor({ type, range: operand.range }, true);
    });
  }

  private broadcastable(shape: readonly number[]): readonly number[] {
    const kept = shape.slice(Math.floor(this.random() * (shape.length + 1)));
    return this.random() < 0.5 ? shape : kept.map((extent) => (this.random() < 0.3 ? 1 : extent));
  }

  /** A value of the type from the pool, one with as many elements behind a reshape, or a new leaf. */
  private valueFor({ type, range }: SampleOperand, shapeMatters: boolean): Value {
    const count = elementCount(type.shape);
    const fits = (value: Value): boolean =>
      value.type.dtype === type.dtype &&
      this.within(value, range) &&
      (shapeMatters ? equalShapes(value.type.shape, type.shape) : elementCount(value.type.shape as number[]) === count);
    const found = this.random() < 0.8 ? this.find(fits) : undefined;
    if (!found) return this.leaf(type, range);
    if (equalShapes(found.type.shape, type.shape)) return found;
    const reshaped = this.builder.create(reshape, { x: found }, { shape: type.shape });
    if (!this.evaluate(reshaped.producer!)) throw new TypeMismatch("reshape is left out");
    return reshaped;
  }

  private find(fits: (value: Value) => boolean): Value | undefined {
    const found = [...this.known.keys()].filter(fits);
    // Results nobody reads yet are taken more often, so that chains grow.
    const open = found.filter((value) => value.producer && value.uses.size === 0);
    return this.pick(open.length > 0 && this.random() < 0.7 ? open : found);
  }

  private within(value: Value, [low, high]: Range): boolean {
    const { data, type } = this.known.get(value)!;
    if (type.dtype === "string") return false;
    // Any float may go where samples say nothing narrower than the default.
    const [least, most] = isFloat(type.dtype) && low === -2 && high === 2 ? [-LARGEST, LARGEST] : [low, high];
    return (data as Float64Array).every((element) => element >= least && element <= most);
  }

  private leaf(type: StaticType, range: Range): Value {
    const data = randomTensor(type, Math.floor(this.random() * 2 ** 32), range);
    if (this.random() < 0.3) {
      const value = this.builder.create(constant, {}, { value: data });
      this.learn(value, data, true);
      return value;
    }
    const value = new Value(type, `x${this.params.length}`);
    this.params.push(value);
    this.inputs.push(data);
    this.learn(value, data, true);
    return value;
  }

  /** Learns the results of an op; false when they are of no use. */
  private evaluate(op: Op): boolean {
    if (!op.results.every((value) => isStatic(value.type))) return false;
    const exact = op.operands.every((value) => !value || this.exact.has(value));
    const fromFloats = op.operands.some((value) => value && isFloat(value.type.dtype));
    const jumps = JUMPS.has(op.name) || (fromFloats && op.results.some((value) => !isFloat(value.type.dtype)));
    if (jumps && !exact) return false;
    const results = evaluateOp(
      op,
      op.operands.map((value) => value && this.known.get(value)!),
    );
    if (!results.every(isTame)) return false;
    results.forEach((result, i) => this.learn(op.results[i]!, result, exact && (op.def.tolerance.rel === 0 || !isFloat(result.type.dtype))));
    return true;
  }

  private learn(value: Value, tensor: Tensor, exact: boolean): void {
    this.known.set(value, tensor);
    if (exact) this.exact.add(value);
  }

  private undo(before: { readonly ops: number; readonly params: number }): void {
    for (const op of this.builder.ops.splice(before.ops).reverse()) {
      op.operands.forEach((_, i) => op.setOperand(i, undefined));
      for (const value of op.results) this.known.delete(value);
    }
    for (const value of this.params.splice(before.params)) this.known.delete(value);
    this.inputs.splice(before.params);
  }

  private pick<T>(items: readonly T[]): T {
    // Callers that may have none take the undefined.
    return items[Math.floor(this.random() * items.length)]!;
  }
}

/** An iteration that only settles on matrices of a kind that random ones are not. */
export const UNSETTLED: ReadonlySet<string> = new Set(["coupling"]);

const CANDIDATES = OPS.filter((def) => def.samples.length > 0 && def !== constant && def.pure && !UNSETTLED.has(def.name));

function isTame({ type, data }: Tensor): boolean {
  if (type.dtype === "string") return true;
  return (data as Float64Array).every((element) => Math.abs(Number(element)) <= LARGEST);
}
