import { describe, expect, test } from "vitest";
import { elementwiseSchedule } from "../../../src/backends/schedules/elementwise.ts";
import { OPS } from "../../../src/ir/ops/index.ts";
import { TypeMismatch, type AnyOpDef, type Sample } from "../../../src/ir/op-def.ts";
import { targetOf } from "../synthetic-target.ts";
import { checkOp, TARGETS, type Operand } from "./lowered.ts";
import { tensor } from "../../../src/ir/tensor.ts";
import { type DType } from "../../../src/ir/types.ts";

const DEFS = OPS.filter((def) => def.elementwise);

test("every elementwise op has an expression", () => {
  expect(DEFS.filter((def) => !elementwiseSchedule.ops.includes(def)).map((def) => def.name)).toEqual([]);
});

describe.each(TARGETS)("elementwise ops on $name", (target) => {
  test.each(elementwiseSchedule.ops.filter((def) => def.samples.length > 0).map((def) => [def.name, def] as const))(
    "%s gives what its samples say",
    (_, def) => {
      for (const sample of def.samples) {
        checkOp(def, elementwiseSchedule, sample, { target });
        checkOp(def, elementwiseSchedule, sample, { target, border: true });
        checkOp(def, elementwiseSchedule, sample, { target, image: true, inPlace: true });
      }
    },
  );
});

/** The sample with operands of its first operand's dtype made `dtype`; what the op refuses is left out. */
function retyped(def: AnyOpDef, sample: Sample, dtype: DType): Sample {
  const first = String(sample[(def.operands as readonly string[])[0]!])
    .replace(/ in .*/, "")
    .replace(/^(\d+x)*/, "");
  const swap = (text: string): string =>
    text.replace(new RegExp(`${first}(?= |$)`), dtype).replace(/in -(.*)\.\.(.*)/, dtype.startsWith("u") ? "in 0..9" : "in -$1..$2");
  return Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, typeof value === "string" ? swap(value) : value]));
}

describe.each(["f16", "bf16", "f64", "i16", "i8", "i4", "u64", "u32", "u16", "u8", "u4", "i32", "i64"] as const)("on %s", (dtype) => {
  const target = targetOf(8, 8);
  test.each(elementwiseSchedule.ops.filter((def) => def.samples.length > 0).map((def) => [def.name, def] as const))("%s", (name, def) => {
    // 4-bit powers of 5 and wide casts say nothing new, and bf16 has too few bits for the slopes of these near their poles.
    if (dtype === "bf16" && ["tan", "acosh", "mod"].includes(name)) return;
    for (const sample of def.samples) {
      try {
        checkOp(def, elementwiseSchedule, retyped(def, sample, dtype), { target });
      } catch (error) {
        if (!(error instanceof TypeMismatch)) throw error;
      }
    }
  });
});

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-45,
  6e-8,
  -6e-8,
  3e-5,
  65504,
  65519.99,
  65520,
  -65520,
  1e30,
  3e38,
  -3e38,
  Infinity,
  -Infinity,
  NaN,
  2147483520,
  2147483648,
  -2147483648,
  4294967295,
  4294967296,
  255.5,
  -128.9,
  1.0009765625,
  1.00048828125,
  1.00146484375,
  5.960464477539063e-8,
  2.980232238769531e-8,
  8.940696716308594e-8,
];

function operand(dtype: DType, values: readonly (number | bigint)[], shape: readonly number[] = [values.length]): Operand {
  return { type: { dtype, shape }, data: tensor(dtype, shape, values).data };
}

const castDef = OPS.find((def) => def.name === "cast")!;
const DTYPES = ["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool"] as const;
const WIDE = [
  0n,
  1n,
  -1n,
  127n,
  128n,
  255n,
  256n,
  -129n,
  32768n,
  65535n,
  16777217n,
  -16777217n,
  2147483647n,
  2147483648n,
  4294967295n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 40n + 2n ** 16n + 1n,
];

describe.each([targetOf(1, 1), targetOf(8, 8)])("casts on $name", (target) => {
  test.each(DTYPES.flatMap((from) => DTYPES.map((to) => [from, to] as const)))("%s to %s keeps special values", (from, to) => {
    const isFloating = from === "f64" || from === "f32" || from === "f16" || from === "bf16";
    const x = operand(from, isFloating ? SPECIAL : WIDE);
    checkOp(castDef, elementwiseSchedule, { x, attrs: { to } }, { target });
  });
});

