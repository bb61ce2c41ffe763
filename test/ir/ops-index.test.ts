import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Builder, completeAttrs, namedOperands } from "../../src/ir/builder.ts";
import { Value } from "../../src/ir/graph.ts";
import { evaluateOp } from "../../src/ir/interpret.ts";
import type { AnyOpDef } from "../../src/ir/op-def.ts";
import { OPS, opByName } from "../../src/ir/ops/index.ts";
import { sampleTensors } from "../../src/ir/sample.ts";

const folder = new URL("../../src/ir/ops/", import.meta.url);

test("the index lists every op of the folder, once", async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "index.ts");
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href) as Promise<Record<string, unknown>>));
  const found = modules
    .flatMap((module) => Object.values(module))
    .filter(isOpDef)
    .map((def) => def.name);
  expect([...OPS.map((def) => def.name)].sort()).toEqual([...found].sort());
  expect(new Set(found).size).toBe(found.length);
});

test("ops are found by name", () => {
  expect(opByName("conv")?.name).toBe("conv");
  expect(opByName("toString")).toBeUndefined();
});

describe.each(OPS.filter((def) => def.samples.length > 0))("$name", (def) => {
  test.each(def.samples)("runs on %j", (sample) => {
    const operands = sampleTensors(def, sample, 7);
    const b = new Builder();
    b.createAll(
      def,
      namedOperands(
        def,
        operands.map((operand) => operand && new Value(operand.type)),
      ) as never,
      (sample["attrs"] ?? {}) as never,
    );
    const results = evaluateOp(b.ops[0]!, operands);
    expect(results).toHaveLength(b.ops[0]!.results.length);
    results.forEach(({ data }, i) => {
      expect(
        Array.from(data as ArrayLike<number>).every((element) => !Number.isNaN(element)),
        `result ${i} has no NaN`,
      ).toBe(true);
    });
    expect(sampleTensors(def, sample, 7)).toEqual(operands);
  });
});

test("ops without samples need a region, a state or an end", () => {
  const bare = OPS.filter((def) => def.samples.length === 0 && !def.execute).map((def) => def.name);
  expect(bare).toEqual(["return"]);
});

test("defaults of attributes are of their kind", () => {
  for (const def of OPS)
    for (const [name, kind] of Object.entries(completeAttrsOf(def))) expect(kind === undefined || accepts(def, name, kind), `${def.name}.${name}`).toBe(true);
});

function completeAttrsOf(def: AnyOpDef): Readonly<Record<string, unknown>> {
  const attrs = (def.samples[0]?.["attrs"] ?? {}) as Record<string, unknown>;
  return def.samples.length > 0 ? completeAttrs(def, attrs) : {};
}

function accepts(def: AnyOpDef, name: string, value: unknown): boolean {
  return (def.attrs as Record<string, { accepts(v: unknown): boolean }>)[name]!.accepts(value);
}

function isOpDef(value: unknown): value is AnyOpDef {
  return typeof value === "object" && value !== null && "infer" in value && "evaluate" in value && "operands" in value;
}
