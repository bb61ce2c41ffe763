/** The op table. */
import type { AnyOpDef } from "../op-def.ts";
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, mish, prelu, relu, sigmoid, silu, softplus, softsign } from "./activation.ts";
import {
  abs, acos, acosh, add, asin, asinh, atan, atanh, ceil, cos, cosh, div, erf, exp, floor, log, max, min, mod, mul, neg, pow, reciprocal, round, sign, sin, sinh, sqrt, sub, tan, tanh,
} from "./arithmetic.ts";
import { attention } from "./attention.ts";
import { equal, greater, greaterEqual, isInf, isNan, less, lessEqual, notEqual } from "./comparison.ts";
import { callOp, constant, fused, ifOp, returnOp, shapeOf } from "./control.ts";
import { conv, convTranspose, deformConv } from "./convolution.ts";
import { cast, dequantise, quantise } from "./conversion.ts";
import { gather, gatherElements, gatherNd } from "./gather.ts";
import { det, inverse, linear, matmul } from "./linear.ts";
import { and, bitAnd, bitNot, bitOr, bitXor, not, or, select, shiftLeft, shiftRight, xor } from "./logic.ts";
import { loopOp, scan } from "./loop.ts";
import { broadcast, concat, pad, reshape, reverse, roll, slice, transpose } from "./movement.ts";
import { batchNorm, groupNorm, l2Normalise, layerNorm, logSoftmax, rmsNorm, softmax } from "./normalisation.ts";
import { argReduce, cumulative, reduce } from "./reduction.ts";
import { gru, lstm, rnn } from "./recurrence.ts";
import { resize } from "./resize.ts";
import { scatterElements, scatterNd } from "./scatter.ts";
import { compress, nonZero, unique } from "./selection.ts";
import { sort, topK } from "./sorting.ts";
import { readState, writeState } from "./state.ts";
import { gridSample, lrn, maxPoolWithIndices, maxUnpool, pool, roiAlign } from "./window.ts";

export const OPS: readonly AnyOpDef[] = [
  neg, abs, sign, floor, ceil, round, sqrt, reciprocal, exp, log, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, erf,
  add, sub, mul, div, mod, pow, min, max,
  relu, sigmoid, silu, hardSwish, softplus, softsign, mish, gelu, leakyRelu, elu, hardSigmoid, clip, prelu,
  equal, notEqual, less, lessEqual, greater, greaterEqual, isNan, isInf,
  not, and, or, xor, bitNot, bitAnd, bitOr, bitXor, shiftLeft, shiftRight, select,
  cast, quantise, dequantise,
  reshape, transpose, broadcast, slice, pad, concat, reverse, roll,
  gather, gatherElements, gatherNd, scatterElements, scatterNd, resize,
  reduce, argReduce, cumulative, topK, sort, nonZero, unique, compress,
  matmul, linear, conv, convTranspose, deformConv, attention, inverse, det,
  pool, maxPoolWithIndices, maxUnpool, lrn, roiAlign, gridSample,
  lstm, gru, rnn,
  softmax, logSoftmax, layerNorm, rmsNorm, groupNorm, batchNorm, l2Normalise,
  constant, returnOp, fused, callOp, ifOp, loopOp, scan, shapeOf, readState, writeState,
];

const BY_NAME: ReadonlyMap<string, AnyOpDef> = new Map(OPS.map((def) => [def.name, def]));

export function opByName(name: string): AnyOpDef | undefined {
  return BY_NAME.get(name);
}
