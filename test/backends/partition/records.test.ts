import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ACCELERATORS, acceleratorByName } from "../../../src/backends/accelerators/index.ts";
import { onnxruntime } from "../../../src/backends/accelerators/onnxruntime.ts";
import { verdict } from "../../../src/backends/accelerators/verdict.ts";
import { exportOnnx } from "../../../src/backends/exporters/onnx.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { opByName } from "../../../src/ir/ops/index.ts";
import { difference, opRegions } from "../exporters/op-regions.ts";
import { loadReference } from "../../frontends/onnx/reference.ts";

const reference = await loadReference();
const ALL = opRegions(() => true);
const refusalOf = (graph: (typeof ALL)[number]["graph"], accelerator: (typeof ACCELERATORS)[number]): string | undefined =>
  graph.ops.map((op) => (op.name === "return" ? undefined : verdict(op, accelerator)?.reason)).find(Boolean);

describe.each(ACCELERATORS)("the record $name", (accelerator) => {
  test("is found by its name, and its rows name ops that there are", () => {
    expect(acceleratorByName(accelerator.name)).toBe(accelerator);
    expect(Object.keys(accelerator.accepts).filter((name) => !opByName(name))).toEqual([]);
  });

  test("says of every sample yes, or why not", () => {
    const verdicts = ALL.map(({ title, graph }) => [title, refusalOf(graph, accelerator) ?? "yes"]);
    expect(Object.fromEntries(verdicts)).toMatchSnapshot();
  });

  test("takes what its exchange file can say", () => {
    for (const { graph } of ALL) if (refusalOf(graph, accelerator) === undefined) expect(() => exportOnnx(graph)).not.toThrow();
  });
});

test("the index lists every record of the folder", () => {
  const machinery = ["accelerator.ts", "accelerator-cost.ts", "chosen.ts", "index.ts", "predicates.ts", "verdict.ts"];
  const files = readdirSync(new URL("../../../src/backends/accelerators/", import.meta.url)).filter((file) => !machinery.includes(file));
  expect(files.map((file) => file.replace(".ts", "")).sort()).toEqual(ACCELERATORS.map(({ name }) => name).sort());
});

const taken = ALL.filter(({ graph }) => refusalOf(graph, onnxruntime) === undefined);

describe.skipIf(!reference)("ONNX Runtime runs what its record takes (wants onnxruntime-node)", () => {
  test.each(taken)("$title", async ({ graph, inputs, tolerance }) => {
    const feeds = Object.fromEntries(graph.params.map((param, i) => [param.name, inputs[i]!]));
    const got = await reference!(exportOnnx(graph), feeds, graph.terminator.attrs["names"] as readonly string[]);
    expect(difference(got, interpret(graph, inputs), { abs: tolerance.abs + 1e-5, rel: tolerance.rel + 1e-4 })).toBe("");
  });
});
