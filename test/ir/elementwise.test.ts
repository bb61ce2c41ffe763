import { describe, expect, test } from "vitest";
import { Builder, namedOperands } from "../../src/ir/builder.ts";
import { Value } from "../../src/ir/graph.ts";
import { evaluateOp } from "../../src/ir/interpret.ts";
import { TypeMismatch, type AnyOpDef } from "../../src/ir/op-def.ts";
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, mish, prelu, relu, sigmoid, silu, softplus } from "../../src/ir/ops/activation.ts";
import { abs, add, div, erf, floor, max, min, mod, mul, neg, pow, round, sign, sub } from "../../src/ir/ops/arithmetic.ts";
import { equal, greater, isInf, isNan, less, lessEqual, notEqual } from "../../src/ir/ops/comparison.ts";
import { cast, dequantise, quantise } from "../../src/ir/ops/conversion.ts";
import { bitAnd, bitNot, bitXor, not, select, shiftLeft, shiftRight, xor } from "../../src/ir/ops/logic.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import type { DType } from "../../src/ir/types.ts";

const vector = (dtype: DType, ...values: (number | bigint | string)[]): Tensor => tensor(dtype, [values.length], values);

function evaluate(def: AnyOpDef, operands: readonly (Tensor | undefined)[], attrs: object = {}): Tensor {
  const b = new Builder();
  b.createAll(
    def,
    namedOperands(
      def,
      operands.map((operand) => operand && new Value(operand.type)),
    ) as never,
    attrs as never,
  );
  return evaluateOp(b.ops[0]!, operands)[0]!;
}

function values(def: AnyOpDef, operands: readonly (Tensor | undefined)[], attrs: object = {}): unknown[] {
  return Array.from(evaluate(def, operands, attrs).data as ArrayLike<unknown>);
}

const near = (wanted: readonly number[]): unknown => wanted.map((x) => expect.closeTo(x, 6));

const i64max = 2n ** 63n - 1n;
const i64min = -(2n ** 63n);

describe("64-bit integers", () => {
  test("are exact above 2^53", () => {
    const [a, b] = [vector("i64", 9007199254740993n, i64max, -5n), vector("i64", 1n, 1n, 3n)];
    expect(values(add, [a, b])).toEqual([9007199254740994n, i64min, -2n]);
    expect(values(sub, [a, b])).toEqual([9007199254740992n, i64max - 1n, -8n]);
    expect(values(mul, [a, vector("i64", 3n)])).toEqual([27021597764222979n, i64max - 2n, -15n]);
    expect(values(div, [a, vector("i64", 2n, 0n, 2n)])).toEqual([4503599627370496n, 0n, -2n]);
    expect(values(max, [a, vector("i64", 9007199254740992n)])).toEqual([9007199254740993n, i64max, 9007199254740992n]);
    expect(values(greater, [a, vector("i64", 9007199254740992n)])).toEqual([1, 1, 0]);
    expect(values(equal, [a, vector("i64", 9007199254740992n)])).toEqual([0, 0, 0]);
    expect(values(pow, [vector("i64", 3n, -1n, 2n, 5n), vector("i64", 39n, -3n, 64n, 0n)])).toEqual([4052555153018976267n, -1n, 0n, 1n]);
    expect(values(bitXor, [a, vector("i64", -1n)])).toEqual([-9007199254740994n, i64min, 4n]);
    expect(values(clip, [a], { low: 0 })).toEqual([9007199254740993n, i64max, 0n]);
    expect(values(select, [vector("bool", 1, 0, 1), a, b])).toEqual([9007199254740993n, 1n, -5n]);
  });

  test("wrap, unsigned ones too", () => {
    expect(values(add, [vector("u64", 2n ** 64n - 1n), vector("u64", 2n)])).toEqual([1n]);
    expect(values(sub, [vector("u64", 0n), vector("u64", 1n)])).toEqual([2n ** 64n - 1n]);
    expect(values(neg, [vector("i64", i64min)])).toEqual([i64min]);
    expect(values(div, [vector("i64", i64min), vector("i64", -1n)])).toEqual([i64min]);
    expect(values(shiftRight, [vector("u64", 2n ** 63n), vector("u64", 63n)])).toEqual([1n]);
    expect(values(shiftLeft, [vector("i64", 1n, 1n, 1n), vector("i64", 63n, 64n, -1n)])).toEqual([i64min, 0n, 0n]);
  });
});

