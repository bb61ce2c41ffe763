import { fusedMultiplyAdd } from "./fused-multiply-add.ts";
import type { OpName } from "./kernel.ts";
import type { LaneOp } from "./lane-ops.ts";

type Lanes = Float32Array;

/** Applies a lane function to vectors of any element type; `count`: the shift count that stands for the second operand. */
export function laneLoop(f: LaneOp, out: Lanes, args: readonly Lanes[], count?: number): () => void {
  const lanes = out.length;
  const [a, b, c] = args as [Lanes, Lanes | undefined, Lanes | undefined];
  const g = f as (a: number, b?: number, c?: number) => number;
  if (count !== undefined) {
    return () => {
      for (let i = 0; i < lanes; i++) out[i] = g(a[i]!, count);
    };
  }
  if (!b) {
    return () => {
      for (let i = 0; i < lanes; i++) out[i] = g(a[i]!);
    };
  }
  if (!c) {
    return () => {
      for (let i = 0; i < lanes; i++) out[i] = g(a[i]!, b[i]!);
    };
  }
  return () => {
    for (let i = 0; i < lanes; i++) out[i] = g(a[i]!, b[i]!, c[i]!);
  };
}

type FloatLoop = (out: Lanes, a: Lanes, b: Lanes, c: Lanes) => () => void;

/** Loops of their own for the ops that kernels spend their time in: f32 vectors only, whose stores round. */
const FLOAT_LOOPS: Partial<Record<OpName, FloatLoop>> = {
  add: (out, a, b) => () => {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! + b[i]!;
  },
  sub: (out, a, b) => () => {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! - b[i]!;
  },
  mul: (out, a, b) => () => {
    for (let i = 0; i < out.length; i++) out[i] = a[i]! * b[i]!;
  },
  madd: (out, a, b, c) => () => {
    for (let i = 0; i < out.length; i++) out[i] = Math.fround(a[i]! * b[i]!) + c[i]!;
  },
  pmax: (out, a, b) => () => {
    for (let i = 0; i < out.length; i++) {
      const [x, y] = [a[i]!, b[i]!];
      out[i] = x < y ? y : x;
    }
  },
  pmin: (out, a, b) => () => {
    for (let i = 0; i < out.length; i++) {
      const [x, y] = [a[i]!, b[i]!];
      out[i] = y < x ? y : x;
    }
  },
};

const fusedLoop: FloatLoop = (out, a, b, c) => () => {
  for (let i = 0; i < out.length; i++) out[i] = fusedMultiplyAdd(a[i]!, b[i]!, c[i]!);
};

export function floatLoop(op: OpName, fused: boolean): FloatLoop | undefined {
  return op === "madd" && fused ? fusedLoop : FLOAT_LOOPS[op];
}
