import type { Data } from "../tensor.ts";
import { toDoubles } from "./elements.ts";

export type CellActivation = (x: number) => number;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** ONNX RNN-22's activations in lower case, and the numbers they take unless told otherwise. */
const ACTIVATIONS: Readonly<
  Record<string, { readonly f: (x: number, alpha: number, beta: number) => number; readonly alpha?: number; readonly beta?: number }>
> = {
  relu: { f: (x) => Math.max(x, 0) },
  tanh: { f: (x) => Math.tanh(x) },
  sigmoid: { f: sigmoid },
  affine: { f: (x, alpha, beta) => alpha * x + beta, alpha: 1, beta: 0 },
  leakyrelu: { f: (x, alpha) => (x >= 0 ? x : alpha * x), alpha: 0.01 },
  thresholdedrelu: { f: (x, alpha) => (x > alpha ? x : 0), alpha: 1 },
  scaledtanh: { f: (x, alpha, beta) => alpha * Math.tanh(beta * x), alpha: 1, beta: 1 },
  hardsigmoid: { f: (x, alpha, beta) => Math.min(Math.max(alpha * x + beta, 0), 1), alpha: 0.2, beta: 0.5 },
  elu: { f: (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)), alpha: 1 },
  softsign: { f: (x) => x / (1 + Math.abs(x)) },
  softplus: { f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) },
};

export function isCellActivation(name: string): boolean {
  return Object.hasOwn(ACTIVATIONS, name);
}

export function activationFor(name: string, alpha: number | undefined, beta: number | undefined, clip: number): CellActivation {
  const { f, alpha: usualAlpha = 0, beta: usualBeta = 0 } = ACTIVATIONS[name]!;
  const [a, b] = [alpha ?? usualAlpha, beta ?? usualBeta];
  return clip > 0 ? (x) => f(Math.min(Math.max(x, -clip), clip), a, b) : (x) => f(x, a, b);
}

/** What a cell sees at one moment of one sequence; it changes h and c. */
interface Moment {
  /** w * x + the first half of the bias, gate after gate. */
  readonly input: Float64Array;
  /** r * h + the second half. */
  readonly recurrent: Float64Array;
  readonly bias: Float64Array;
  readonly h: Float64Array;
  readonly c: Float64Array;
  readonly peephole: Float64Array | undefined;
  /** The part of r that belongs to a gate, times a vector. */
  multiply(vector: Float64Array, gate: number): Float64Array;
}

export type Cell = (moment: Moment) => void;

export interface CellShape {
  readonly time: number;
  readonly batch: number;
  readonly features: number;
  readonly hidden: number;
  readonly gates: number;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly initialC?: Data | undefined;
  readonly peephole?: Data | undefined;
}

export interface CellOperands {
  readonly x: Data;
  readonly w: Data;
  readonly r: Data;
  readonly bias: Data | undefined;
  readonly sequenceLengths: Data | undefined;
  readonly initialH: Data | undefined;
  readonly moments: Data | undefined;
}

/**
 * Runs a cell over every sequence of the batch in every direction: y[T,D,B,H] and the states [D,B,H] after the last step.
 * Behind the end of a shorter sequence y is 0; backwards it begins at its own last element.
 */
export function runDirections(
  operands: CellOperands,
  shape: CellShape,
  cellOf: (direction: number) => Cell,
): { readonly y: Float64Array; readonly h: Float64Array; readonly c: Float64Array } {
  const { time, batch, features, hidden, gates } = shape;
  const directions = shape.direction === "bidirectional" ? 2 : 1;
  const [x, w, r] = [toDoubles(operands.x), toDoubles(operands.w), toDoubles(operands.r)];
  const rows = gates * hidden;
  const bias = operands.bias ? toDoubles(operands.bias) : new Float64Array(directions * 2 * rows);
  const h = operands.initialH ? toDoubles(operands.initialH).slice() : new Float64Array(directions * batch * hidden);
  const c = shape.initialC ? toDoubles(shape.initialC).slice() : new Float64Array(h.length);
  const peepholes = shape.peephole && toDoubles(shape.peephole);
  const y = new Float64Array(time * h.length);
  const [input, recurrent] = [new Float64Array(rows), new Float64Array(rows)];
  for (let d = 0; d < directions; d++) {
    const cell = cellOf(d);
    const isBackward = shape.direction === "reverse" || d === 1;
    const secondBias = bias.subarray((2 * d + 1) * rows, (2 * d + 2) * rows);
    const multiply = (vector: Float64Array, gate: number): Float64Array => product(r, d * rows + gate * hidden, vector, 0, new Float64Array(hidden));
    for (let b = 0; b < batch; b++) {
      const state = (d * batch + b) * hidden;
      const moment: Moment = {
        input,
        recurrent,
        bias: secondBias,
        h: h.subarray(state, state + hidden),
        c: c.subarray(state, state + hidden),
        peephole: peepholes && peepholes.subarray(3 * d * hidden, 3 * (d + 1) * hidden),
        multiply,
      };
      const length = Math.min(time, Number(operands.moments?.[0] ?? time), Number(operands.sequenceLengths?.[b] ?? time));
      for (let step = 0; step < length; step++) {
        const t = isBackward ? length - 1 - step : step;
        product(w, d * rows, x.subarray((t * batch + b) * features, (t * batch + b + 1) * features), 2 * d * rows, input, bias);
        product(r, d * rows, moment.h, 0, recurrent, secondBias);
        cell(moment);
        y.set(moment.h, ((t * directions + d) * batch + b) * hidden);
      }
    }
  }
  return { y, h, c };
}

/** to[i] = bias[biasStart + i] + row firstRow + i of a matrix times the vector. */
function product(matrix: Float64Array, firstRow: number, vector: Float64Array, biasStart: number, to: Float64Array, bias?: Float64Array): Float64Array {
  const width = vector.length;
  for (let i = 0; i < to.length; i++) {
    let sum = bias ? bias[biasStart + i]! : 0;
    for (let k = 0, at = (firstRow + i) * width; k < width; k++) sum += matrix[at + k]! * vector[k]!;
    to[i] = sum;
  }
  return to;
}
