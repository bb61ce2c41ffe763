import { expect, test } from "vitest";
import { detectFormat } from "../../../src/frontends/detect.ts";
import { describeModel, importModel } from "../../../src/frontends/index.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { doubleRows, leafWiseTrees, walkLightgbm, writeLightgbmDump, writeLightgbmText, type LightgbmSpec } from "../../fixtures/lightgbm-writer.ts";

const FEATURES = 4;
const ROWS = 200;
const x = doubleRows(3, ROWS, FEATURES);

function run(bytes: Uint8Array, kinds: readonly string[], more: object = {}): number[][] {
  const graph = importModel(bytes, { fileName: "m", shapes: { N: ROWS }, outputKinds: kinds, ...more });
  return interpret(graph, [tensor("f64", [ROWS, FEATURES], x)]).map(({ data }) => Array.from(data as Float64Array));
}

const spec: LightgbmSpec = { objective: "regression", features: FEATURES, trees: [...leafWiseTrees(1, 11, 24, FEATURES), { splits: [], leaves: [0.125] }] };

for (const [form, write] of Object.entries({ text: writeLightgbmText, dump: writeLightgbmDump })) {
  test(`${form}: sums and leaves are those of a plain walk, bit for bit`, () => {
    const bytes = write(spec);
    expect(detectFormat(bytes)).toBe("lightgbm");
    const want = walkLightgbm(spec, x);
    const [raw, leaf] = run(bytes, ["raw", "leaf"]);
    expect(raw).toEqual(Array.from(want.sums));
    expect(leaf).toEqual(want.leaves);
  });

  test(`${form}: trees of a round are one a class`, () => {
    const classes: LightgbmSpec = { ...spec, classes: 3, objective: "multiclass num_class:3" };
    const [raw, predict] = run(write(classes), ["raw", "predict"]);
    expect(raw).toEqual(Array.from(walkLightgbm(classes, x).sums));
    for (let row = 0; row < ROWS; row++) {
      const powers = raw!.slice(row * 3, row * 3 + 3).map(Math.exp);
      const sum = powers.reduce((a, b) => a + b);
      powers.forEach((power, k) => expect(predict![row * 3 + k]).toBeCloseTo(power / sum, 14));
    }
  });

  test(`${form}: linear trees give lines, and plain leaves where a feature is missing`, () => {
    const linear: LightgbmSpec = { ...spec, trees: [...leafWiseTrees(5, 6, 12, FEATURES, true), ...leafWiseTrees(6, 2, 8, FEATURES)] };
    const want = walkLightgbm(linear, x);
    const [raw, leaf] = run(write(linear), ["raw", "leaf"]);
    expect(leaf).toEqual(want.leaves);
    raw!.forEach((value, i) =>
      expect(Math.abs(value - want.sums[i]!) <= 1e-13 * Math.max(1, Math.abs(want.sums[i]!)) || Object.is(value, want.sums[i])).toBe(true),
    );
  });
}

test("objectives: what each makes of the sums", () => {
  const [sums] = run(writeLightgbmText(spec), ["raw"]);
  const expected: Readonly<Record<string, (sum: number) => number>> = {
    regression: (s) => s,
    "regression sqrt": (s) => Math.sign(s) * s * s,
    huber: (s) => s,
    lambdarank: (s) => s,
    poisson: Math.exp,
    gamma: Math.exp,
    tweedie: Math.exp,
    "binary sigmoid:1.5": (s) => 1 / (1 + Math.exp(-1.5 * s)),
    "multiclassova num_class:1 sigmoid:2": (s) => 1 / (1 + Math.exp(-2 * s)),
    cross_entropy: (s) => 1 / (1 + Math.exp(-s)),
    cross_entropy_lambda: (s) => Math.log1p(Math.exp(s)),
  };
  for (const [objective, f] of Object.entries(expected)) {
    const [predict] = run(writeLightgbmText({ ...spec, objective }), ["predict"]);
    predict!.forEach((value, i) =>
      expect(Math.abs(value - f(sums![i]!)), `${objective} of ${sums![i]}`).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(value))),
    );
  }
});

test("softplus of sums far below zero keeps its digits", () => {
  const low: LightgbmSpec = { ...spec, objective: "cross_entropy_lambda", trees: [{ splits: [], leaves: [-40] }] };
  expect(run(writeLightgbmText(low), ["predict"])[0]![0]! / Math.exp(-40)).toBeCloseTo(1, 14);
});

test("forests give averages of what they sum up; rounds can be chosen", () => {
  const forest: LightgbmSpec = { ...spec, averages: true };
  const [raw, predict] = run(writeLightgbmText(forest), ["raw", "predict"]);
  expect(predict).toEqual(raw!.map((sum) => sum / 12));
  const [part] = run(writeLightgbmText(forest), ["predict"], { iterations: "2:5" });
  expect(part).toEqual(Array.from(walkLightgbm({ ...spec, trees: spec.trees.slice(2, 5) }, x).sums, (sum) => sum / 3));
});

test("a lone tree without a header has the features that it reads, and no objective", () => {
  const lines = new TextDecoder().decode(writeLightgbmText({ ...spec, trees: spec.trees.slice(0, 1) })).split("\n");
  const tree = new TextEncoder().encode(lines.slice(lines.indexOf("Tree=0"), lines.indexOf("end of trees")).join("\n"));
  expect(detectFormat(tree)).toBe("lightgbm");
  expect(describeModel(tree, "tree.txt")).toMatchObject({ format: "lightgbm", inputs: [{ dims: ["N", FEATURES] }], opCounts: { "no objective": 1, trees: 1 } });
});

test("names of features are labels of the input", () => {
  const featureNames = ["one", "two", "three", "four"];
  for (const write of [writeLightgbmText, writeLightgbmDump])
    expect(importModel(write({ ...spec, featureNames }), { fileName: "m", shapes: { N: 1 } }).labels.get("x")).toEqual(featureNames);
});
