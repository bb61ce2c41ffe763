import { describe, expect, test } from "vitest";
import type { Program } from "../../src/kernel/program.ts";
import { verifyProgram } from "../../src/kernel/verify-program.ts";
import { planted, type Loose } from "./planted.ts";
import { PROGRAMS } from "./programs.ts";

function found(program: Program): string[] {
  return verifyProgram(program).map((finding) => `${finding.rule}: ${finding.text}`);
}

function sample(name: string): Program {
  return PROGRAMS.find((c) => c.name === name)!.program;
}

test.each(PROGRAMS.map((c) => [c.name, c.program] as const))("%s passes", (_name, program) => {
  expect(found(program)).toEqual([]);
});

describe("faults are found", () => {
  const calls = "calls through the arena";
  test.each<[string, string, (p: Loose) => void, string]>([
    ["an argument is missing", calls, (p) => delete p.steps[0].args.w, "arguments: the call of mul_f32_8 has no argument for w"],
    ["an argument too many", calls, (p) => (p.steps[0].args.q = p.steps[0].args.w), "arguments: mul_f32_8 has no parameter q"],
    ["a kernel that is not there", calls, (p) => (p.steps[0].kernel = "q"), "arguments: there is no kernel q"],
    ["an arena too short", calls, (p) => (p.arenaBytes = 159), "slices: argument y of mul_f32_8 lies at 128..160 of arena, which has 159 bytes"],
    ["a segment too short", calls, (p) => (p.segments[1].bytes = 28), "slices: argument w of mul_f32_8 lies at 0..32 of weights 1, which has 28 bytes"],
    ["a segment that is not there", calls, (p) => (p.steps[0].args.w.index = 2), "slices: argument w of mul_f32_8 lies in weights 2, which there is not"],
    ["a segment at an odd place", calls, (p) => (p.segments[1].offset = 65), "slices: segment 1 lies at 65, wants a multiple of 64"],
    ["an address that does not suit", calls, (p) => (p.steps[0].args.y.offset = 130), "slices: argument y of mul_f32_8 lies at 130, which does not suit f32"],
    [
      "a store into weights",
      calls,
      (p) => (p.steps[0].args.y = { space: "weights", index: 1, offset: 0 }),
      "arguments: argument y of mul_f32_8 is written, but lies in weights",
    ],
    ["a read before the write", calls, (p) => p.steps.reverse(), "unwritten: argument x of add1_f32_8 reads arena[128..160) before all of it is written"],
    [
      "a read of more than was written",
      calls,
      (p) => (p.steps[1].args.x.offset = 132),
      "unwritten: argument x of add1_f32_8 reads arena[132..164) before all of it is written",
    ],
    [
      "an output that nobody writes",
      calls,
      (p) => (p.steps[1].args.y = { space: "arena", index: 0, offset: 0 }),
      "unwritten: output y is not written, or not all of it",
    ],
    [
      "an in-place call that lies askew",
      calls,
      (p) => (p.steps[1].args.y = { space: "arena", index: 0, offset: 132 }),
      "in place: add1_f32_8 cannot have x and y in one place",
    ],
    ["a fault in a kernel", calls, (p) => (p.kernels[0].cursors.i.base = 1), "bounds: load f32x4 x[1..8] through i is outside [0, 8)"],
    ["parts of no parallel loop", calls, (p) => (p.steps[0].parts = 2), "arguments: the call of mul_f32_8 has 2 parts, but no parallel loop"],
    ["an output that one branch leaves", "if", (p) => (p.steps[1].else = []), "unwritten: output y is not written, or not all of it"],
    ["a condition that nobody wrote", "if", (p) => (p.steps[1].condition.offset = 4), "unwritten: the condition of an if is read before it is written"],
    ["a condition in an input", "if", (p) => (p.steps[1].condition.space = "input"), "slices: the condition of an if is no word of the arena"],
    [
      "an extent larger than its loop",
      "extents from the host and from a kernel",
      (p) => (p.extents.n.max = 17),
      "trips: extent n of 17 gives loop at of twiceFirst_f32_16 5 trips, at most 4",
    ],
    [
      "an extent that is not bound",
      "extents from the host and from a kernel",
      (p) => delete p.steps[2].extents,
      "arguments: the call of twiceFirst_f32_16 binds no extent to rows",
    ],
    [
      "an extent outside the state",
      "extents from the host and from a kernel",
      (p) => (p.extents.m.at.offset = 128),
      "slices: extent m is no word of the state",
    ],
    [
      "state that is read as if it were new",
      "state",
      (p) => (p.stateBytes = 0),
      "unwritten: argument x of add_f32_4 reads arena[0..16) before all of it is written",
    ],
  ])("%s", (_title, name, fault, text) => {
    expect(found(planted(sample(name), fault))).toContain(text);
  });

  test("what only a loop of unknown trips writes is not written", () => {
    const program = planted(sample("loop by a number, and by a word"), (p) => {
      p.steps[3] = structuredClone(p.steps[3]);
      p.steps[3].body[0].args.y.offset = 160;
      p.steps[4].args.x.offset = 160;
    });
    expect(found(program)).toEqual(["unwritten: argument x of copy_f32_4 reads arena[160..176) before all of it is written"]);
  });
});