test.each(["min", "max", "relu", "sign", "round", "clip", "isNan", "isInf", "equal", "less", "exp", "log", "tanh", "sigmoid", "sqrt"])(
  "%s of infinities, NaN and zeros",
  (name) => {
    const def = OPS.find((d) => d.name === name)!;
    const pairs = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));
    const operands: Sample =
      def.operands.length === 1
        ? { x: operand("f32", SPECIAL) }
        : {
            a: operand(
              "f32",
              pairs.map(([a]) => a),
            ),
            b: operand(
              "f32",
              pairs.map(([, b]) => b),
            ),
          };
    for (const target of [targetOf(1, 1), targetOf(4, 4)]) checkOp(def, elementwiseSchedule, operands, { target });
  },
);

test.each([0.5, 2, 3, 4, -1, -2, 1, 0, 0.3, -0.5])("x to the constant %d", (exponent) => {
  const def = OPS.find((d) => d.name === "pow")!;
  const x = operand(
    "f32",
    [...SPECIAL, 3.7, -3.7, 1e-20, 1e18].filter((v) => Math.abs(v) < 1e36 || !Number.isFinite(v)),
  );
  for (const target of [targetOf(1, 1), targetOf(8, 8)])
    checkOp(def, elementwiseSchedule, { a: x, b: operand("f32", [exponent], []) }, { target, constants: ["b"] });
});

describe("integers at their limits", () => {
  const limits: readonly (readonly [DType, readonly bigint[]])[] = [
    ["i32", [0n, 1n, -1n, 7n, -(2n ** 31n), 2n ** 31n - 1n, 3n]],
    ["u32", [0n, 1n, 7n, 2n ** 32n - 1n, 2n ** 31n, 33n]],
    ["i64", [0n, 1n, -1n, 7n, -(2n ** 63n), 2n ** 63n - 1n, -3n]],
    ["u64", [0n, 1n, 7n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 63n + 5n]],
    ["i8", [0n, 1n, -1n, -128n, 127n, 5n]],
  ];
  test.each(
    limits.flatMap(([dtype, values]) =>
      ["div", "mod", "min", "max", "less", "greaterEqual", "add", "mul", "shiftLeft", "shiftRight"].map((name) => [name, dtype, values] as const),
    ),
  )("%s of %s", (name, dtype, values) => {
    const def = OPS.find((d) => d.name === name)!;
    const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
    const sample = {
      a: operand(
        dtype,
        pairs.map(([a]) => a),
      ),
      b: operand(
        dtype,
        pairs.map(([, b]) => b),
      ),
    };
    for (const fmod of name === "mod" ? [false, true] : [undefined]) {
      const attrs = fmod === undefined ? {} : { attrs: { fmod } };
      for (const target of [targetOf(1, 1), targetOf(8, 8)]) checkOp(def, elementwiseSchedule, { ...sample, ...attrs }, { target });
    }
  });
});

describe.each(TARGETS)("layouts on $name", (target) => {
  const add = OPS.find((def) => def.name === "add")!;
  const shapes: readonly (readonly [string, string])[] = [
    ["1x19x5x6xf32", "1x19x1x1xf32"],
    ["2x19x5x6xf32", "2x19x5x6xf32"],
    ["2x19x5x6xf32", "1x1x5x6xf32"],
    ["1x32x4x4xf32", "f32"],
    ["7x37xf32", "37xf32"],
    ["7x37xf32", "7x1xf32"],
    ["3x4x5xi8", "4x1xi8"],
    ["64xf16", "64xf16"],
    ["33xu8", "1xu8"],
  ];
  test.each(shapes)("%s + %s", (a, b) => {
    for (const run of [{}, { border: true }, { image: true }, { image: true, inPlace: true }, { constants: ["b"] }])
      checkOp(add, elementwiseSchedule, { a, b }, { target, ...run });
  });
  test("vectors cover padded channels", () => {
    const [kernel] = checkOp(add, elementwiseSchedule, { a: "1x19x5x6xf32", b: "1x19x1x1xf32" }, { target, image: true });
    const vectors = JSON.stringify(kernel!.body).includes(`"lanes":1}`);
    if (target.vectorBytes > 4) expect(vectors).toBe(false);
  });
});
