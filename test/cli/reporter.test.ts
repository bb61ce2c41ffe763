import { describe, expect, test } from "vitest";
import { errorDiagnostic } from "../../src/cli/diagnostics.ts";
import { errorLines } from "../../src/cli/reporter.ts";
import { InternalError, NeoError } from "../../src/support/errors.ts";

const many = new NeoError({
  code: "NEO2004",
  message: "25 nodes",
  notes: Array.from({ length: 25 }, (_, i) => ({ where: `node_${i}`, text: "Foo" })),
  hint: "look",
  cause: new Error("deep"),
});

describe("an error is printed", () => {
  test("with its code, at most 20 places, and the hint", () => {
    const lines = errorLines(many, false);
    expect(lines[0]).toBe("error NEO2004: 25 nodes");
    expect(lines[1]).toBe("  node_0   Foo");
    expect(lines.slice(-2)).toEqual(["  … and 5 more (--verbose)", "hint: look"]);
    expect(lines).toHaveLength(23);
  });

  test("with all places and the cause under --verbose", () => {
    expect(errorLines(many, true).slice(-3)).toEqual(["  node_24  Foo", "hint: look", "cause: deep"]);
  });

  test("with text from files escaped and cut", () => {
    const [first] = errorLines(new NeoError({ code: "NEO2001", message: `a\x1b[2Jb\u202e${"x".repeat(500)}` }), false);
    expect(first).toMatch(/^error NEO2001: a\\u001b\[2Jb\\u202ex+…$/);
    expect(first!.length).toBeLessThan(450);
  });

  test("as a bug of ours, with the stack, if it is one", () => {
    expect(errorLines(new InternalError("canonicalize", "lost a value"), false)).toEqual(
      expect.arrayContaining([
        "error NEO9001: a bug in neo: canonicalize: lost a value",
        expect.stringMatching(/^ +at /),
        expect.stringMatching(/^hint: please report/),
      ]),
    );
    expect(errorDiagnostic(new InternalError("a", "b"))).toMatchObject({ code: "NEO9001", message: "a: b" });
    expect(errorDiagnostic("text")).toMatchObject({ code: "NEO9000", message: "text" });
  });
});
