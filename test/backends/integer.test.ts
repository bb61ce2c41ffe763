import { describe, expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { constant, returnOp } from "../../src/ir/ops/control.ts";
import { storageCast } from "../../src/ir/ops/conversion.ts";
import { conv, convTranspose } from "../../src/ir/ops/convolution.ts";
import { linear, matmul } from "../../src/ir/ops/linear.ts";
import { randomTensor } from "../../src/ir/sample.ts";
import { integerRange, type DType, type StaticType } from "../../src/ir/types.ts";
import { Executors } from "../executors/executors.ts";
import { target } from "../executors/targets.ts";
import { nativeTest } from "./host-compilers.ts";

/** Products over stored integers, each an output of one graph. */
class Products {
  readonly b: Builder;
  readonly graph = new Graph("products", []);
  private readonly results: Value[] = [];
  private readonly names: string[] = [];
  private seed = 1;

  constructor() {
    this.b = new Builder(this.graph.ops);
  }

  /** Stored integers under a quantisation of `scales` scales along `axis`; zero points off the middle. */
  stored(
    dtype: DType,
    shape: readonly number[],
    more: { readonly known?: boolean; readonly scales?: number; readonly axis?: number; readonly zeros?: number } = {},
  ): Value {
    const [low, high] = integerRange(dtype);
    const type: StaticType = { dtype, shape };
    const range = [low, high] as const;
    const known = more.known ?? false;
    const plain = known ? this.b.create(constant, {}, { value: randomTensor(type, this.seed++, range) }) : new Value(type, `x${this.seed++}`);
    if (!known) this.graph.params.push(plain);
    const count = more.scales ?? 1;
    const zero = more.zeros ?? Math.round(low + (high - low) * 0.4);
    const scale = Array.from({ length: count }, (_, i) => Math.fround(0.01 + 0.003 * i));
    const zeroPoint = scale.map((_, i) => (count > 1 && zero !== 0 ? zero + (i % 3) : zero));
    return this.b.create(storageCast, { x: plain }, { scale, zeroPoint, axis: more.axis ?? 0 });
  }

  bias(count: number): Value {
    return this.b.create(constant, {}, { value: randomTensor({ dtype: "i32", shape: [count] }, this.seed++, [-4000, 4000]) });
  }

  output(name: string, value: Value): Value {
    this.names.push(name);
    this.results.push(this.b.create(storageCast, { x: value }));
    return value;
  }

  finish(): Graph {
    this.b.createAll(returnOp, { values: this.results }, { names: this.names });
    return this.graph;
  }
}

const OUT = { outDtype: "u8", outScale: [0.6], outZeroPoint: [100] } as const;
const SIGNED = { outDtype: "i8", outScale: [0.3], outZeroPoint: [-3] } as const;

function everyProduct(): Graph {
  const p = new Products();
  const { b } = p;
  const pads = [1, 1, 1, 1];
  const image = p.stored("u8", [1, 3, 9, 7]);
  const first = b.create(
    conv,
    { x: image, w: p.stored("i8", [20, 3, 3, 3], { known: true, scales: 20, zeros: 0 }), bias: p.bias(20) },
    { pads, ...SIGNED, activation: "relu" },
  );
  const second = b.create(conv, { x: first, w: p.stored("u8", [12, 20, 3, 3], { known: true }) }, { pads, strides: [2, 1], ...OUT });
  const depth = b.create(
    conv,
    { x: second, w: p.stored("i8", [12, 1, 3, 3], { known: true, scales: 12 }), bias: p.bias(12) },
    { pads, groups: 12, outScale: [0.05], outZeroPoint: [0] },
  );
  p.output(
    "image flow",
    b.create(conv, { x: depth, w: p.stored("i8", [7, 12, 1, 1], { known: true }), bias: p.bias(7) }, { ...OUT, activation: "clip", alpha: -20, beta: 30 }),
  );
  p.output("accumulators", b.create(conv, { x: second, w: p.stored("i8", [5, 12, 1, 1], { known: true }) }, { outScale: [] }));
  p.output("depthwise accumulators", b.create(conv, { x: second, w: p.stored("i8", [12, 1, 5, 3], { known: true }) }, { groups: 12, pads: [2, 1, 2, 1] }));
  const grouped = p.stored("i8", [2, 6, 5, 5]);
  p.output(
    "odd groups",
    b.create(
      conv,
      { x: grouped, w: p.stored("i8", [4, 3, 2, 3], { known: true, scales: 4 }), bias: p.bias(4) },
      { groups: 2, dilations: [2, 1], pads, ...SIGNED },
    ),
  );
  p.output("even groups", b.create(conv, { x: p.stored("u8", [1, 32, 4, 4]), w: p.stored("i8", [32, 16, 1, 1], { known: true }) }, { groups: 2, ...OUT }));
  p.output(
    "line",
    b.create(conv, { x: p.stored("u8", [1, 10, 11]), w: p.stored("i8", [9, 10, 4], { known: true, scales: 9 }) }, { strides: [3], pads: [2, 1], ...OUT }),
  );
  p.output(
    "volume",
    b.create(
      conv,
      { x: p.stored("u8", [1, 5, 3, 4, 3]), w: p.stored("i8", [6, 5, 2, 2, 1], { known: true }), bias: p.bias(6) },
      { pads: [1, 0, 0, 0, 1, 1], ...OUT },
    ),
  );
  p.output("weights at run time", b.create(conv, { x: image, w: p.stored("u8", [5, 3, 3, 3], { scales: 5 }) }, { ...OUT }));
  p.output("depthwise at run time", b.create(conv, { x: grouped, w: p.stored("i8", [6, 1, 2, 2]) }, { groups: 6, ...SIGNED }));
  const up = { strides: [2, 3], pads: [1, 0, 1, 1], outputPads: [1, 0] };
  p.output(
    "transposed",
    b.create(convTranspose, { x: second, w: p.stored("i8", [12, 9, 3, 3], { known: true, scales: 9, axis: 1 }), bias: p.bias(9) }, { ...up, ...OUT }),
  );
  p.output("transposed groups", b.create(convTranspose, { x: grouped, w: p.stored("u8", [6, 2, 2, 2], { known: true }) }, { groups: 2, ...SIGNED }));
  p.output(
    "transposed at run time",
    b.create(convTranspose, { x: image, w: p.stored("i8", [3, 4, 2, 2], { scales: 4, axis: 1 }) }, { strides: [2, 2], ...OUT }),
  );
  for (const rounding of ["float", "tflite"] as const) {
    p.output(
      `${rounding} by channel`,
      b.create(
        conv,
        { x: image, w: p.stored("i8", [9, 3, 2, 2], { known: true, scales: 9, zeros: 0 }), bias: p.bias(9) },
        { ...SIGNED, rounding, activation: "relu" },
      ),
    );
    p.output(
      `${rounding} depthwise`,
      b.create(conv, { x: grouped, w: p.stored("i8", [6, 1, 3, 3], { known: true, zeros: 0 }) }, { groups: 6, pads, ...SIGNED, outScale: [0.02], rounding }),
    );
    p.output(
      `${rounding} linear`,
      b.create(
        linear,
        { x: p.stored("i8", [3, 10]), w: p.stored("i8", [11, 10], { known: true, scales: 11, zeros: 0 }) },
        { ...SIGNED, outScale: [2e-2], rounding },
      ),
    );
  }
  for (const k of [16, 13]) {
    const x = p.stored("u8", [2, 3, k]);
    p.output(
      `linear ${k}`,
      b.create(linear, { x, w: p.stored("i8", [19, k], { known: true, scales: 19, zeros: 0 }), bias: p.bias(19) }, { ...OUT, activation: "relu" }),
    );
    p.output(`linear at run time ${k}`, b.create(linear, { x, w: p.stored("u8", [8, k], { scales: 8 }) }, OUT));
    p.output(`matmul ${k}`, b.create(matmul, { a: x, b: p.stored("i8", [k, 21], { known: true, scales: 21, axis: 1 }) }, OUT));
    p.output(`matmul at run time ${k}`, b.create(matmul, { a: x, b: p.stored("u8", [2, k, 16]) }, OUT));
    p.output(`matmul over batches ${k}`, b.create(matmul, { a: x, b: p.stored("i8", [4, 1, k, 5], { scales: 5, axis: 3 }) }, SIGNED));
    p.output(`vectors ${k}`, b.create(matmul, { a: p.stored("u8", [k]), b: p.stored("i8", [k, 3], { known: true }) }, { outScale: [] }));
  }
  p.output(
    "u16 result",
    b.create(linear, { x: p.stored("u8", [2, 8]), w: p.stored("i8", [9, 8], { known: true }) }, { outDtype: "u16", outScale: [0.002], outZeroPoint: [30000] }),
  );
  p.output(
    "4-bit weights",
    b.create(linear, { x: p.stored("u8", [2, 8]), w: p.stored("i4", [9, 8], { known: true, zeros: 1 }) }, { ...OUT, outScale: [0.004] }),
  );
  return p.finish();
}

const bytes = (data: ArrayLike<number | bigint | string>): number[] => Array.from(data, Number);

describe("products over stored integers are the same bits everywhere", () => {
  const graph = everyProduct();
  const inputs = graph.params.map((param, i) => randomTensor(param.type as StaticType, 70 + i, integerRange(param.type.dtype)));
  const wanted = interpret(graph, inputs);
  const names = graph.terminator.attrs["names"] as readonly string[];
  const expectWanted = (got: readonly { readonly data: ArrayLike<number | bigint | string> }[]): void =>
    wanted.forEach((tensor, i) => expect(bytes(got[i]!.data), names[i]).toEqual(bytes(tensor.data)));

  test("results are spread over their range", () => {
    wanted.forEach((tensor, i) => expect(new Set(bytes(tensor.data)).size, names[i]).toBeGreaterThan(2));
  });
  test.each(["x86-64-v4", "x86-64-v3", "x86-64-v2", "arm64", "armv7", "riscv64", "wasm"])("kernel interpreter, %s", async (name) => {
    expectWanted(await new Executors(everyProduct()).runProgram(inputs, target(name)));
  });
  nativeTest("native", async () => expectWanted(await new Executors(everyProduct()).run("native", inputs)));
  test("wasm", async () => expectWanted(await new Executors(everyProduct()).run("wasm", inputs)));
});
