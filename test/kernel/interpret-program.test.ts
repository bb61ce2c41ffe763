import { describe, expect, test } from "vitest";
import { ProgramInstance } from "../../src/kernel/interpret-program.ts";
import { InternalError } from "../../src/support/errors.ts";
import { floats, PROGRAMS } from "./programs.ts";

describe.each(PROGRAMS.map((c) => [c.name, c] as const))("%s", (_name, sample) => {
  test.each([1, 3])("gives its outputs, calls split into %i", (parts) => {
    const instance = { ...(sample.session ? { host: sample.session, region: sample.session } : {}), ...(parts > 1 ? { parts } : {}) };
    const fixed = new ProgramInstance(sample.program, sample.weights, instance);
    for (const run of sample.runs) {
      expect(fixed.run(run.inputs, run.extents)).toEqual(run.outputs);
      for (const [name, value] of Object.entries(run.extentsAfter ?? {})) expect(fixed.extent(name)).toBe(value);
    }
  });
});

const [calls] = PROGRAMS;

test("weights that lie at an odd address are read all the same", () => {
  const moved = new Uint8Array(calls!.weights.length + 1);
  moved.set(calls!.weights, 1);
  expect(new ProgramInstance(calls!.program, moved.subarray(1)).run(calls!.runs[0]!.inputs)).toEqual(calls!.runs[0]!.outputs);
});

test("inputs of another size are refused", () => {
  const instance = new ProgramInstance(calls!.program, calls!.weights);
  expect(() => instance.run([floats(1)])).toThrow("calls: input x has 4 bytes, wants 32");
  expect(() => instance.run([])).toThrow("got 0 inputs, wants 1");
});

test("a slice outside the memory is an error of ours", () => {
  const program = { ...calls!.program, arenaBytes: 140 };
  expect(() => new ProgramInstance(program, calls!.weights)).toThrow(InternalError);
});

test("a step of the session needs somebody to run it", () => {
  const sample = PROGRAMS.find((c) => c.session)!;
  expect(() => new ProgramInstance(sample.program, sample.weights).run(sample.runs[0]!.inputs)).toThrow("nobody runs the host step square");
});
