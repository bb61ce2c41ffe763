import { describe, expect, test } from "vitest";
import { concat, reverse, slice } from "../../src/ir/ops/movement.ts";
import { gru, lstm, rnn } from "../../src/ir/ops/recurrence.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { distance, f32, infer, list, random, run, runAll, type } from "./run-op.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const cells = [
  { def: lstm, gates: 4 },
  { def: gru, gates: 3 },
  { def: rnn, gates: 1 },
];

describe("one step by hand", () => {
  const x = f32([1, 1, 1], [0.5]);
  const initialH = f32([1, 1, 1], [0.25]);

  test("lstm: gates i, o, f, c", () => {
    const operands = {
      x,
      w: f32([1, 4, 1], [1, 2, -1, 0.5]),
      r: f32([1, 4, 1], [0.1, 0.2, 0.3, 0.4]),
      bias: f32([1, 8], [1, 0, 0, 0, 0, 0, 0, 1]),
      initialH,
      initialC: f32([1, 1, 1], [2]),
      peephole: f32([1, 3], [0.1, -0.1, 0.2]),
    };
    const [y, h, c] = runAll(lstm, operands, { hidden: 1 }).map((t) => Number(t.data[0])) as [number, number, number];
    const i = sigmoid(0.5 + 0.025 + 1 + 0.1 * 2);
    const f = sigmoid(-0.5 + 0.075 + 0.2 * 2);
    const state = f * 2 + i * Math.tanh(0.25 + 0.1 + 1);
    const out = sigmoid(1 + 0.05 - 0.1 * state) * Math.tanh(state);
    expect(c).toBeCloseTo(state, 6);
    expect(h).toBeCloseTo(out, 6);
    expect(y).toBe(h);
    const coupled = runAll(lstm, operands, { hidden: 1, inputForget: true });
    expect(coupled[2]!.data[0]).toBeCloseTo(f * 2 + (1 - f) * Math.tanh(1.35), 6);
  });

  test("gru: gates z, r, h, reset before or after the product", () => {
    const operands = { x, w: f32([1, 3, 1], [1, -1, 2]), r: f32([1, 3, 1], [0.4, 0.8, 1.5]), bias: f32([1, 6], [0, 0.5, 0, 0, 0, 0.7]), initialH };
    const z = sigmoid(0.5 + 0.1);
    const r = sigmoid(-0.5 + 0.5 + 0.2);
    const before = Math.tanh(1 + 1.5 * (r * 0.25) + 0.7);
    const after = Math.tanh(1 + r * (1.5 * 0.25 + 0.7));
    expect(run(gru, operands, { hidden: 1 }).data[0]).toBeCloseTo((1 - z) * before + z * 0.25, 6);
    expect(run(gru, operands, { hidden: 1, linearBeforeReset: true }).data[0]).toBeCloseTo((1 - z) * after + z * 0.25, 6);
  });

  test("rnn, its activation and clip", () => {
    const operands = { x, w: f32([1, 1, 1], [2]), r: f32([1, 1, 1], [4]), bias: f32([1, 2], [0.25, 0.25]), initialH };
    expect(run(rnn, operands, { hidden: 1 }).data[0]).toBeCloseTo(Math.tanh(2.5), 6);
    expect(run(rnn, operands, { hidden: 1, clip: 1.5 }).data[0]).toBeCloseTo(Math.tanh(1.5), 6);
    expect(run(rnn, operands, { hidden: 1, activations: ["affine"], activationAlpha: [2], activationBeta: [-1] }).data[0]).toBe(4);
    expect(run(rnn, operands, { hidden: 1, activations: ["hardsigmoid"] }).data[0]).toBe(1);
    expect(run(rnn, operands, { hidden: 1, activations: ["thresholdedrelu"], activationAlpha: [3] }).data[0]).toBe(0);
    expect(run(rnn, operands, { hidden: 1, activations: ["scaledtanh"], activationAlpha: [2], activationBeta: [0.1] }).data[0]).toBeCloseTo(
      2 * Math.tanh(0.25),
      6,
    );
  });
});

