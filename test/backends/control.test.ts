import { describe, expect, test } from "vitest";
import { lower } from "../../src/backends/lower.ts";
import { countOps, macsOf } from "../../src/compile.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { Executors } from "../executors/executors.ts";
import { target } from "../executors/targets.ts";

const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";

const f32 = (...values: number[]): Tensor => tensor("f32", [values.length], values);
const scalar = (dtype: "i64" | "bool" | "f32", value: number): Tensor => tensor(dtype, [], [dtype === "i64" ? BigInt(value) : value]);
const numbers = (tensors: readonly Tensor[]): number[][] => tensors.map(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number));

/** What the interpreter of the graph gives; the others must give the same, run by run on memory that holds rubbish. */
async function everywhere(text: string, inputs: readonly Tensor[]): Promise<number[][]> {
  const wanted = numbers(interpret(parseGraph(text), inputs));
  const all = new Executors(parseGraph(text));
  for (const profile of ["host", "wasm"]) expect(numbers(await all.runProgram(inputs, target(profile))), `program for ${profile}`).toEqual(wanted);
  for (const executor of hasCompiler ? (["native", "wasm"] as const) : (["wasm"] as const))
    expect(numbers(await all.run(executor, inputs)), executor).toEqual(wanted);
  return wanted;
}

describe("if", () => {
  const text = `graph @g(%c: tensor<bool>, %x: tensor<5xf32>, %z: tensor<5xf32>) -> (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) {
    %n = neg %x : tensor<5xf32>
    %y, %w = if %c, %n, %z then @t(%p: tensor<5xf32>, %q: tensor<5xf32>) -> (tensor<5xf32>, tensor<5xf32>) { return %p, %p }
      else @e(%p: tensor<5xf32>, %q: tensor<5xf32>) -> (tensor<5xf32>, tensor<5xf32>) {
        %0 = exp %p : tensor<5xf32>
        %1 = mul %q, %p : tensor<5xf32>
        return %1, %q
      } : tensor<5xf32>, tensor<5xf32>
    %s = add %w, %n : tensor<5xf32>
    return %y, %s, %n
  }`;
  test.each([
    [
      1,
      [
        [-1, -2, -3, -4, -5],
        [-2, -4, -6, -8, -10],
        [-1, -2, -3, -4, -5],
      ],
    ],
    [
      0,
      [
        [-5, -8, -9, -8, -5],
        [4, 2, 0, -2, -4],
        [-1, -2, -3, -4, -5],
      ],
    ],
  ])("condition %i", { timeout: 60_000 }, async (condition, wanted) => {
    expect(await everywhere(text, [scalar("bool", condition), f32(1, 2, 3, 4, 5), f32(5, 4, 3, 2, 1)])).toEqual(wanted);
  });
});

