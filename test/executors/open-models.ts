/** ONNX models whose inputs leave dims open, beside the same files at fixed sizes. */
import { describe, expect, test } from "vitest";
import { importOnnx } from "../../src/frontends/onnx/import.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { isStatic, tensorType, type DType, type StaticType } from "../../src/ir/types.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { value, writeOnnx, type FunctionSpec, type NodeSpec, type Opset } from "../fixtures/onnx-writer.ts";
import { Executors } from "./executors.ts";
import { expectNear } from "./open-runs.ts";

const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";

/** Names of dims, or numbers; numbers between two that fill the tensor, or the tensor itself at some sizes. */
export interface OpenInput {
  readonly dtype?: DType;
  readonly dims: readonly (string | number)[];
  readonly range?: readonly [number, number];
  readonly data?: (sizes: Sizes) => Tensor;
}

export type Sizes = Readonly<Record<string, number>>;

export interface OpenModel {
  readonly nodes: readonly NodeSpec[];
  readonly inputs: Readonly<Record<string, OpenInput | readonly (string | number)[]>>;
  readonly outputs: Readonly<Record<string, DType>>;
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly functions?: readonly FunctionSpec[];
  readonly opset?: number;
  readonly domains?: readonly Opset[];
  /** The greatest size of each dim; the least is 1. Steps are 1. */
  readonly most: Sizes;
  readonly least?: Sizes;
  /** Sizes to run at; the greatest are run too. */
  readonly at: readonly Sizes[];
}

/** Declares a test for each model: at each size it gives what the file gives at fixed sizes, on all executors. */
export function testOpenModels(title: string, models: Readonly<Record<string, OpenModel>>): void {
  describe(title, () => {
    test.each(Object.keys(models))("%s", { timeout: 180_000 }, async (name) => {
      const model = models[name]!;
      const runs = [model.most, ...model.at].map((sizes) => ({ sizes, ...fixed(model, sizes) }));
      const executors = new Executors(openGraph(model), { flags: ["-O1"] });
      for (const { inputs, wanted } of runs) expectNear(executors.interpretImported(inputs), wanted);
      executors.optimize();
      for (const { inputs, wanted } of runs) {
        expectNear(await executors.run("interpreter", inputs), wanted);
        expectNear(await executors.run("guardedWasm", inputs), wanted);
      }
      if (hasCompiler) for (const { inputs, wanted } of runs.slice(0, 2)) expectNear(await executors.run("guarded", inputs), wanted);
    });
  });
}

export function openGraph(model: OpenModel): ReturnType<typeof importOnnx> {
  const shapes = Object.fromEntries(Object.entries(model.most).map(([dim, high]) => [dim, { low: model.least?.[dim] ?? 1, high, step: 1 }]));
  const graph = importOnnx(fileOf(model), { fileName: "open.onnx", shapes });
  expect(graph.params.some(({ type }) => !isStatic(type))).toBe(true);
  return graph;
}

function fixed(model: OpenModel, sizes: Sizes): { readonly inputs: readonly Tensor[]; readonly wanted: readonly Tensor[] } {
  const graph = importOnnx(fileOf(model), { fileName: "fixed.onnx", shapes: sizes });
  const inputs = Object.values(model.inputs).map((input, i) => {
    const { dtype = "f32", dims, range, data }: OpenInput = "dims" in input ? input : { dims: input };
    const shape = dims.map((dim) => (typeof dim === "number" ? dim : sizes[dim]!));
    return data?.(sizes) ?? randomTensor(tensorType(dtype, shape) as StaticType, 3 + i, range);
  });
  return { inputs, wanted: interpret(graph, inputs) };
}

function fileOf(model: OpenModel): Uint8Array {
  return writeOnnx({
    nodes: model.nodes,
    inputs: Object.entries(model.inputs).map(([name, input]) => {
      const { dtype = "f32", dims }: OpenInput = "dims" in input ? input : { dims: input };
      return value(name, dtype, dims);
    }),
    outputs: Object.entries(model.outputs).map(([name, dtype]) => value(name, dtype)),
    initializers: model.initializers ?? {},
    functions: model.functions ?? [],
    opsets: [{ domain: "", version: model.opset ?? 23 }, ...(model.domains ?? [])],
  });
}
