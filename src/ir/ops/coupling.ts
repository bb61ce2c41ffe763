import { int, float } from "../attr.ts";
import { shapeText } from "../broadcast.ts";
import { defineOp } from "../op-def.ts";
import { elementCount, equalShapes, tensorType } from "../types.ts";
import { toDoubles } from "./elements.ts";
import { expect, expectFloat, expectRank, knownExtent } from "./expect.ts";

/**
 * Probabilities of classes from those of pairs of classes, as LIBSVM has them (Wu, Lin, Weng 2004, second method). The iteration
 * is part of the definition: it starts at 1/K and stops within a tolerance, so its result is not the exact minimum.
 */
export const coupling = defineOp({
  name: "coupling",
  summary: "For each matrix of q[N,K,K]: the p of sum 1 with the least p * q * p, by coordinates from 1/K on, to within tolerance / K.",
  operands: ["q"],
  attrs: { steps: int(100), tolerance: float(0.005) },
  samples: [{ q: "2x3x3xf32 in 0.2..1" }, { q: "1x2x2xf32 in 0.4..0.5" }, { q: "3x4x4xf32 in 0.4..0.6", attrs: { steps: 2 } }],
  tolerance: { abs: 1e-3, rel: 1e-3 },
  infer({ q }, { steps }) {
    expectFloat("coupling", "q", q);
    expectRank("coupling", "q", q, 3);
    const classes = knownExtent("coupling", "q", q.shape[2]);
    expect(classes > 0 && equalShapes(q.shape.slice(1, 2), [classes]), () => `q is ${shapeText(q.shape)}, coupling wants square matrices`);
    expect(steps >= 0 && steps <= 10_000, () => `steps is ${steps}, coupling wants 0 to 10000`);
    return tensorType(q.dtype, q.shape.slice(0, 2));
  },
  evaluate({ q }, { steps, tolerance }, result) {
    const classes = result.shape[1]!;
    const matrices = toDoubles(q);
    const y = new Float64Array(elementCount(result.shape)).fill(1 / classes);
    for (let start = 0; start < y.length; start += classes) {
      const matrix = matrices.subarray(start * classes, (start + classes) * classes);
      couple(matrix, y.subarray(start, start + classes), steps, tolerance / classes);
    }
    return y;
  },
  macs: ({ q }, { steps }) => 2 * steps * elementCount(q.shape),
});

/** Moves p until no element of q * p is further than `tolerance` from p * q * p. */
function couple(q: Float64Array, p: Float64Array, steps: number, tolerance: number): void {
  const n = p.length;
  const qp = new Float64Array(n);
  for (let step = 0; step < steps; step++) {
    let pqp = 0;
    for (let i = 0; i < n; i++) {
      qp[i] = 0;
      for (let j = 0; j < n; j++) qp[i]! += q[i * n + j]! * p[j]!;
      pqp += p[i]! * qp[i]!;
    }
    if (qp.every((value) => Math.abs(value - pqp) < tolerance)) return;
    for (let i = 0; i < n; i++) {
      const own = q[i * n + i]!;
      const move = (pqp - qp[i]!) / own;
      p[i]! += move;
      pqp = (pqp + move * (move * own + 2 * qp[i]!)) / (1 + move) / (1 + move);
      for (let j = 0; j < n; j++) {
        qp[j] = (qp[j]! + move * q[i * n + j]!) / (1 + move);
        p[j]! /= 1 + move;
      }
    }
  }
}