describe("loop", () => {
  // Fibonacci: the carried values change places in each turn.
  const fibonacci = `graph @g(%trips: tensor<i64>, %a: tensor<3xf32>, %b: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
    %x, %y = loop %trips, _, %a, %b {carried = 2} body @b(%i: tensor<i64>, %p: tensor<3xf32>, %q: tensor<3xf32>) -> (tensor<bool>, tensor<3xf32>, tensor<3xf32>) {
      %go = constant {value = dense<true> : tensor<bool>} : tensor<bool>
      %s = add %p, %q : tensor<3xf32>
      return %go, %q, %s
    } : tensor<3xf32>, tensor<3xf32>
    return %x, %y
  }`;
  test.each([
    [
      0,
      [
        [0, 1, 2],
        [1, 1, 1],
      ],
    ],
    [
      1,
      [
        [1, 1, 1],
        [1, 2, 3],
      ],
    ],
    [
      6,
      [
        [8, 13, 18],
        [13, 21, 29],
      ],
    ],
    [
      -3,
      [
        [0, 1, 2],
        [1, 1, 1],
      ],
    ],
  ])("%i trips", { timeout: 60_000 }, async (trips, wanted) => {
    expect(await everywhere(fibonacci, [scalar("i64", trips), f32(0, 1, 2), f32(1, 1, 1)])).toEqual(wanted);
  });

  // Doubles x until it is the limit or more.
  const until = `graph @g(%trips: tensor<i64>, %go: tensor<bool>, %x: tensor<f32>, %limit: tensor<f32>) -> (tensor<f32>, tensor<i64>) {
    %zero = constant {value = dense<0> : tensor<i64>} : tensor<i64>
    %y, %n = loop %trips, %go, %x, %zero, %limit {carried = 2} body @b(%i: tensor<i64>, %v: tensor<f32>, %c: tensor<i64>, %l: tensor<f32>) -> (tensor<bool>, tensor<f32>, tensor<i64>) {
      %d = add %v, %v : tensor<f32>
      %again = less %d, %l : tensor<bool>
      return %again, %d, %i
    } : tensor<f32>, tensor<i64>
    return %y, %n
  }`;
  test.each([
    [10, 1, [[8], [2]]],
    [2, 1, [[4], [1]]],
    [0, 1, [[1], [0]]],
    [5, 0, [[1], [0]]],
  ])("%i trips at most, go %i", { timeout: 60_000 }, async (trips, go, wanted) => {
    expect(await everywhere(until, [scalar("i64", trips), scalar("bool", go), scalar("f32", 1), scalar("f32", 8)])).toEqual(wanted);
  });

  test("stacks what the turns of a known number give, and swaps what it carries", { timeout: 60_000 }, async () => {
    const text = `graph @g(%a: tensor<3xf32>, %b: tensor<3xf32>, %k: tensor<3xf32>) -> (tensor<3xf32>, tensor<4x3xf32>, tensor<4xi64>) {
      %x, %y, %rows, %turns = loop _, _, %a, %b, %k {carried = 2, turns = 4} body @b(%i: tensor<i64>, %p: tensor<3xf32>, %q: tensor<3xf32>, %c: tensor<3xf32>) -> (tensor<bool>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<i64>) {
        %go = constant {value = dense<false> : tensor<bool>} : tensor<bool>
        %s = add %p, %c : tensor<3xf32>
        return %go, %q, %s, %p, %i
      } : tensor<3xf32>, tensor<3xf32>, tensor<4x3xf32>, tensor<4xi64>
      return %y, %rows, %turns
    }`;
    expect(await everywhere(text, [f32(0, 0, 0), f32(10, 20, 30), f32(1, 2, 3)])).toEqual([
      [12, 24, 36],
      [0, 0, 0, 10, 20, 30, 1, 2, 3, 11, 22, 33],
      [0, 1, 2, 3],
    ]);
  });

  test("loops in branches in loops, with what each takes from outside", { timeout: 60_000 }, async () => {
    const text = `graph @g(%n: tensor<i64>, %x: tensor<2xf32>, %k: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
      %one = constant {value = dense<1> : tensor<i64>} : tensor<i64>
      %k2 = mul %k, %k : tensor<2xf32>
      %y = loop %n, _, %x, %k2, %one, %n {carried = 1} body @outer(%i: tensor<i64>, %v: tensor<2xf32>, %c: tensor<2xf32>, %o: tensor<i64>, %m: tensor<i64>) -> (tensor<bool>, tensor<2xf32>) {
        %go = constant {value = dense<true> : tensor<bool>} : tensor<bool>
        %big = greater %i, %o : tensor<bool>
        %w = if %big, %v, %c, %m then @t(%p: tensor<2xf32>, %q: tensor<2xf32>, %r: tensor<i64>) -> (tensor<2xf32>) {
          %z = loop %r, _, %p, %q {carried = 1} body @inner(%j: tensor<i64>, %u: tensor<2xf32>, %d: tensor<2xf32>) -> (tensor<bool>, tensor<2xf32>) {
            %go2 = constant {value = dense<true> : tensor<bool>} : tensor<bool>
            %s = add %u, %d : tensor<2xf32>
            return %go2, %s
          } : tensor<2xf32>
          return %z
        } else @e(%p: tensor<2xf32>, %q: tensor<2xf32>, %r: tensor<i64>) -> (tensor<2xf32>) {
          %s = sub %p, %q : tensor<2xf32>
          return %s
        } : tensor<2xf32>
        return %go, %w
      } : tensor<2xf32>
      %e = add %y, %k2 : tensor<2xf32>
      return %y, %e
    }`;
    // Two turns take k² away, the others add it n times each.
    expect(await everywhere(text, [scalar("i64", 4), f32(0, 100), f32(1, 2)])).toEqual([
      [6, 124],
      [7, 128],
    ]);
  });
});

describe("a loop whose data say how many rows it stacks", () => {
  const text = `graph @g(%n: tensor<i64>, %x: tensor<3xf32>) -> (tensor<3xf32>, tensor<?turns[0..4]x3xf32>) {
    %y, %r = loop %n, _, %x {carried = 1, maxTrips = 4, extent = "turns"} body @b(%i: tensor<i64>, %v: tensor<3xf32>) -> (tensor<bool>, tensor<3xf32>, tensor<3xf32>) {
      %go = constant {value = dense<true> : tensor<bool>} : tensor<bool>
      %s = add %v, %v : tensor<3xf32>
      return %go, %s, %v
    } : tensor<3xf32>, tensor<?turns[0..4]x3xf32>
    %m = neg %r : tensor<?turns[0..4]x3xf32>
    return %y, %m
  }`;
  test.each([
    [0, [[1, 2, 3], []]],
    [
      2,
      [
        [4, 8, 12],
        [-1, -2, -3, -2, -4, -6],
      ],
    ],
    [
      9,
      [
        [16, 32, 48],
        [-1, -2, -3, -2, -4, -6, -4, -8, -12, -8, -16, -24],
      ],
    ],
  ])("%i trips", { timeout: 60_000 }, async (trips, wanted) => {
    expect(await everywhere(text, [scalar("i64", trips), f32(1, 2, 3)])).toEqual(wanted);
  });
});

