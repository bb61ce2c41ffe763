import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Graph, Op, Value } from "../../src/ir/graph.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { randomGraph } from "../../src/ir/random-graph.ts";
import { byteLength, decodeData, encodeData, tensor, type Tensor } from "../../src/ir/tensor.ts";
import { parseGraph, parseGraphs } from "../../src/ir/text/parse.ts";
import { printGraph } from "../../src/ir/text/print.ts";
import { readGraphs } from "../../src/ir/text/read.ts";
import { DTYPES, type Dim, type DimOperator, type DType, type TensorType } from "../../src/ir/types.ts";
import { NeoError } from "../../src/support/errors.ts";
import { expectEqualGraphs } from "./equal-graphs.ts";

const name = fc.oneof(fc.constantFrom("", "x", "x", "12", "a b", "max", 'quo"te', "new\nline", "/model/conv.1", "№"), fc.string());

const symbol = fc
  .record({ name: fc.oneof(fc.constantFrom("N", "max", "x", "batch size"), fc.string()), low: fc.nat(9), high: fc.oneof(fc.constant(Infinity), fc.nat(99)) })
  .map((s) => ({ kind: "symbol" as const, ...s }));

const dim: fc.Arbitrary<Dim> = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { maxDepth: 4 },
    fc.nat(1000),
    symbol,
    fc.record({
      kind: fc.constant("expr" as const),
      operator: fc.constantFrom<DimOperator>("add", "sub", "mul", "floorDiv", "ceilDiv", "mod", "min", "max"),
      left: tie("dim"),
      right: tie("dim"),
    }),
  ),
})).dim;

const double = fc.double().map((x) => (Number.isNaN(x) ? NaN : x));

const quant = fc
  .record({ pairs: fc.array(fc.tuple(double, fc.integer()), { minLength: 1, maxLength: 4 }), axis: fc.option(fc.nat(5)), block: fc.option(fc.nat(64)) })
  .map(({ pairs, axis, block }) => ({
    scale: pairs.map(([s]) => s),
    zeroPoint: pairs.map(([, z]) => z),
    ...(axis === null ? {} : { axis }),
    ...(block === null ? {} : { block }),
  }));

const type: fc.Arbitrary<TensorType> = fc
  .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(dim, { maxLength: 5 }), quant: fc.option(quant) })
  .map(({ dtype, shape, quant: q }) => (q ? { dtype, shape, quant: q } : { dtype, shape }));

/** Tensors of any bits: NaNs with any payload among them. */
const anyTensor: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom(...DTYPES.filter((dtype) => dtype !== "string" && dtype !== "bool")), fc.constantFrom(1, 2, 15, 16, 17, 40))
  .chain(([dtype, count]) => {
    const bytes = byteLength(dtype, count);
    const bits = fc.oneof(fc.uint8Array({ minLength: bytes, maxLength: bytes }), fc.constant(new Uint8Array(bytes).fill(255)));
    return bits.map((given) => ({ type: { dtype, shape: [count] }, data: decodeData(dtype, given, count) }));
  });

function graphOf(params: readonly Value[], values: readonly Tensor[], loc: readonly string[], called: string): Graph {
  const graph = new Graph(called, params);
  graph.ops = values.map((value) => new Op(constant, [], { value }, [value.type], loc));
  graph.ops.forEach((op, i) => (op.result.name = loc[i] ?? ""));
  graph.ops.push(new Op(returnOp, [...params, ...graph.ops.map((op) => op.result)], { names: loc, extents: [], inputExtents: [] }, []));
  return graph;
}

describe("parse(print(g)) equals g", () => {
  test("for random graphs of all ops", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { graph } = randomGraph(seed, { ops: 6 });
        expectEqualGraphs(parseGraph(printGraph(graph)), graph);
      }),
      { numRuns: 60 },
    );
  });

  test("for any names, types and locations", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(type, name), { maxLength: 4 }), fc.array(name), name, (params, loc, called) => {
        const graph = graphOf(
          params.map(([t, n]) => new Value(t, n)),
          [],
          loc,
          called,
        );
        expectEqualGraphs(parseGraph(printGraph(graph)), graph);
      }),
      { numRuns: 300 },
    );
  });

  test("for constants of any bits", () => {
    fc.assert(
      fc.property(fc.array(anyTensor, { maxLength: 3 }), (tensors) => {
        const graph = graphOf([], tensors, ["c"], "g");
        expectEqualGraphs(parseGraph(printGraph(graph)), graph);
      }),
      { numRuns: 300 },
    );
  });

  test("for every f16 and bf16", () => {
    for (const dtype of ["f16", "bf16"] as const) {
      const bytes = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
      const data = decodeData(dtype, bytes, 65536);
      // NaNs of f16 keep no payload.
      const graph = graphOf([], [{ type: { dtype, shape: [65536] }, data }], [], "g");
      const back = parseGraph(printGraph(graph)).ops[0]!.attrs["value"] as Tensor;
      expect([...encodeData(dtype, back.data)]).toEqual([...encodeData(dtype, data)]);
    }
  });
});

test("an attribute at its default is not written, and read again as the default", () => {
  const text = "graph @g(%x: tensor<2xf32>) -> (tensor<2xf32>) {\n  %0 = leakyRelu %x : tensor<2xf32>\n  return %0\n}\n";
  expect(parseGraph(text).ops[0]!.attrs).toEqual({ alpha: 0.01 });
  expect(printGraph(parseGraph(text))).toBe(text);
});

