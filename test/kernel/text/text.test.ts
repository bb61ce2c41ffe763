import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ELEM_BYTES, OPS, type At, type Elem, type Expr, type Kernel, type Stmt, type Type } from "../../../src/kernel/kernel.ts";
import { parseKernel } from "../../../src/kernel/text/parse-kernel.ts";
import { parseProgram } from "../../../src/kernel/text/parse-program.ts";
import { printKernel } from "../../../src/kernel/text/print-kernel.ts";
import { printProgram } from "../../../src/kernel/text/print-program.ts";
import { NeoError } from "../../../src/support/errors.ts";
import { formCases } from "../../backends/form-cases.ts";
import { opCases } from "../../backends/op-cases.ts";
import { PROGRAMS } from "../programs.ts";

const elem = fc.constantFrom(...(Object.keys(ELEM_BYTES) as Elem[]));
const type: fc.Arbitrary<Type> = fc.oneof(fc.record({ elem, lanes: fc.integer({ min: 1, max: 64 }) }), fc.record({ mask: fc.integer({ min: 1, max: 64 }) }));
const name = fc.oneof(fc.constantFrom("a", "load", "f32x4", "in", "store", "__proto__", "x_1", "mask4", "a b", "ü", ""), fc.string());
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
  fc.constantFrom(-0, NaN, Infinity, -Infinity, 1e-45, 5e300),
);

const REGISTERS = ["r", "load", "madd", "f32x4", "two words"];
const CURSORS = ["c", "store", "for", "é"];

const { expr } = fc.letrec<{ expr: Expr; at: At }>((tie) => ({
  at: fc.oneof(
    fc.record({ cursor: fc.constantFrom(...CURSORS), offset: fc.integer({ min: -4, max: 1000 }) }),
    fc.record({ cursor: fc.constantFrom(...CURSORS), offset: fc.nat(1000), index: tie("expr") }),
  ),
  expr: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant("reg" as const), name: fc.constantFrom(...REGISTERS) }),
    fc.record({ kind: fc.constant("const" as const), type, value: number }),
    fc.record({ kind: fc.constantFrom("load" as const, "splat" as const), type, at: tie("at") }),
    fc.record({ kind: fc.constant("widen" as const), type, from: type, at: tie("at") }),
    fc.record({ kind: fc.constant("op" as const), op: fc.constantFrom(...OPS), type, args: fc.array(tie("expr"), { maxLength: 3 }) }),
    fc.record({
      kind: fc.constant("op" as const),
      op: fc.constantFrom(...OPS),
      type,
      args: fc.array(tie("expr"), { maxLength: 3 }),
      imm: fc.array(fc.integer({ min: -3, max: 99 }), { maxLength: 4 }),
    }),
  ),
}));
const at: fc.Arbitrary<At> = fc.record({ cursor: fc.constantFrom(...CURSORS), offset: fc.nat(99), index: expr });

const { stmt } = fc.letrec<{ stmt: Stmt }>((tie) => ({
  stmt: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: fc.constant("set" as const), reg: fc.constantFrom(...REGISTERS), value: expr }),
    fc.record({ kind: fc.constant("store" as const), type, at, value: expr }),
    fc.record({ kind: fc.constant("prefetch" as const), at }),
    fc.record({ kind: fc.constant("launder" as const), cursor: fc.constantFrom(...CURSORS) }),
    fc.record({
      kind: fc.constant("for" as const),
      name,
      trips: fc.oneof(fc.nat(100), fc.record({ extent: name, per: fc.nat(9), max: fc.nat(9) })),
      mode: fc.constantFrom("serial" as const, "unrolled" as const, "parallel" as const),
      body: fc.array(tie("stmt"), { maxLength: 3 }),
    }),
  ),
}));

const kernel: fc.Arbitrary<Kernel> = fc.record({
  name,
  lanes: fc.integer({ min: 1, max: 64 }),
  mode: fc.constantFrom("fast" as const, "exact" as const),
  params: fc.constant([
    { name: "x", elem: "f32" as const, size: 10, access: "in" as const, range: [-1.5, 1e9] as const },
    { name: "y z", elem: "u16" as const, size: 1, access: "inout" as const },
  ]),
  cursors: fc
    .tuple(elem, fc.integer(), fc.dictionary(fc.constantFrom("l", "m n", "f32"), fc.integer()))
    .map(([view, base, steps]) =>
      Object.fromEntries(CURSORS.map((c, i) => [c, { param: i % 2 ? "y z" : "x", elem: i < 2 ? view : "f32", base: base + i, steps: i === 3 ? {} : steps }])),
    ),
  registers: fc
    .array(type, { minLength: REGISTERS.length, maxLength: REGISTERS.length })
    .map((types) => Object.fromEntries(REGISTERS.map((r, i) => [r, types[i]!]))),
  body: fc.array(stmt, { maxLength: 4 }),
  loc: fc.array(fc.string(), { maxLength: 2 }),
});