describe("narrow integers", () => {
  test("wrap to their width", () => {
    expect(values(add, [vector("i8", 127, -128), vector("i8", 1, -1)])).toEqual([-128, 127]);
    expect(values(mul, [vector("i32", 0x7fffffff, 65537), vector("i32", 0x7fffffff, 65537)])).toEqual([1, 131073]);
    expect(values(mul, [vector("u32", 0xffffffff), vector("u32", 0xffffffff)])).toEqual([1]);
    expect(values(neg, [vector("u8", 1)])).toEqual([255]);
    expect(values(abs, [vector("i32", -(2 ** 31))])).toEqual([-(2 ** 31)]);
    expect(values(add, [vector("i4", 7), vector("i4", 1)])).toEqual([-8]);
    expect(values(bitNot, [vector("u8", 0b1010)])).toEqual([0b11110101]);
    expect(values(pow, [vector("u8", 3), vector("u8", 6)])).toEqual([729 % 256]);
  });

  test("divide towards zero, and give 0 by zero", () => {
    expect(values(div, [vector("i32", 7, -7, 7, -(2 ** 31)), vector("i32", 2, 2, 0, -1)])).toEqual([3, -3, 0, -(2 ** 31)]);
  });

  test("shift everything out beyond their width", () => {
    expect(values(shiftLeft, [vector("u8", 1, 1, 1), vector("u8", 7, 8, 200)])).toEqual([128, 0, 0]);
    expect(values(shiftRight, [vector("i8", -128, -128, 64), vector("i8", 3, 100, 8)])).toEqual([-16, -1, 0]);
    expect(values(shiftRight, [vector("u32", 0x80000000, 4), vector("u32", 31, 32)])).toEqual([1, 0]);
  });
});

describe("mod", () => {
  test("takes the sign of the divisor, with fmod that of the dividend", () => {
    for (const dtype of ["i32", "i64", "f32"] as const) {
      const [a, b] = [vector(dtype, 7, -7, 7, -7, 6), vector(dtype, 3, 3, -3, -3, 3)];
      expect(values(mod, [a, b]).map(Number)).toEqual([1, 2, -2, -1, 0]);
      expect(values(mod, [a, b], { fmod: true }).map(Number)).toEqual([1, -1, 1, -1, 0]);
    }
  });

  test("by zero is 0 for integers and NaN for floats", () => {
    expect(values(mod, [vector("i64", 5), vector("i64", 0)])).toEqual([0n]);
    expect(values(mod, [vector("u8", 5), vector("u8", 0)])).toEqual([0]);
    expect(values(mod, [vector("f32", 5), vector("f32", 0)])).toEqual([NaN]);
  });
});

describe("floats", () => {
  test("round halfway to even, keeping the sign of zero", () => {
    expect(values(round, [vector("f32", 0.5, 1.5, 2.5, -0.5, -1.5, 0.3, 1e30, Infinity)])).toEqual([0, 2, 2, -0, -2, 0, Math.fround(1e30), Infinity]);
    expect(values(round, [vector("f64", NaN, -Infinity, 0.49999999999999994)])).toEqual([NaN, -Infinity, 0]);
  });

  test("let NaN through min, max, relu, clip and sign", () => {
    const x = vector("f32", NaN);
    for (const def of [relu, clip, sign, floor, leakyRelu, elu]) expect(values(def, [x])).toEqual([NaN]);
    for (const def of [min, max]) expect([values(def, [x, vector("f32", 1)]), values(def, [vector("f32", 1), x])]).toEqual([[NaN], [NaN]]);
    expect(values(isNan, [vector("f32", NaN, 1, Infinity)])).toEqual([1, 0, 0]);
    expect([values(equal, [x, x]), values(notEqual, [x, x]), values(less, [x, x]), values(lessEqual, [x, x])]).toEqual([[0], [1], [0], [0]]);
  });

  test("tell infinities of the signs asked for", () => {
    const x = vector("f32", Infinity, -Infinity, 1, NaN);
    expect(values(isInf, [x])).toEqual([1, 1, 0, 0]);
    expect(values(isInf, [x], { detectNegative: false })).toEqual([1, 0, 0, 0]);
  });

  test("pow follows IEEE where JavaScript doesn't", () => {
    expect(values(pow, [vector("f64", 1, -1, 1, 0, -8), vector("f64", NaN, Infinity, -Infinity, 0, 1 / 3)])).toEqual([1, 1, 1, 1, NaN]);
  });

  test("are rounded once, to their dtype", () => {
    expect(values(add, [vector("f32", 1), vector("f32", 2 ** -25)])).toEqual([1]);
    expect(values(add, [vector("f16", 2048), vector("f16", 1)])).toEqual([2048]);
    expect(values(mul, [vector("bf16", 1.0078125), vector("bf16", 1.0078125)])).toEqual([1.015625]);
  });

  test("erf is right to the last digits", () => {
    // Abramowitz and Stegun, table 7.1, and mpmath for the tails.
    expect(values(erf, [vector("f64", 0, 0.5, 1, -1, 2, 3.5, 5, 7, NaN)])).toEqual([
      0,
      expect.closeTo(0.5204998778130465, 14),
      expect.closeTo(0.8427007929497149, 14),
      expect.closeTo(-0.8427007929497149, 14),
      expect.closeTo(0.9953222650189527, 14),
      expect.closeTo(0.9999992569016276, 14),
      expect.closeTo(0.9999999999984626, 14),
      1,
      NaN,
    ]);
  });
});

