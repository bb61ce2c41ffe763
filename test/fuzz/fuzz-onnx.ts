import { importModel } from "../../src/frontends/index.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { NeoError } from "../../src/support/errors.ts";
import { seededRandom } from "../../src/support/random.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { damageMessage } from "./damage-message.ts";
import { CONTROL_MODELS } from "../fixtures/control-models.ts";
import { node, value, writeOnnx } from "../fixtures/onnx-writer.ts";
import { damage } from "./damage.ts";

export interface OnnxFuzzOptions {
  readonly seed: number;
  /** The first of both limits ends it. */
  readonly runs?: number;
  readonly milliseconds?: number;
  /** For one file. */
  readonly limitMs?: number;
  /** Further models to damage. */
  readonly models?: readonly Uint8Array[];
}

export interface OnnxFuzzResult {
  readonly runs: number;
  readonly imported: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

/**
 * Feeds damaged models to the importer: flipped bits, cut and doubled ranges, numbers replaced by extreme ones, parts of one model
 * inside another, and fields of messages changed with all lengths kept right. Throws at the first that ends in anything but a graph or a `NeoError`, or takes longer than `limitMs`.
 */
export function fuzzOnnx({ seed, runs = Infinity, milliseconds = Infinity, limitMs = 10_000, models: more = [] }: OnnxFuzzOptions): OnnxFuzzResult {
  const random = seededRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const own = originals();
  const models = [...own, ...more];
  const codes: Record<string, number> = {};
  let [count, imported, slowestMs] = [0, 0, 0];
  const started = performance.now();
  for (; count < runs && performance.now() - started < milliseconds; count++) {
    const chosen = pick(models.length);
    let bytes: Uint8Array = models[chosen]!.slice();
    // Three in four keep the frame, and get to the importers.
    const harm = pick(4) === 0 ? damage : damageMessage;
    for (let i = 1 + pick(4); i > 0; i--) bytes = harm(bytes, models, pick);
    const start = process.cpuUsage();
    try {
      importModel(bytes, {
        fileName: "fuzz.onnx",
        shapes: chosen < own.length ? { N: 2 } : {},
        limits: { ...DEFAULT_LIMITS, totalBytes: 2 ** 26, tensorBytes: 2 ** 26 },
      });
      imported++;
    } catch (error) {
      if (!(error instanceof NeoError)) throw new Error(`seed ${seed}, file ${count}: ${(error as Error).stack}`, { cause: error });
      codes[error.code] = (codes[error.code] ?? 0) + 1;
    }
    // Time of the processor: other processes don't count.
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1000;
    slowestMs = Math.max(slowestMs, took);
    if (took > limitMs) throw new Error(`seed ${seed}, file ${count}: ${took.toFixed(0)} ms`);
  }
  return { runs: count, imported, codes, slowestMs };
}

/** Small models that reach many importers. */
function originals(): Uint8Array[] {
  const f32 = (shape: number[]): ReturnType<typeof tensor> =>
    tensor(
      "f32",
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 7) / 7),
    );
  const i64 = (...values: number[]): ReturnType<typeof tensor> => tensor("i64", [values.length], values.map(BigInt));
  return [
    ...CONTROL_MODELS.map(({ spec }) => writeOnnx({ ...spec, inputs: [...(spec.inputs ?? []), value("n", "f32", ["N"])] })),
    writeOnnx({
      inputs: [value("x", "f32", [1, 3, 8, 8])],
      outputs: [value("y", "f32", [1, 4])],
      initializers: { w: f32([4, 3, 3, 3]), b: f32([4]), s: i64(1, 4) },
      nodes: [
        node("Conv", ["x", "w", "b"], ["c"], { pads: [1, 1, 1, 1], strides: [2, 2], kernel_shape: [3, 3] }),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["m"], { kernel_shape: [2, 2], strides: [2, 2] }),
        node("GlobalAveragePool", ["m"], ["g"]),
        node("Reshape", ["g", "s"], ["y"]),
      ],
    }),
    writeOnnx({
      inputs: [value("x", "f32", ["N", 6])],
      outputs: [value("y", "f32", ["N", 5])],
      initializers: { w: f32([6, 5]), b: f32([5]), axes: i64(0), one: i64(1) },
      nodes: [
        node("MatMul", ["x", "w"], ["p"]),
        node("Add", ["p", "b"], ["q"]),
        node("Shape", ["q"], ["shape"]),
        node("Slice", ["shape", "axes", "one"], ["n"]),
        node("Concat", ["n", "one"], ["z"], { axis: 0 }),
        node("Expand", ["q", "n"], ["e"]),
        node("Softmax", ["q"], ["y"], { axis: -1 }),
      ],
    }),
    writeOnnx({
      inputs: [value("x", "f32", [2, 3, 4])],
      outputs: [value("y", "f32", [2, 3, 4])],
      initializers: { pads: i64(0, 0, 1, 0, 0, 1), reps: i64(1, 2, 1), starts: i64(0), ends: i64(3), axes: i64(1), scales: f32([3]) },
      nodes: [
        node("Pad", ["x", "pads"], ["p"], { mode: "reflect" }),
        node("Tile", ["p", "reps"], ["t"]),
        node("Slice", ["t", "starts", "ends", "axes"], ["s"]),
        node("Transpose", ["s"], ["u"], { perm: [0, 2, 1] }),
        node("ReduceMean", ["u"], ["v"], { axes: [1], keepdims: 0 }),
        node("Cast", ["x"], ["y"], { to: 1 }),
      ],
    }),
  ];
}