test("short text leaves out large constants, and says so when it is read", () => {
  const text = printGraph(
    graphOf(
      [],
      [
        tensor(
          "i32",
          [20],
          Array.from({ length: 20 }, (_, i) => i),
        ),
      ],
      [],
      "g",
    ),
    { short: true },
  );
  expect(text).toContain("dense<...> : tensor<20xi32>");
  expect(() => parseGraph(text)).toThrow(expect.objectContaining({ notes: [expect.objectContaining({ text: expect.stringContaining("left out") })] }));
});

function errorOf(text: string): NeoError {
  try {
    readGraphs(text, "g.nir");
  } catch (error) {
    if (error instanceof NeoError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("bad text", () => {
  const wrap = (ops: string): string => `graph @g(%x: tensor<4xf32>) -> () {\n${ops}\n  return\n}\n`;

  test.each([
    ["what is no grammar", wrap("  %0 = = relu"), "NEO2050", "g.nir:2:8"],
    ["a text that ends early", "graph @g(%x: tensor<4", "NEO2050", "g.nir:1:22"],
    ["a number the dtype can't hold", wrap("  %0 = constant {value = dense<300> : tensor<2xi8>} : tensor<2xi8>"), "NEO2050", "g.nir:2:32"],
    ["too few elements", wrap("  %0 = constant {value = dense<[1, 2]> : tensor<3xi8>} : tensor<3xi8>"), "NEO2050", "g.nir:2:32"],
    ["too few bytes", wrap("  %0 = constant {value = dense<0x0102> : tensor<3xi8>} : tensor<3xi8>"), "NEO2050", "g.nir:2:38"],
    ["a bool that is neither", wrap("  %0 = constant {value = dense<0x02> : tensor<1xbool>} : tensor<1xbool>"), "NEO2050", "g.nir:2:36"],
    ["an unknown op", wrap("  %0 = frobnicate %x : tensor<4xf32>"), "NEO2051", "g.nir:2:8"],
    ["an attribute of another kind", wrap("  %0 = clip %x {low = low} : tensor<4xf32>"), "NEO2051", "g.nir:2:17"],
    ["a missing region", wrap("  %0 = fused %x : tensor<4xf32>"), "NEO2051", "g.nir:2:8"],
    ["types that don't follow", wrap("  %0 = relu %x : tensor<5xf32>"), "NEO2052", "g.nir:2:3"],
    ["a missing attribute", wrap("  %0 = cast %x : tensor<4xf32>"), "NEO2052", "g.nir:2:3"],
  ])("%s", (_what, text, code, where) => {
    const error = errorOf(text);
    expect([error.code, error.notes[0]?.where]).toEqual([code, where]);
  });

  test("is named all at once", () => {
    expect(errorOf(wrap("  %0 = frobnicate %y : tensor<4xf32>\n  %1 = relu %z : tensor<4xf32>")).notes).toHaveLength(3);
  });

  test("can't ask for much memory, depth or time", () => {
    expect(errorOf(wrap("  %0 = constant {value = dense<0> : tensor<999999999999xf32>} : tensor<4xf32>")).code).toBe("NEO7003");
    expect(errorOf(wrap(`  ${"%0 = fused %x body @b(%x: tensor<4xf32>) -> (tensor<4xf32>) {".repeat(70)}`)).code).toBe("NEO7002");
    expect(errorOf(`graph @g(%x: tensor<?${"(".repeat(100_000)}`).code).toBe("NEO2050");
    expect(errorOf(`graph @g(%x: tensor<${"1x".repeat(1000)}f32>)`).code).toBe("NEO2050");
    expect(errorOf(`graph @g(%${"a".repeat(5_000_000)}: tensor<4xf32>) -> () {`).code).toBe("NEO2050");
  });

  test("gives a NeoError, whatever it is", () => {
    const pieces = [
      ...'%@{}()<>[]=,:?_#!"',
      "graph",
      "dense<",
      "tensor<",
      "0x",
      "loc(",
      "relu",
      "4x",
      "f32",
      "\n",
      "-1",
      "1e999",
      "//",
      "N",
      "..",
      "body",
      "if",
      "conv",
      "transpose",
      "perm",
    ];
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat(6), fc.constantFrom(...pieces)), { minLength: 1, maxLength: 4 }), (seed, edits) => {
        let text = printGraph(randomGraph(seed % 50, { ops: 4 }).graph);
        for (const [at, removed, piece] of edits) text = text.slice(0, at % text.length) + piece + text.slice((at % text.length) + removed);
        try {
          for (const graph of readGraphs(text, "g.nir")) expectEqualGraphs(parseGraph(printGraph(graph)), graph);
        } catch (error) {
          if (!(error instanceof NeoError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

test("several graphs stand in one text", () => {
  expect(parseGraphs("graph @a() -> () { return }\n// between\ngraph @b() -> () { return }").graphs.map((graph) => graph.name)).toEqual(["a", "b"]);
  expect(() => parseGraph("")).toThrow(expect.objectContaining({ code: "NEO2051" }));
});

test("floats are written as short as their dtype allows", () => {
  const write = (dtype: DType, value: number): string => /dense<(.*)> :/.exec(printGraph(graphOf([], [tensor(dtype, [], [value])], [], "g")))![1]!;
  expect([write("f32", 0.1), write("f64", 0.1), write("f16", 0.1), write("bf16", 0.1), write("f32", 1e-45), write("f32", -0)]).toEqual([
    "0.1",
    "0.1",
    "0.1",
    "0.1",
    "1e-45",
    "-0",
  ]);
});