test("activations have the values of their formulas", () => {
  const x = vector("f64", -4, -1, 0, 0.5, 2);
  const of = (f: (x: number) => number): unknown => near([-4, -1, 0, 0.5, 2].map(f));
  expect(values(sigmoid, [x])).toEqual(of((v) => 1 / (1 + Math.exp(-v))));
  expect(values(silu, [x])).toEqual(of((v) => v / (1 + Math.exp(-v))));
  expect(values(softplus, [x])).toEqual(of((v) => Math.log(1 + Math.exp(v))));
  expect(values(softplus, [vector("f64", 1000)])).toEqual([1000]);
  expect(values(mish, [x])).toEqual(of((v) => v * Math.tanh(Math.log(1 + Math.exp(v)))));
  expect(values(hardSwish, [x])).toEqual(of((v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6));
  expect(values(hardSigmoid, [x])).toEqual(of((v) => Math.min(Math.max(0.2 * v + 0.5, 0), 1)));
  expect(values(elu, [x], { alpha: 2 })).toEqual(of((v) => (v > 0 ? v : 2 * (Math.exp(v) - 1))));
  // PyTorch: torch.nn.functional.gelu
  expect(values(gelu, [vector("f64", -1, 0.5, 2)])).toEqual(near([-0.15865525, 0.34573123, 1.95449974]));
  expect(values(gelu, [vector("f64", -1, 0.5, 2)], { approximate: "tanh" })).toEqual(near([-0.15880801, 0.34571401, 1.95459769]));
  expect(values(prelu, [tensor("f32", [2, 2], [-1, 1, -2, 2]), tensor("f32", [2, 1], [0.5, 0.25])])).toEqual([-0.5, 1, -0.5, 2]);
  expect(values(clip, [vector("f32", -3, 0, 3)], { low: 2, high: 1 })).toEqual([1, 1, 1]);
  expect(values(clip, [vector("i32", -3, 0, 3)], { low: -1.5, high: 1.5 })).toEqual([-1, 0, 1]);
});

describe("cast", () => {
  const to = (dtype: DType, x: Tensor): unknown[] => values(cast, [x], { to: dtype });

  test("from floats truncates and saturates", () => {
    const x = vector("f64", 1.9, -1.9, 1e30, -1e30, NaN, Infinity);
    expect(to("i32", x)).toEqual([1, -1, 2 ** 31 - 1, -(2 ** 31), 0, 2 ** 31 - 1].map((v) => v + 0));
    expect(to("u8", x)).toEqual([1, 0, 255, 0, 0, 255].map((v) => expect.closeTo(v, 10)));
    expect(to("i64", x)).toEqual([1n, -1n, i64max, i64min, 0n, i64max]);
    expect(to("u64", x)).toEqual([1n, 0n, 2n ** 64n - 1n, 0n, 0n, 2n ** 64n - 1n]);
    expect(to("i4", x)).toEqual([1, -1, 7, -8, 0, 7]);
    expect(to("bool", x)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("between integers wraps", () => {
    expect(to("i8", vector("i32", 200, -200))).toEqual([-56, 56]);
    expect(to("u8", vector("i64", 257n, -1n))).toEqual([1, 255]);
    expect(to("u32", vector("i64", -1n, 2n ** 40n + 5n))).toEqual([0xffffffff, 5]);
    expect(to("i64", vector("u64", 2n ** 64n - 1n))).toEqual([-1n]);
    expect(to("i64", vector("i32", -7))).toEqual([-7n]);
    expect(to("u4", vector("i32", 17))).toEqual([1]);
  });

  test("of 64-bit integers to floats rounds once", () => {
    // 2^54 + 2^30 + 1 lies above halfway of f32 only by its last bit, which a double has no room for.
    expect(to("f32", vector("i64", 2n ** 54n + 2n ** 30n + 1n))).toEqual([2 ** 54 + 2 ** 31]);
    expect(to("f32", vector("i64", -(2n ** 54n) - 2n ** 30n))).toEqual([-(2 ** 54)]);
    expect(to("f64", vector("i64", 9007199254740993n))).toEqual([9007199254740992]);
    expect(to("bool", vector("i64", 0n, 2n ** 40n))).toEqual([0, 1]);
  });

  test("refuses strings", () => expect(() => to("f32", vector("string", "1"))).toThrow(TypeMismatch));
});

describe("quantise", () => {
  test("rounds half to even, adds the zero point, saturates", () => {
    const x = vector("f32", 0.5, 1.5, -0.5, 1000, -1000, NaN);
    expect(values(quantise, [x, tensor("f32", [], [1]), tensor("u8", [], [3])], { to: "u8" })).toEqual([3, 5, 3, 255, 0, 0]);
  });

  test("divides in f32, as implementations do", () => {
    // The quotient of these f32 numbers is 1.5 in f32, and 1.49999994 in doubles.
    expect(values(quantise, [vector("f32", 0.0015), vector("f32", 0.001)], { to: "i8" })).toEqual([2]);
  });

  test("goes along an axis, or by blocks", () => {
    const x = tensor("f32", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(values(quantise, [x, vector("f32", 1, 2, 1, 4)], { to: "i8", axis: -1 })).toEqual([1, 1, 3, 1, 5, 3, 7, 2]);
    expect(values(quantise, [x, tensor("f32", [2, 2], [1, 2, 4, 1])], { to: "i8", axis: 1, block: 2 })).toEqual([1, 2, 2, 2, 1, 2, 7, 8]);
    expect(values(quantise, [x, tensor("f32", [1, 4], [1, 2, 4, 1])], { to: "i8", axis: 0, block: 2 })).toEqual([1, 1, 1, 4, 5, 3, 2, 8]);
  });

  test("and dequantise undo each other on stored values", () => {
    const q = vector("i8", -128, -1, 0, 1, 127);
    const [scale, zero] = [vector("f32", 0.1), vector("i8", 3)];
    expect(values(quantise, [evaluate(dequantise, [q, scale, zero]), scale, zero], { to: "i8" })).toEqual([-128, -1, 0, 1, 127]);
  });

  test("refuses parameters that don't fit", () => {
    const x = tensor("f32", [2, 4], new Array<number>(8).fill(0));
    expect(() => evaluate(quantise, [x, vector("f32", 1, 2, 3)], { to: "i8" })).toThrow("scale has 3 elements, x has 4 along axis 1");
    expect(() => evaluate(quantise, [x, vector("f32", 1), tensor("i8", [], [0])], { to: "i8" })).toThrow("zeroPoint and scale differ in shape");
    expect(() => evaluate(quantise, [x, vector("f32", 1)], { to: "f16" })).toThrow("wanted an integer");
  });
});

describe("types", () => {
  test("operands broadcast", () => {
    expect(evaluate(add, [tensor("f32", [2, 1], [1, 2]), tensor("f32", [3], [10, 20, 30])])).toEqual(tensor("f32", [2, 3], [11, 21, 31, 12, 22, 32]));
    expect(evaluate(select, [tensor("bool", [2, 1], [1, 0]), tensor("string", [], ["a"]), tensor("string", [2], ["b", "c"])])).toEqual(
      tensor("string", [2, 2], ["a", "a", "b", "c"]),
    );
    expect(evaluate(add, [tensor("f32", [0, 3], []), tensor("f32", [3], [1, 2, 3])])).toEqual(tensor("f32", [0, 3], []));
    expect(values(equal, [vector("string", "a", "b"), tensor("string", [], ["b"])])).toEqual([0, 1]);
    expect(values(xor, [vector("bool", 1, 0), vector("bool", 1, 1)])).toEqual([0, 1]);
    expect(values(not, [vector("bool", 1, 0)])).toEqual([0, 1]);
  });

  test.each([
    ["another dtype", add, ["f32", "f64"], "a is f32 and b is f64, wanted one dtype"],
    ["a float where bits are wanted", bitAnd, ["f32", "f32"], "a is f32, wanted an integer"],
    ["an integer where a root is wanted", floor, ["i32"], "x is i32, wanted a float"],
    ["a number where truth is wanted", xor, ["i32", "i32"], "a is i32, wanted bool"],
  ] as const)("refuse %s", (_what, def, dtypes, message) => {
    expect(() =>
      evaluate(
        def,
        dtypes.map((dtype) => vector(dtype, 1)),
      ),
    ).toThrow(message);
  });

  test("refuse quantised operands: their arithmetic is another", () => {
    const x = new Value({ dtype: "i8", shape: [4], quant: { scale: [0.5], zeroPoint: [0] } });
    expect(() => new Builder().create(add, { a: x, b: x })).toThrow("a is quantised");
  });
});
