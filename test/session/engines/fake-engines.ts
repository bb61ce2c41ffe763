import { onnxruntimeEngine, type OnnxruntimeModule } from "../../../src/session/engines/onnxruntime.ts";
import type { EngineSource, LoadedRegion, RegionEngine } from "../../../src/session/engines/region-engine.ts";

/** Engines that do what engines do on bad days, as a module for the process of a trial. */
export function nodeEngines(): Readonly<Record<string, EngineSource>> {
  const engine = (run: LoadedRegion["run"], version = "1.2.3"): EngineSource => ({
    open: () => Promise.resolve<RegionEngine>({ version, load: () => Promise.resolve({ isSync: true, run, close: () => undefined }) }),
  });
  const floats = (target: Uint8Array): Float32Array => new Float32Array(target.buffer, target.byteOffset, target.length / 4);
  return {
    doubles: engine(([x], [y]) => floats(y!).set(floats(x!).map((value) => value * 2))),
    crashes: engine(() => process.abort()),
    hangs: engine(() => {
      for (;;);
    }),
    nan: engine((_, [y]) => void floats(y!).fill(NaN)),
    garbage: engine((_, [y]) => void floats(y!).fill(1234)),
    fails: engine(() => {
      throw new Error("QNN_COMMON_ERROR_MEM_ALLOC");
    }),
    quits: engine(() => process.exit(0)),
    missing: { open: () => Promise.reject(new Error("libwonder.so is not found")) },
    refuses: { open: () => Promise.resolve({ version: "1", load: () => Promise.reject(new Error("Unknown operator Wonder in node w")) }) },
    wrongShape: { open: () => Promise.resolve(onnxruntimeEngine(fakeRuntime)) },
  };
}

class FakeTensor {
  readonly type: string;
  readonly data: ArrayBufferView;
  readonly dims: readonly number[];

  constructor(type: string, data: ArrayBufferView, dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

/** A runtime that gives one row too many. */
const fakeRuntime: OnnxruntimeModule = {
  Tensor: FakeTensor,
  env: { versions: { node: "1.2.3" } },
  InferenceSession: {
    create: () =>
      Promise.resolve({
        inputNames: ["x"],
        outputNames: ["y"],
        run: ({ x }: Readonly<Record<string, FakeTensor>>) => Promise.resolve({ y: new FakeTensor("float32", new Float32Array(8), [2, ...x!.dims.slice(1)]) }),
      }),
  },
};
