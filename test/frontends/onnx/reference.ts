import { decodeData, encodeData, type Tensor } from "../../../src/ir/tensor.ts";
import { elementCount, type DType } from "../../../src/ir/types.ts";

/** ONNX Runtime as a second opinion. It is a devDependency with a native part: where that does not load, tests skip and say so. */

const TYPES: Readonly<Partial<Record<DType, string>>> = {
  f32: "float32",
  f64: "float64",
  f16: "float16",
  i64: "int64",
  i32: "int32",
  i16: "int16",
  i8: "int8",
  u64: "uint64",
  u32: "uint32",
  u16: "uint16",
  u8: "uint8",
  bool: "bool",
  string: "string",
};

interface OrtTensor {
  readonly type: string;
  readonly data: ArrayBufferView | readonly string[];
  readonly dims: readonly number[];
}

interface Ort {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<{ run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>> }>;
  };
}

export type Reference = (bytes: Uint8Array, inputs: Readonly<Record<string, Tensor>>, outputs: readonly string[]) => Promise<readonly Tensor[]>;

/** undefined where the runtime does not load; with CI=true that is an error. */
export async function loadReference(): Promise<Reference | undefined> {
  try {
    const loaded = (await import("onnxruntime-node")) as unknown as Ort & { readonly default?: Ort };
    const ort = loaded.default ?? loaded;
    return (bytes, inputs, outputs) => run(ort, bytes, inputs, outputs);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: comparisons with ONNX Runtime, which does not load (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`);
    return undefined;
  }
}

async function run(ort: Ort, bytes: Uint8Array, inputs: Readonly<Record<string, Tensor>>, outputs: readonly string[]): Promise<readonly Tensor[]> {
  const session = await ort.InferenceSession.create(bytes, { graphOptimizationLevel: "disabled", intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, toOrt(ort, t)]));
  const results = await session.run(feeds);
  return outputs.map((name) => fromOrt(results[name]!));
}

function toOrt(ort: Ort, { type: { dtype, shape }, data }: Tensor): OrtTensor {
  const raw = dtype === "f16" ? new Uint16Array(encodeData("f16", data).buffer) : data;
  return new ort.Tensor(TYPES[dtype]!, raw, shape);
}

function fromOrt(result: OrtTensor): Tensor {
  const dtype = (Object.keys(TYPES) as DType[]).find((name) => TYPES[name] === result.type)!;
  const view = result.data;
  if (!ArrayBuffer.isView(view)) return { type: { dtype: "string", shape: [...result.dims] }, data: [...view] };
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return { type: { dtype, shape: [...result.dims] }, data: decodeData(dtype, bytes, elementCount(result.dims)) };
}
