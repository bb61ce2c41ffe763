/** Graphs whose inputs leave dims open, run at several sizes on every executor against what the graph means. */
import { describe, expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { dimOf, dimSymbol } from "../../src/ir/dims.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { isStatic, tensorType, type Dim, type DType, type StaticType } from "../../src/ir/types.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { Executors } from "./executors.ts";
import { target } from "./targets.ts";

const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";

export const N = dimSymbol("N", 1, 9);
export const S = dimSymbol("S", 1, 20);
/** 8, 16 … 48 */
export const W = dimOf("mul", dimSymbol("W/8", 1, 6), 8);
const FULL = { N: 9, S: 20, W: 48 };

/** Shapes of inputs of f32, or of another dtype between two numbers. */
type Input = readonly Dim[] | { readonly dtype: DType; readonly shape: readonly Dim[]; readonly from: number; readonly to: number };

export interface OpenInputs {
  readonly inputs: readonly Input[];
  readonly build: (b: Builder, inputs: readonly Value[]) => readonly Value[];
}

export const weights = (b: Builder, shape: readonly number[], seed = 1): Value =>
  b.create(constant, {}, { value: randomTensor(tensorType("f32", shape) as StaticType, seed) });

const LENGTHS = [FULL, { N: 1, S: 1, W: 8 }, { N: 2, S: 7, W: 16 }, { N: 5, S: 13, W: 40 }];

function graphOf({ inputs, build }: OpenInputs): Graph {
  const graph = new Graph(
    "open",
    inputs.map((input, i) => new Value("shape" in input ? tensorType(input.dtype, input.shape) : tensorType("f32", input), `in${i}`)),
  );
  const b = new Builder(graph.ops);
  const values = build(b, graph.params);
  b.create(returnOp, { values }, { names: values.map((_, i) => `out${i}`) });
  return graph;
}

function inputsOf({ inputs }: OpenInputs, lengths: typeof FULL): Tensor[] {
  const size = (dim: Dim): number => (typeof dim === "number" ? dim : dim === N ? lengths.N : dim === S ? lengths.S : lengths.W);
  return inputs.map((input, i) => {
    if (!("shape" in input)) return randomTensor(tensorType("f32", input.map(size)) as StaticType, 7 + i);
    return randomTensor(tensorType(input.dtype, input.shape.map(size)) as StaticType, 7 + i, [input.from, input.to]);
  });
}

/** Declares a test for each case and kind of executor. */
export function testOpenInputs(title: string, cases: Readonly<Record<string, OpenInputs>>): void {
  describe(title, () => {
    test.each(Object.keys(cases))("%s: kernels give what the graph means", { timeout: 120_000 }, async (name) => {
      const one = cases[name]!;
      const graph = graphOf(one);
      expect(graph.params.some(({ type }) => !isStatic(type))).toBe(true);
      const executors = new Executors(graph);
      const runs = LENGTHS.map((lengths) => inputsOf(one, lengths)).map((inputs) => ({ inputs, wanted: executors.interpretImported(inputs) }));
      executors.optimize();
      for (const { inputs, wanted } of runs) {
        expectNear(await executors.run("interpreter", inputs), wanted);
        expectNear(await executors.run("wasm", inputs), wanted);
      }
      expectNear(await executors.runProgram(runs[2]!.inputs, target("host")), runs[2]!.wanted);
    });

    test.runIf(hasCompiler).each(Object.keys(cases))("%s: natively too", { timeout: 120_000 }, async (name) => {
      const one = cases[name]!;
      const executors = new Executors(graphOf(one), { flags: ["-O1"] });
      const runs = LENGTHS.slice(0, 3)
        .map((lengths) => inputsOf(one, lengths))
        .map((inputs) => ({ inputs, wanted: executors.interpretImported(inputs) }));
      for (const { inputs, wanted } of runs) expectNear(await executors.run("native", inputs), wanted);
    });
  });
}

export function expectNear(found: readonly Tensor[], wanted: readonly Tensor[]): void {
  expect(found.map(({ type }) => type)).toEqual(wanted.map(({ type }) => type));
  found.forEach(({ data }, i) => {
    const other = wanted[i]!.data as ArrayLike<number | bigint>;
    const worst = Array.from(data as ArrayLike<number | bigint>).reduce<number>((most, value, at) => {
      const [a, b] = [Number(value), Number(other[at]!)];
      return Number.isNaN(a) !== Number.isNaN(b) ? Infinity : Math.max(most, Math.abs(a - b) / (1 + Math.abs(b)) || 0);
    }, 0);
    expect(worst, `output ${i}`).toBeLessThan(2e-4);
  });
}