describe.each(cells)("$def.name", ({ def, gates }) => {
  const [time, batch, features, hidden] = [4, 2, 3, 5];
  const part = (seed: number, directions: number) => ({
    w: random(seed, directions, gates * hidden, features),
    r: random(seed + 1, directions, gates * hidden, hidden),
    bias: random(seed + 2, directions, 2 * gates * hidden),
  });
  const x = random(1, time, batch, features);
  const along = (value: Tensor, axis: number, start: number, size: number): Tensor => {
    const { shape } = value.type;
    return run(
      slice,
      { x: value },
      { starts: shape.map((_, i) => (i === axis ? start : 0)), sizes: shape.map((dim, i) => (i === axis ? size : dim)), steps: shape.map(() => 1) },
    );
  };

  test("is steps one after another", () => {
    const parts = part(10, 1);
    const [y, ...last] = runAll(def, { x, ...parts }, { hidden });
    const first = runAll(def, { x: along(x, 0, 0, 2), ...parts }, { hidden });
    const rest = runAll(def, { x: along(x, 0, 2, 2), ...parts, initialH: first[1], ...(def === lstm ? { initialC: first[2] } : {}) }, { hidden });
    expect(distance(run(concat, { xs: [first[0]!, rest[0]!] }, { axis: 0 }), y!)).toBeLessThan(1e-6);
    last.forEach((state, i) => expect(distance(rest[i + 1]!, state)).toBeLessThan(1e-6));
  });

  test("backwards is forwards over the reversed sequence", () => {
    const parts = part(20, 1);
    const back = runAll(def, { x, ...parts }, { hidden, direction: "reverse" });
    const turned = runAll(def, { x: run(reverse, { x }, { axes: [0] }), ...parts }, { hidden });
    expect(run(reverse, { x: turned[0]! }, { axes: [0] }).data).toEqual(back[0]!.data);
    expect(turned[1]!.data).toEqual(back[1]!.data);
  });

  test("both directions are one of each", () => {
    const parts = part(30, 2);
    const both = runAll(def, { x, ...parts }, { hidden, direction: "bidirectional" });
    for (const [d, direction] of [
      [0, "forward"],
      [1, "reverse"],
    ] as const) {
      const own = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, along(value, 0, d, 1)]));
      const alone = runAll(def, { x, ...own }, { hidden, direction });
      expect(along(both[0]!, 1, d, 1).data).toEqual(alone[0]!.data);
      expect(along(both[1]!, 0, d, 1).data).toEqual(alone[1]!.data);
    }
  });

  test("a shorter sequence stops early and begins backwards at its own end", () => {
    const parts = part(40, 2);
    const attrs = { hidden, direction: "bidirectional" };
    const short = runAll(def, { x, ...parts, sequenceLengths: tensor("i32", [2], [2, 4]) }, attrs);
    const cut = runAll(def, { x: along(along(x, 0, 0, 2), 1, 0, 1), ...parts }, attrs);
    expect(along(along(short[0]!, 0, 0, 2), 2, 0, 1).data).toEqual(cut[0]!.data);
    expect(list(along(along(short[0]!, 0, 2, 2), 2, 0, 1)).every((value) => value === 0)).toBe(true);
    expect(along(short[1]!, 1, 0, 1).data).toEqual(cut[1]!.data);
  });

  test("refuses parts that don't fit", () => {
    const types = { x: type("f32", 4, 2, 3), w: type("f32", 1, gates * 5, 3), r: type("f32", 1, gates * 5, 5) };
    expect(() => infer(def, { ...types, r: type("f32", 1, gates * 5, 4) }, { hidden: 5 })).toThrow(`r is 1x${gates * 5}x4, ${def.name} wants 1x${gates * 5}x5`);
    expect(() => infer(def, types, { hidden: 5, direction: "bidirectional" })).toThrow(`w is 1x${gates * 5}x3, ${def.name} wants 2x${gates * 5}x3`);
    expect(() => infer(def, { ...types, sequenceLengths: type("i32", 3) }, { hidden: 5 })).toThrow("sequenceLengths is 3");
    expect(() => infer(def, types, { hidden: 5, activations: ["tanh", "tanh", "tanh", "tanh"] })).toThrow("activations has 4 entries");
    expect(() => infer(def, types, { hidden: 5, activations: new Array(def === lstm ? 3 : def === gru ? 2 : 1).fill("constructor") })).toThrow(
      "activations name constructor",
    );
  });
});