describe("scan", () => {
  const text = (
    turns: number,
  ): string => `graph @g(%s: tensor<2xf32>, %xs: tensor<${turns}x2xf32>, %bs: tensor<${turns}xbool>, %k: tensor<2xf32>) -> (tensor<2xf32>, tensor<${turns}x2xf32>, tensor<${turns}xbool>) {
    %sum, %sums, %flags = scan %s, %xs, %bs, %k {carried = 1, captured = 1} body @b(%a: tensor<2xf32>, %x: tensor<2xf32>, %f: tensor<bool>, %c: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<bool>) {
      %m = mul %x, %c : tensor<2xf32>
      %n = add %a, %m : tensor<2xf32>
      %g = not %f : tensor<bool>
      return %n, %n, %g
    } : tensor<2xf32>, tensor<${turns}x2xf32>, tensor<${turns}xbool>
    return %sum, %sums, %flags
  }`;
  test("goes over slices and stacks rows", { timeout: 60_000 }, async () => {
    const inputs = [f32(0, 10), tensor("f32", [3, 2], [1, 2, 3, 4, 5, 6]), tensor("bool", [3], [1, 0, 1]), f32(1, 2)];
    expect(await everywhere(text(3), inputs)).toEqual([
      [9, 34],
      [1, 14, 4, 22, 9, 34],
      [0, 1, 0],
    ]);
  });
  test("over no slices gives what it carries", { timeout: 60_000 }, async () => {
    expect(await everywhere(text(0), [f32(0, 10), tensor("f32", [0, 2], []), tensor("bool", [0], []), f32(1, 2)])).toEqual([[0, 10], [], []]);
  });
});

test("a carried value that is computed in place needs no copy in the loop", () => {
  const text = `graph @g(%trips: tensor<i64>, %x: tensor<64xf32>) -> (tensor<64xf32>) {
    %y = loop %trips, _, %x {carried = 1} body @b(%i: tensor<i64>, %v: tensor<64xf32>) -> (tensor<bool>, tensor<64xf32>) {
      %go = constant {value = dense<true> : tensor<bool>} : tensor<bool>
      %s = neg %v : tensor<64xf32>
      return %go, %s
    } : tensor<64xf32>
    return %y
  }`;
  const { program } = lower(parseGraph(text), target("wasm"), new WeightPool());
  const loop = program.steps.find((step) => step.kind === "loop");
  expect(loop?.kind === "loop" && loop.body.map((step) => step.kind === "call" && step.kernel.split("_")[0])).toEqual(["neg"]);
});

test("multiply-accumulates and ops of bodies count, as often as they run", () => {
  const graph = parseGraph(`graph @g(%c: tensor<bool>, %x: tensor<2x3xf32>, %w: tensor<3x3xf32>) -> (tensor<2x3xf32>) {
    %y = loop _, _, %x, %w, %c {carried = 1, turns = 5} body @b(%i: tensor<i64>, %v: tensor<2x3xf32>, %k: tensor<3x3xf32>, %d: tensor<bool>) -> (tensor<bool>, tensor<2x3xf32>) {
      %m = if %d, %v, %k then @t(%p: tensor<2x3xf32>, %q: tensor<3x3xf32>) -> (tensor<2x3xf32>) {
        %0 = matmul %p, %q : tensor<2x3xf32>
        return %0
      } else @e(%p: tensor<2x3xf32>, %q: tensor<3x3xf32>) -> (tensor<2x3xf32>) { return %p } : tensor<2x3xf32>
      return %d, %m
    } : tensor<2x3xf32>
    return %y
  }`);
  expect(macsOf(graph)).toBe(5 * 18);
  expect(countOps(graph)).toEqual({ if: 1, loop: 1, matmul: 1 });
});

test("halves are carried as halves", { timeout: 60_000 }, async () => {
  const text = `graph @g(%n: tensor<i64>, %x: tensor<3xf16>) -> (tensor<3xf16>) {
    %y = loop %n, _, %x {carried = 1} body @b(%i: tensor<i64>, %v: tensor<3xf16>) -> (tensor<bool>, tensor<3xf16>) {
      %go = constant {value = dense<true> : tensor<bool>} : tensor<bool>
      %s = add %v, %v : tensor<3xf16>
      return %go, %s
    } : tensor<3xf16>
    return %y
  }`;
  expect(await everywhere(text, [scalar("i64", 3), tensor("f16", [3], [1, -0.5, 0.25])])).toEqual([[8, -4, 2]]);
});
