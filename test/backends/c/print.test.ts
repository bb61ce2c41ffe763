import { expect, test } from "vitest";
import { printC } from "../../../src/backends/c/print.ts";
import { loadTarget } from "../../../src/target/load.ts";
import { target } from "../../executors/targets.ts";
import { formCases } from "../form-cases.ts";
import { programOf } from "../op-program.ts";
import { scalarLiteral } from "../../../src/backends/c/literal.ts";

/** The convolution of the form cases as a program: what a reader of emitted C sees. */
function convolution(lanes: number): ReturnType<typeof programOf>["program"] {
  const [conv] = formCases(lanes, "fast");
  return { ...programOf([{ ...conv!, name: "rewinds" }]).program, name: "convolution" };
}

test.each(["x86-64-v3", "arm64"])("emitted C for %s reads well", async (name) => {
  const profile = target(name);
  const { source, header } = printC(convolution(profile.vectorBytes / 4), profile);
  await expect(source).toMatchFileSnapshot(`golden/convolution.${name}.c`);
  await expect(header).toMatchFileSnapshot(`golden/convolution.${name}.h`);
});

test("the same program and target give the same text; nothing of the machine is in it", () => {
  const program = convolution(8);
  const other = loadTarget(JSON.stringify({ ...target("x86-64-v3") }));
  expect(printC(program, other)).toEqual(printC(program, target("x86-64-v3")));
});

test("user words end no comment and begin no trigraph", () => {
  const { source } = printC(convolution(8), target("x86-64-v3"));
  expect(source).toContain("/a/Conv * / of a user");
});

test.each([
  ["f32", 0.1, "0.1f"],
  ["f32", 1, "1.0f"],
  ["f32", 16777216, "16777216.0f"],
  ["f32", 1e-45, "1e-45f"],
  ["f32", 3.4028234663852886e38, "3.4028235e+38f"],
  ["f32", -0, "-0.0f"],
  ["f32", NaN, '__builtin_nanf("")'],
  ["f32", -Infinity, "-__builtin_inff()"],
  ["f64", 0.1, "0.1"],
  ["f64", 1 / 3, "0.3333333333333333"],
  ["i32", -2147483648, "(-2147483647 - 1)"],
  ["i32", 4294967295, "-1"],
  ["i64", -(2n ** 63n), "(-9223372036854775807ll - 1)"],
] as const)("%s %s is written %s", (elem, value, text) => {
  expect(scalarLiteral(elem, value)).toBe(text);
});

test("short float literals read as the float they stand for", () => {
  let bits = 12345;
  const view = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < 20000; i++) {
    bits = (Math.imul(bits, 1664525) + 1013904223) | 0;
    view.setInt32(0, bits);
    const x = view.getFloat32(0);
    if (Number.isFinite(x)) expect(Math.fround(Number(scalarLiteral("f32", x).slice(0, -1)))).toBe(x);
  }
});
