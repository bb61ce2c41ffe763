import { acceptResult, regionOptions, tensorBytes, type LoadedRegion, type RegionEngine, type RegionFile, type RegionTensor } from "./region-engine.ts";

/** What is used of `onnxruntime-node`; `onnxruntime-web` has the same. */
export interface OnnxruntimeModule {
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<OrtSession> };
  readonly env: { readonly versions: Readonly<Record<string, string | undefined>> };
}

interface OrtTensor {
  readonly type: string;
  readonly data: ArrayBufferView | readonly string[];
  readonly dims: readonly number[];
}

interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release?(): Promise<void>;
}

/** The runtime's words for dtypes, and the arrays it takes. */
const TYPES: Readonly<Record<string, readonly [string, new (buffer: ArrayBuffer) => ArrayBufferView]>> = {
  f64: ["float64", Float64Array],
  f32: ["float32", Float32Array],
  f16: ["float16", Uint16Array],
  i64: ["int64", BigInt64Array],
  i32: ["int32", Int32Array],
  i16: ["int16", Int16Array],
  i8: ["int8", Int8Array],
  u64: ["uint64", BigUint64Array],
  u32: ["uint32", Uint32Array],
  u16: ["uint16", Uint16Array],
  u8: ["uint8", Uint8Array],
  bool: ["bool", Uint8Array],
};

/** ONNX Runtime on the CPU. Integer sums are exact on every processor: without VNNI it would saturate them at 16 bits for speed. */
export function onnxruntimeEngine(ort: OnnxruntimeModule): RegionEngine {
  const { node, common } = ort.env.versions;
  return {
    version: node ?? common ?? "0",
    async load(region) {
      if (region.exchange !== "onnx") throw new Error(`reads ONNX, not ${region.exchange}`);
      const threads = Number(regionOptions(region, ["threads"]).get("threads") ?? 0);
      const session = await ort.InferenceSession.create(region.bytes, {
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        extra: { session: { x64quantprecision: "1" } },
        ...(threads > 0 ? { intraOpNumThreads: threads, interOpNumThreads: threads } : {}),
      });
      return loaded(ort, session, region);
    },
  };
}

function loaded(ort: OnnxruntimeModule, session: OrtSession, { inputs, outputs }: RegionFile): LoadedRegion {
  if (session.inputNames.length !== inputs.length || session.outputNames.length !== outputs.length)
    throw new Error(`takes ${session.inputNames.length} tensors and gives ${session.outputNames.length}, wanted ${inputs.length} and ${outputs.length}`);
  return {
    isSync: false,
    async run(given, targets) {
      const feeds = Object.fromEntries(session.inputNames.map((name, i) => [name, toOrt(ort, given[i]!, inputs[i]!)]));
      const results = await session.run(feeds);
      session.outputNames.forEach((name, i) => {
        const { type, dims, data } = results[name]!;
        if (!ArrayBuffer.isView(data)) throw new Error(`result ${i} is strings`);
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        acceptResult(i, { dtype: dtypeOf(type), shape: dims }, bytes, outputs[i]!, targets[i]!);
      });
    },
    close: () => void session.release?.().catch(() => undefined),
  };
}

/** A copy, since memory of sessions may be unaligned and may move. */
function toOrt(ort: OnnxruntimeModule, bytes: Uint8Array, type: RegionTensor): OrtTensor {
  const known = TYPES[type.dtype];
  if (!known) throw new Error(`takes no ${type.dtype}`);
  return new ort.Tensor(known[0], new known[1](bytes.slice(0, tensorBytes(type)).buffer), type.shape);
}

function dtypeOf(word: string): string {
  return Object.keys(TYPES).find((dtype) => TYPES[dtype]![0] === word) ?? word;
}
