import { describe, expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { Value, type Graph } from "../../src/ir/graph.ts";
import { BudgetExceeded, evaluateOp, interpret } from "../../src/ir/interpret.ts";
import { add } from "../../src/ir/ops/arithmetic.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { verify } from "../../src/ir/verify.ts";
import { InternalError, NeoError } from "../../src/support/errors.ts";

function graphOf(text: string): Graph {
  const graph = parseGraph(text);
  expect(verify(graph)).toEqual([]);
  return graph;
}

const numbers = (outputs: readonly Tensor[]): unknown[] => outputs.map(({ data }) => Array.from(data as ArrayLike<unknown>));
const f32 = (...values: number[]): Tensor => tensor("f32", [values.length], values);
const scalar = (dtype: "i64" | "bool", value: number | bigint): Tensor => tensor(dtype, [], [value]);

const CHAIN = `graph @chain(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %a = add %x, %y : tensor<2xf32>
  %b = mul %a, %a : tensor<2xf32>
  %unused = neg %b : tensor<2xf32>
  return %b, %x
}`;

test("a graph gives what its ops define, in the order of return", () => {
  expect(numbers(interpret(graphOf(CHAIN), [f32(1, 2), f32(3, 4)]))).toEqual([
    [16, 36],
    [1, 2],
  ]);
});

test("every result is shown as it comes", () => {
  const seen: string[] = [];
  interpret(graphOf(CHAIN), [f32(1, 2), f32(3, 4)], { onValue: (value, { data }) => void seen.push(`${value.name} ${data.join(" ")}`) });
  expect(seen).toEqual(["a 4 6", "b 16 36", "unused -16 -36"]);
});

test("a budget of elements ends a run", () => {
  const budget = { elements: 6 };
  interpret(graphOf(CHAIN), [f32(1, 2), f32(3, 4)], { budget });
  expect(budget.elements).toBe(0);
  expect(() => interpret(graphOf(CHAIN), [f32(1, 2), f32(3, 4)], { budget: { elements: 5 } })).toThrow(BudgetExceeded);
});

describe("inputs that don't fit", () => {
  const failure = (inputs: readonly Tensor[]): readonly string[] => {
    try {
      interpret(graphOf(CHAIN), inputs);
    } catch (error) {
      if (error instanceof NeoError && error.code === "NEO2069") return error.notes.map(({ where, text }) => `${where} ${text}`);
    }
    return [];
  };
  test("are all named", () => {
    expect(failure([tensor("f64", [2], [1, 2]), f32(1, 2, 3), f32(1)])).toEqual([
      "x is 2 f64, wanted 2 f32",
      "y is 3 f32, wanted 2 f32",
      "input 2 is one more than @chain takes",
    ]);
    expect(failure([f32(1, 2)])).toEqual(["y is missing, wanted 2 f32"]);
  });
});

test("symbols take the extents of the inputs", () => {
  const graph = graphOf(
    "graph @dynamic(%x: tensor<?Nx2xf32>) -> (tensor<?Nx2xf32>, tensor<2xi64>) {\n %a = relu %x : tensor<?Nx2xf32>\n %s = shapeOf %a : tensor<2xi64>\n return %a, %s\n}",
  );
  const [a, s] = interpret(graph, [tensor("f32", [3, 2], [-1, 1, -2, 2, -3, 3])]);
  expect([a!.type.shape, s!.data]).toEqual([[3, 2], new BigInt64Array([3n, 2n])]);
});

test("an extent the data decide follows from the number of elements", () => {
  const graph = graphOf(
    "graph @found(%x: tensor<4xf32>) -> (tensor<1x?n[0..4]xi64>, tensor<1x?n[0..4]xi64>) {\n %p = nonZero %x : tensor<1x?n[0..4]xi64>\n %q = neg %p : tensor<1x?n[0..4]xi64>\n return %p, %q\n}",
  );
  expect(interpret(graph, [f32(0, 5, 0, 7)]).map(({ type, data }) => [type.shape, [...(data as BigInt64Array)]])).toEqual([
    [
      [1, 2],
      [1n, 3n],
    ],
    [
      [1, 2],
      [-1n, -3n],
    ],
  ]);
});

test("a fused op is its body", () => {
  const graph = graphOf(`graph @g(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    %y = fused %x body @body(%p: tensor<2xf32>) -> (tensor<2xf32>) { %0 = neg %p : tensor<2xf32> %1 = relu %0 : tensor<2xf32> return %1 } : tensor<2xf32>
    return %y
  }`);
  expect(numbers(interpret(graph, [f32(-3, 3)]))).toEqual([[3, 0]]);
});

test("if runs the region that its condition asks for", () => {
  const graph = graphOf(`graph @g(%c: tensor<bool>, %x: tensor<2xf32>) -> (tensor<2xf32>) {
    %y = if %c, %x then @t(%p: tensor<2xf32>) -> (tensor<2xf32>) { return %p }
      else @e(%p: tensor<2xf32>) -> (tensor<2xf32>) { %0 = neg %p : tensor<2xf32> return %0 } : tensor<2xf32>
    return %y
  }`);
  expect(numbers(interpret(graph, [scalar("bool", 1), f32(1, 2)]))).toEqual([[1, 2]]);
  expect(numbers(interpret(graph, [scalar("bool", 0), f32(1, 2)]))).toEqual([[-1, -2]]);
});

describe("loop", () => {
  // Doubles x until it reaches the limit; gives every x on the way.
  const graph = graphOf(`graph @g(%trips: tensor<i64>, %go: tensor<bool>, %x: tensor<f32>, %limit: tensor<f32>) -> (tensor<f32>, tensor<?turns[0..10]xf32>) {
    %y, %all = loop %trips, %go, %x, %limit {carried = 1, maxTrips = 10, extent = "turns"} body @b(%i: tensor<i64>, %v: tensor<f32>, %l: tensor<f32>) -> (tensor<bool>, tensor<f32>, tensor<f32>) {
      %d = add %v, %v : tensor<f32>
      %again = less %d, %l : tensor<bool>
      return %again, %d, %v
    } : tensor<f32>, tensor<?turns[0..10]xf32>
    return %y, %all
  }`);
  const run = (trips: bigint, go: number): unknown[] =>
    numbers(interpret(graph, [scalar("i64", trips), scalar("bool", go), tensor("f32", [], [1]), tensor("f32", [], [8])]));
  test("ends by its condition", () => expect(run(10n, 1)).toEqual([[8], [1, 2, 4]]));
  test("ends by its trips", () => expect(run(2n, 1)).toEqual([[4], [1, 2]]));
  test("may not run at all", () =>
    expect([run(0n, 1), run(5n, 0)]).toEqual([
      [[1], []],
      [[1], []],
    ]));
});

test("scan goes over the first axis", () => {
  const graph = graphOf(`graph @g(%s: tensor<2xf32>, %xs: tensor<3x2xf32>) -> (tensor<2xf32>, tensor<3x2xf32>) {
    %sum, %sums = scan %s, %xs {carried = 1} body @b(%a: tensor<2xf32>, %x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
      %n = add %a, %x : tensor<2xf32>
      return %n, %n
    } : tensor<2xf32>, tensor<3x2xf32>
    return %sum, %sums
  }`);
  expect(numbers(interpret(graph, [f32(0, 10), tensor("f32", [3, 2], [1, 2, 3, 4, 5, 6])]))).toEqual([
    [9, 22],
    [1, 12, 4, 16, 9, 22],
  ]);
});

test("call runs its body", () => {
  const graph = graphOf(
    'graph @g(%x: tensor<2xf32>) -> (tensor<2xf32>) {\n %y = call %x {callee = "f"} body @f(%p: tensor<2xf32>) -> (tensor<2xf32>) { %0 = abs %p : tensor<2xf32> return %0 } : tensor<2xf32>\n return %y\n}',
  );
  expect(numbers(interpret(graph, [f32(-1, 1)]))).toEqual([[1, 1]]);
});

test("state outlives a run when it is handed in", () => {
  const graph = graphOf(
    'graph @g(%x: tensor<2xf32>) -> (tensor<2xf32>) {\n %s = readState {name = "s", dtype = f32, shape = [2]} : tensor<2xf32>\n %n = add %s, %x : tensor<2xf32>\n writeState %n {name = "s"}\n return %n\n}',
  );
  const state = new Map<string, Tensor>();
  const run = (options: object): unknown[] => numbers(interpret(graph, [f32(1, 2)], options));
  expect([run({ state }), run({ state }), run({})]).toEqual([[[1, 2]], [[2, 4]], [[1, 2]]]);
});

test("one op runs by itself", () => {
  const x = new Value({ dtype: "f32", shape: [2] });
  const op = new Builder().create(add, { a: x, b: x }).producer!;
  expect(numbers(evaluateOp(op, [f32(1, 2), f32(3, 4)]))).toEqual([[4, 6]]);
});

test("a graph that reads what was not computed is our bug", () => {
  const graph = graphOf(CHAIN);
  graph.ops.splice(0, 1);
  expect(() => interpret(graph, [f32(1, 2), f32(3, 4)])).toThrow(InternalError);
});
