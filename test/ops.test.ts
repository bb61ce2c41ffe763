import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Builder, completeAttrs, inferTypes } from "../src/ir/builder.ts";
import { Op, Value } from "../src/ir/graph.ts";
import { evaluateOp } from "../src/ir/interpret.ts";
import { operandSlot, type AnyOpDef, type Sample } from "../src/ir/op-def.ts";
import { OPS, opByName } from "../src/ir/ops/index.ts";
import { sampleOperands, sampleTensors } from "../src/ir/sample.ts";
import { allocate, type Tensor } from "../src/ir/tensor.ts";
import { elementCount } from "../src/ir/types.ts";

const FOLDER = new URL("../src/ir/ops/", import.meta.url);

async function exportedRecords(): Promise<Map<string, AnyOpDef>> {
  const found = new Map<string, AnyOpDef>();
  for (const file of readdirSync(FOLDER)) {
    const module = (await import(new URL(file, FOLDER).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (typeof value === "object" && value !== null && "infer" in value && "evaluate" in value) found.set(name, value as AnyOpDef);
    }
  }
  return found;
}

describe("the op table", () => {
  test("lists every record that a file of the folder exports, and no other", async () => {
    const records = await exportedRecords();
    expect([...records.values()].map((def) => def.name).sort()).toEqual(OPS.map((def) => def.name).sort());
    expect(new Set(records.values())).toEqual(new Set(OPS));
  });

  test("exports a record under its name, with Op behind it where the language has the word", async () => {
    for (const [name, def] of await exportedRecords()) expect([def.name, `${def.name}Op`]).toContain(name);
  });

  test("finds records by name", () => {
    for (const def of OPS) expect(opByName(def.name)).toBe(def);
    expect(opByName("constructor")).toBeUndefined();
  });

  test("has samples of every pure record that needs no regions", () => {
    const without = OPS.filter((def) => def.samples.length === 0 && def.pure && def.regions.length === 0);
    // Their operand is a file: no element of it may be anything.
    expect(without.map((def) => def.name).sort()).toEqual(["decodeImage", "decodeImagePadded"]);
  });
});

const cases = OPS.flatMap((def) =>
  def.samples.map((sample, i) => ({
    title: `${def.name} ${i}: ${JSON.stringify(sample, (_, value: unknown) => (isTensor(value) ? "tensor" : value))}`,
    def,
    sample,
  })),
);

describe.each(cases)("$title", ({ def, sample }) => {
  test("names only operands and attributes that the record has", () => {
    const names = (def.operands as readonly string[]).map((declaration) => operandSlot(declaration).name);
    for (const name of Object.keys(sample)) expect(["attrs", ...names]).toContain(name);
  });

  test("evaluate fills what infer promises, with the same numbers each time", () => {
    const [first, second] = [run(def, sample, 1), run(def, sample, 1)];
    expect(first.length).toBe(def.results.length);
    first.forEach((tensor, i) => {
      expect(tensor.data.length).toBe(elementCount(tensor.type.shape));
      expect(tensor.data.constructor).toBe(allocate(tensor.type.dtype, 0).constructor);
      expect(second[i]).toEqual(tensor);
    });
  });

  test("leaves its operands as they were", () => {
    const operands = sampleTensors(def, sample, 3);
    const copies = structuredClone(operands);
    evaluate(def, sample, operands);
    expect(operands).toEqual(copies);
  });

  test("results have the inferred types, and extents inside the bounds of their symbols", () => {
    const types = inferTypes(def, values(def, sample), attrsOf(def, sample));
    run(def, sample, 2).forEach((tensor, i) => {
      expect(tensor.type.dtype).toBe(types[i]!.dtype);
      expect(tensor.type.shape.length).toBe(types[i]!.shape.length);
      types[i]!.shape.forEach((dim, axis) => {
        const found = tensor.type.shape[axis]!;
        if (typeof dim === "number") expect(found).toBe(dim);
        else if (dim.kind === "symbol") expect(found >= dim.low && found <= dim.high).toBe(true);
      });
    });
  });

  test("costs a number of multiplications", () => {
    const named: Record<string, unknown> = {};
    (def.operands as readonly string[]).forEach((declaration, i) => {
      const slot = operandSlot(declaration);
      const types = sampleOperands(def, sample).map((operand) => operand?.type);
      named[slot.name] = slot.variadic ? types.slice(i) : types[i];
    });
    const macs = def.macs(
      named as never,
      attrsOf(def, sample),
      run(def, sample, 1).map((tensor) => tensor.type),
    );
    expect(macs >= 0 && Number.isFinite(macs)).toBe(true);
  });

  test("a builder makes it", () => {
    const named: Record<string, unknown> = {};
    const made = values(def, sample);
    (def.operands as readonly string[]).forEach((declaration, i) => {
      const slot = operandSlot(declaration);
      named[slot.name] = slot.variadic ? made.slice(i) : made[i];
    });
    expect(new Builder().createAll(def, named as never, (sample["attrs"] ?? {}) as never).length).toBe(def.results.length);
  });
});

function isTensor(value: unknown): boolean {
  return typeof value === "object" && value !== null && "data" in value;
}

function attrsOf(def: AnyOpDef, sample: Sample): ReturnType<typeof completeAttrs> {
  return completeAttrs(def, (sample["attrs"] ?? {}) as Record<string, unknown>);
}

function values(def: AnyOpDef, sample: Sample): (Value | undefined)[] {
  return sampleOperands(def, sample).map((operand) => operand && new Value(operand.type));
}

function run(def: AnyOpDef, sample: Sample, seed: number): Tensor[] {
  return evaluate(def, sample, sampleTensors(def, sample, seed));
}

function evaluate(def: AnyOpDef, sample: Sample, operands: readonly (Tensor | undefined)[]): Tensor[] {
  const attrs = attrsOf(def, sample);
  const inputs = operands.map((tensor) => tensor && new Value(tensor.type));
  return evaluateOp(new Op(def, inputs, attrs, inferTypes(def, inputs, attrs)), operands);
}
