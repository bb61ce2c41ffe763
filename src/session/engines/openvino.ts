import { acceptResult, regionOptions, tensorBytes, type LoadedRegion, type RegionEngine, type RegionFile, type RegionTensor } from "./region-engine.ts";

/** What the engine needs of the C library, as whoever can call native code binds it. Objects are addresses. */
export interface OpenvinoApi {
  readonly version: string;
  /** A model of an ONNX file, compiled for a device with these properties. */
  compile(bytes: Uint8Array, device: string, properties: readonly (readonly [string, string])[]): OpenvinoModel;
}

export interface OpenvinoModel {
  readonly inputs: number;
  readonly outputs: number;
  /** The memory of an input, into which its elements are written. */
  input(index: number): OpenvinoTensor;
  /** The memory of an output after a run. */
  output(index: number): OpenvinoTensor;
  infer(): void;
  close(): void;
}

export interface OpenvinoTensor extends RegionTensor {
  read(): Uint8Array;
  write(bytes: Uint8Array): void;
}

/** Older ones number their element types otherwise. */
const OLDEST = 2025;

/**
 * OpenVINO on a device of this machine. f32 stays f32, where it would take bf16 by itself, unless `precision` says otherwise. The integers
 * of quantised regions are computed exactly: its fast ones saturate sums at 16 bits on processors without VNNI; `integers=fast` takes them.
 */
export function openvinoEngine(api: OpenvinoApi): RegionEngine {
  return {
    version: api.version,
    load(region) {
      return Promise.resolve().then(() => {
        if (Number.parseInt(api.version) < OLDEST) throw new Error(`is ${api.version}, wanted ${OLDEST} or newer`);
        if (region.exchange !== "onnx") throw new Error(`reads ONNX, not ${region.exchange}`);
        const options = regionOptions(region, ["device", "precision", "threads", "integers"]);
        const [device, threads] = [options.get("device") ?? "CPU", options.get("threads")];
        const properties: [string, string][] = [["INFERENCE_PRECISION_HINT", options.get("precision") ?? "f32"]];
        if (device === "CPU" && options.get("integers") !== "fast") properties.push(["LP_TRANSFORMS_MODE", "NO"]);
        if (threads) properties.push(["INFERENCE_NUM_THREADS", threads]);
        return loaded(api.compile(region.bytes, device, properties), region);
      });
    },
  };
}

function loaded(model: OpenvinoModel, { inputs, outputs }: RegionFile): LoadedRegion {
  if (model.inputs !== inputs.length || model.outputs !== outputs.length)
    throw new Error(`takes ${model.inputs} tensors and gives ${model.outputs}, wanted ${inputs.length} and ${outputs.length}`);
  inputs.forEach((wanted, i) => checkInput(i, model.input(i), wanted));
  return {
    isSync: true,
    run(given, targets) {
      inputs.forEach((type, i) => model.input(i).write(given[i]!.subarray(0, tensorBytes(type))));
      model.infer();
      outputs.forEach((wanted, i) => {
        const found = model.output(i);
        acceptResult(i, found, found.read(), wanted, targets[i]!);
      });
    },
    close: () => model.close(),
  };
}

function checkInput(index: number, found: RegionTensor, wanted: RegionTensor): void {
  const words = ({ dtype, shape }: RegionTensor): string => `${dtype} [${shape.join(", ")}]`;
  if (words(found) !== words(wanted)) throw new Error(`takes ${words(found)} for input ${index}, wanted ${words(wanted)}`);
}
