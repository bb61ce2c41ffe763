import { SCHEDULES } from "../../../src/backends/schedules/index.ts";
import { Builder } from "../../../src/ir/builder.ts";
import { Graph, Value, type Op } from "../../../src/ir/graph.ts";
import { operandSlot, type Sample } from "../../../src/ir/op-def.ts";
import { returnOp } from "../../../src/ir/ops/control.ts";
import type { Tensor } from "../../../src/ir/tensor.ts";
import { tensorType, type DType } from "../../../src/ir/types.ts";
import { operandsOf, type Operand } from "./lowered.ts";

const DEFS = SCHEDULES.flatMap((schedule) => schedule.ops).filter((def) => def.samples.length > 0);

/** Larger than samples: every branch of the schedules is taken. */
const LARGE: Readonly<Record<string, readonly Sample[]>> = {
  add: [
    { a: "3x37xf32", b: "37xf32" },
    { a: "70xi64", b: "70xi64" },
    { a: "70xu8", b: "70xu8" },
    { a: "70xi16", b: "1xi16" },
    { a: "70xf16", b: "70xf16" },
    { a: "70xbf16", b: "70xbf16" },
    { a: "9xf64", b: "9xf64" },
  ],
  div: [
    { a: "9xi32", b: "9xi32" },
    { a: "9xu32", b: "9xu32" },
    { a: "9xi64", b: "9xi64" },
    { a: "9xu64", b: "9xu64" },
  ],
  cast: [
    ...(["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool"] as const).flatMap((from) =>
      (["f64", "f32", "f16", "bf16", "i64", "i32", "i8", "u64", "u32", "u16", "bool"] as const).map((to): Sample => ({ x: `21x${from}`, attrs: { to } })),
    ),
  ],
  transpose: [
    { x: "37x41xf32", attrs: { perm: [1, 0] } },
    { x: "3x5x17xu8", attrs: { perm: [2, 0, 1] } },
    { x: "5x6xi64", attrs: { perm: [1, 0] } },
  ],
  slice: [{ x: "3x50xf32", attrs: { starts: [2, 49], sizes: [3, 40], steps: [-1, -1] } }],
  concat: [{ xs: ["70xu8", "3xu8", "41xu8"], attrs: { axis: 0 } }],
  pad: [
    { x: "40xf16", attrs: { low: [3], high: [1], value: 1.5 } },
    { x: "9xi64", attrs: { low: [3], high: [1], value: -7 } },
    { x: "64xu8", attrs: { low: [4], high: [8], value: 200 } },
  ],
  reduce: (["sum", "mean", "prod", "min", "max", "l1", "l2", "logSumExp"] as const).flatMap((kind) =>
    [[1], [0], [0, 2]].map((axes) => ({ x: "18x37x19xf32 in 0.2..1.2", attrs: { kind, axes } })),
  ),
  softmax: [{ x: "3x50xf32" }, { x: "2x19x33xf32", attrs: { axis: 1 } }, { x: "3x50xf16" }],
  layerNorm: [{ x: "3x50xf32", scale: "50xf32", bias: "50xf32" }],
  argReduce: [
    { x: "21x40xf32", attrs: { axis: 0 } },
    { x: "4x30xi8", attrs: { axis: 0, keepDims: false } },
  ],
  topK: [
    { x: "3x100xf32", attrs: { k: 9 } },
    { x: "40xi64", attrs: { k: 40 } },
    { x: "5x33xf16", attrs: { k: 3, largest: false } },
  ],
  gather: [
    { x: "9x40xf32", indices: "2x3xi64 in -12..12", attrs: { axis: 0 } },
    { x: "9x70xu8", indices: "3xi32", attrs: { axis: 0 } },
  ],
  scatterNd: [
    { x: "9x40xf32", indices: "5x1xi64 in -12..12", updates: "5x40xf32", attrs: { reduction: "add" } },
    { x: "9x64xu8", indices: "5x1xi64", updates: "5x64xu8" },
  ],
  quantise: [{ x: "2x19x8xf32 in -9..9", scale: "19xf32 in 0.01..0.1", zeroPoint: "19xi8 in 0..3", attrs: { to: "i8", axis: 1 } }],
  dequantise: [{ x: "70xu8", scale: "f32 in 0.1..0.2", zeroPoint: "u8 in 3..9" }],
  resize: [
    { x: "1x19x4x5xf32", attrs: { shape: [1, 19, 9, 13], scales: [1, 1, 2.25, 2.6], mode: "cubic" } },
    { x: "1x3x40xu8", attrs: { shape: [1, 3, 17], scales: [1, 1, 17 / 40] } },
  ],
  lstm: [
    {
      x: "3x7x5xf32",
      w: "2x76x5xf32",
      r: "2x76x19xf32",
      bias: "2x152xf32",
      sequenceLengths: "7xi64 in 0..3",
      attrs: { hidden: 19, direction: "bidirectional" },
    },
  ],
  gru: [{ x: "3x1x5xf32", w: "1x99x5xf32", r: "1x99x33xf32", attrs: { hidden: 33 } }],
};

/** All samples of every op that has kernels, in one graph: operands are its parameters, results its outputs. */
export function sampleGraph(): { readonly graph: Graph; readonly inputs: readonly Tensor[]; readonly ops: readonly Op[] } {
  const params: Value[] = [];
  const inputs: Tensor[] = [];
  const graph = new Graph("samples", []);
  const builder = new Builder(graph.ops);
  const ops: Op[] = [];
  for (const def of DEFS) {
    for (const sample of [...def.samples, ...(LARGE[def.name] ?? [])]) {
      const given = operandsOf(def, sample);
      if (
        Object.values(given)
          .flat()
          .some((o) => o && isPacked(o.type.dtype)) ||
        JSON.stringify(sample).includes('"i4"')
      )
        continue;
      const valueOf = (operand: Operand): Value => {
        const value = new Value(tensorType(operand.type.dtype, operand.type.shape), `x${params.length}`);
        params.push(value);
        inputs.push({ type: operand.type, data: operand.data });
        return value;
      };
      const values = Object.fromEntries(
        (def.operands as readonly string[]).map((declaration) => {
          const o = given[operandSlot(declaration).name];
          return [operandSlot(declaration).name, Array.isArray(o) ? o.map(valueOf) : o && valueOf(o)];
        }),
      );
      const results = builder.createAll(def, values, sample["attrs"] as never);
      ops.push(results[0]!.producer!);
    }
  }
  graph.params.push(...params);
  builder.createAll(
    returnOp,
    { values: ops.flatMap((op) => op.results) } as never,
    { names: ops.flatMap((op) => op.results.map((_, i) => `${op.name}${i}`)) } as never,
  );
  return { graph, inputs, ops };
}

function isPacked(dtype: DType): boolean {
  return dtype === "i4" || dtype === "u4" || dtype === "string";
}