function problems(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof NeoError) return [error.code, ...error.notes.map((note) => `${note.where} ${note.text}`)];
    throw error;
  }
  return [];
}

describe("kernels", () => {
  test("any kernel reads back as itself", () => {
    fc.assert(
      fc.property(kernel, (k) => void expect(parseKernel(printKernel(k))).toEqual(k)),
      { numRuns: 300 },
    );
  });
  test("every op and form reads back as itself", () => {
    for (const { kernel: k } of [...opCases(4, "exact"), ...formCases(4, "fast")]) expect(parseKernel(printKernel(k))).toEqual(k);
  });
  test("the text is one to read", () => {
    expect(printKernel(PROGRAMS.find((p) => p.name.startsWith("extents"))!.program.kernels[1]!)).toMatchInlineSnapshot(`
      "kernel @twiceFirst_f32_16 lanes 4 exact {
        in x: f32[16]
        inout y: f32[16]
        cursor i = x[0] {at: 4}
        cursor o = y[0] {at: 4}
        for at ceil(rows / 4) max 4 {
          store f32x4 o[0] = add f32x4(load f32x4 i[0], load f32x4 i[0])
        }
      }
      "
    `);
  });
});

describe("programs", () => {
  test.each(PROGRAMS.map((c) => [c.name, c.program] as const))("%s reads back as itself", (_name, program) => {
    expect(parseProgram(printProgram(program))).toEqual(program);
  });
  test("a program that is run step by step says so", () => {
    const program = { ...PROGRAMS[0]!.program, stepwise: true as const };
    expect(parseProgram(printProgram(program))).toEqual(program);
  });
  test("the text is one to read", () => {
    const { program } = PROGRAMS.find((p) => p.name === "loop while a word is set")!;
    expect(printProgram({ ...program, kernels: [] })).toMatchInlineSnapshot(`
      "program @whileLoop arena 256 state 0 {
        input "x": "f32" [4] as f32 bytes 16
        output "y": "f32" [4] as f32 bytes 16
        call @copy_f32_4 (x: input[0], y: arena[0])
        call @exceeds_f32_1 (x: arena[0], flag: arena[128])
        loop 4 while arena[128] {
          call @halve_f32_4 (x: arena[0], y: arena[0])
          call @exceeds_f32_1 (x: arena[0], flag: arena[128])
        }
        call @copy_f32_4 (x: arena[0], y: output[0])
      }
      "
    `);
  });
});

describe("what is wrong is told with its place", () => {
  const head = "kernel @k lanes 4 exact {\n  in x: f32[8]\n  cursor c = x[0] {l: 4}\n  reg f32x4 a\n";
  test.each([
    ["", "NEO2070", 'input.kir:1:1 found the end, wanted "kernel"'],
    ["kernel k", "NEO2070", 'input.kir:1:8 found "k", wanted "@"'],
    [`${head}  %a = madd f32(%a`, "NEO2070", 'input.kir:5:19 found the end, wanted ")"'],
    [`${head}  %a = q f32x4(%a)\n}`, "NEO2070", 'input.kir:5:8 found "q f32x4(%a)", wanted a type'],
    [`${head}  add = %a\n}`, "NEO2070", 'input.kir:5:3 found "add = %a", wanted a statement (%register =, store, for, prefetch, launder) or }'],
    [`${head}}\n}`, "NEO2070", 'input.kir:6:1 found "}", wanted the end'],
    [
      `${head}  %a = load f32x4 d[0]\n  %b = %c\n}`,
      "NEO2071",
      "input.kir:5:19 there is no cursor d",
      "input.kir:6:4 there is no register b",
      "input.kir:6:9 there is no register c",
    ],
    [
      "kernel @k lanes 4 exact {\n  in x: f32[8]\n  out x: f32[8]\n  reg f32 a, a\n  cursor c = q[0]\n}",
      "NEO2071",
      "input.kir:3:7 x is declared twice",
      "input.kir:4:14 a is declared twice",
      "input.kir:5:14 there is no parameter q",
    ],
  ])("%#", (text, ...wanted) => {
    expect(problems(() => parseKernel(text))).toEqual(wanted);
  });

  test("deep nesting is refused before the stack ends", () => {
    expect(problems(() => parseKernel(`${head}  %a = ${"neg f32x4(".repeat(100_000)}`))[0]).toBe("NEO7002");
    expect(problems(() => parseProgram(`program @p arena 0 state 0 { ${"loop 1 { ".repeat(100_000)}`))[0]).toBe("NEO7002");
  });

  test("any damage to a text gives a record or a NeoError", () => {
    const texts = [printProgram(PROGRAMS[0]!.program), printProgram(PROGRAMS[4]!.program)];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat(8), fc.string({ maxLength: 6 }), (text, where, removed, inserted) => {
        const from = where % text.length;
        problems(() => parseProgram(text.slice(0, from) + inserted + text.slice(from + removed)));
      }),
      { numRuns: 500 },
    );
  });
});
