import type { Builder } from "../../src/ir/builder.ts";
import type { Value } from "../../src/ir/graph.ts";
import { gru, lstm, rnn } from "../../src/ir/ops/recurrence.ts";
import { reshapeSymbolic } from "../../src/ir/ops/symbolic.ts";
import { printDim } from "../../src/ir/text/types.ts";
import { N, S, testOpenInputs, weights, type OpenInputs } from "./open-runs.ts";

const [F, H] = [3, 5];
const forward = { hidden: H, direction: "forward" } as const;
const both = { hidden: H, direction: "bidirectional" } as const;

function parts(b: Builder, gates: number, directions: number): { readonly w: Value; readonly r: Value; readonly bias: Value } {
  return {
    w: weights(b, [directions, gates * H, F], 1),
    r: weights(b, [directions, gates * H, H], 2),
    bias: weights(b, [directions, 2 * gates * H], 3),
  };
}

/** Some are longer than there are moments: they end where those do. */
const lengths = { dtype: "i32", shape: [N], from: 1, to: 20 } as const;

const CASES: Readonly<Record<string, OpenInputs>> = {
  "forward cells": {
    inputs: [[S, 2, F]],
    build: (b, [x]) => [
      ...b.createAll(lstm, { x: x!, ...parts(b, 4, 1) }, forward),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 1) }, forward),
      ...b.createAll(rnn, { x: x!, ...parts(b, 1, 1) }, forward),
    ],
  },
  "cells that begin at the end": {
    inputs: [[S, 2, F]],
    build: (b, [x]) => [
      ...b.createAll(lstm, { x: x!, ...parts(b, 4, 1) }, { hidden: H, direction: "reverse" }),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 1) }, { hidden: H, direction: "reverse", linearBeforeReset: true }),
    ],
  },
  "both ways, of an open batch, with states": {
    inputs: [
      [S, N, F],
      [2, N, H],
      [2, N, H],
    ],
    build: (b, [x, initialH, initialC]) => [
      ...b.createAll(lstm, { x: x!, ...parts(b, 4, 2), initialH: initialH!, initialC: initialC!, peephole: weights(b, [2, 3 * H], 9) }, both),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 2), initialH: initialH! }, both),
      ...b.createAll(rnn, { x: x!, ...parts(b, 1, 2) }, { ...both, activations: ["tanh", "affine"], activationAlpha: [0, 0.5], activationBeta: [0, 0.1] }),
    ],
  },
  "sequences of their own lengths": {
    inputs: [[S, N, F], lengths],
    build: (b, [x, sequenceLengths]) => [
      ...b.createAll(lstm, { x: x!, ...parts(b, 4, 2), sequenceLengths: sequenceLengths! }, both),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 1), sequenceLengths: sequenceLengths! }, { hidden: H, direction: "reverse" }),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 1), sequenceLengths: sequenceLengths! }, { ...forward, linearBeforeReset: true }),
    ],
  },
  "a batch of known moments": {
    inputs: [[4, N, F], lengths],
    build: (b, [x, sequenceLengths]) => [
      ...b.createAll(lstm, { x: x!, ...parts(b, 4, 2) }, both),
      ...b.createAll(gru, { x: x!, ...parts(b, 3, 2), sequenceLengths: sequenceLengths! }, both),
    ],
  },
  "layers on layers": {
    inputs: [[S, N, F]],
    build: (b, [x]) => {
      const [y] = b.createAll(rnn, { x: x!, w: weights(b, [1, F, F]), r: weights(b, [1, F, F], 2) }, { hidden: F, direction: "reverse" });
      return b.createAll(lstm, { x: b.create(reshapeSymbolic, { x: y! }, { shape: [printDim(S), printDim(N), `${F}`] }), ...parts(b, 4, 2) }, both);
    },
  },
};

testOpenInputs("recurrences along what a run tells", CASES);
