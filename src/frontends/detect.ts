import { Reader } from "protobufjs/minimal.js";
import { holds, latin } from "./formats/letters.ts";
import { isXgboost } from "./xgboost/container.ts";

/** Formats that are told apart by their content, and what people call them. */
export const FORMAT_NAMES = {
  onnx: "an ONNX model",
  nir: "a graph of neo",
  tflite: "a TensorFlow Lite model",
  hdf5: "an HDF5 file (Keras)",
  zip: "a zip archive (Keras, PyTorch)",
  torch: "a PyTorch file of the old kind",
  json: "a JSON file",
  pickle: "a Python pickle, which only its own program may run (of scikit-learn models `skl2onnx` saves what neo reads)",
  xgboost: "an XGBoost model",
  lightgbm: "a LightGBM model",
  catboost: "a CatBoost model",
  cbm: 'a CatBoost model of the binary form (`model.save_model("model.json", format="json")` saves what neo reads)',
  mxnet: "MXNet parameters",
  safetensors: "a safetensors file",
  darknet: "a DarkNet configuration",
} as const;

export type Format = keyof typeof FORMAT_NAMES;

/** The format of a file by its content; names and extensions lie too often. undefined: none that is known. */
export function detectFormat(bytes: Uint8Array): Format | undefined {
  const signatures: readonly [Format, boolean][] = [
    ["zip", startsWith(bytes, [0x50, 0x4b, 3, 4])],
    ["hdf5", startsWith(bytes, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])],
    ["tflite", latin(bytes, 4, 8) === "TFL3"],
    ["torch", startsWith(bytes, [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46])],
    ["xgboost", isXgboost(bytes)],
    ["pickle", startsWith(bytes, [0x80]) && bytes[1]! >= 2 && bytes[1]! <= 5 && bytes.at(-1) === 0x2e],
    ["lightgbm", /^(tree\r?\n|Tree=)/.test(latin(bytes, 0, 8)) || (isJson(bytes) && holds(bytes, '"tree_info"') && holds(bytes, '"max_feature_idx"'))],
    ["catboost", isJson(bytes) && holds(bytes, '"features_info"') && (holds(bytes, '"oblivious_trees"') || holds(bytes, '"model_info"'))],
    ["cbm", latin(bytes, 0, 4) === "CBM1"],
    ["mxnet", startsWith(bytes, [0x12, 1, 0, 0, 0, 0, 0, 0])],
    ["safetensors", latin(bytes, 8, 10) === '{"' && startsWith(bytes.subarray(4), [0, 0, 0, 0])],
    ["json", isJson(bytes)],
    ["darknet", /^(\s|[#;].*\n){0,64}\[net(work)?\]/.test(latin(bytes, 0, 4096))],
    ["nir", /^(\s|\/\/.*\n){0,64}graph @/.test(latin(bytes, 0, 4096))],
    ["onnx", isOnnx(bytes)],
  ];
  return signatures.find(([, matches]) => matches)?.[0];
}

/** Wire types of the fields of `ModelProto`; field 7 is the graph. */
const MODEL_FIELDS: Readonly<Record<number, number>> = { 1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2 };

/** Nothing marks a protocol buffer: it is an ONNX model if its first fields could be one's and there is a graph or an opset. */
function isOnnx(bytes: Uint8Array): boolean {
  const reader = new Reader(bytes);
  const seen = new Set<number>();
  try {
    for (let fields = 0; reader.pos < reader.len && fields < 64; fields++) {
      const tag = reader.tag();
      const field = tag >>> 3;
      // Damaged behind a good beginning: the importer says where.
      if (MODEL_FIELDS[field] !== (tag & 7)) return seen.has(1) && seen.size > 1;
      seen.add(field);
      reader.skipType(tag & 7);
    }
  } catch {
    // Cut short: the importer says where.
  }
  return seen.has(7) || (seen.has(1) && seen.has(8));
}

function isJson(bytes: Uint8Array): boolean {
  return /^\s{0,64}[{[]/.test(latin(bytes, 0, 128));
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return bytes.length >= start.length && start.every((byte, i) => bytes[i] === byte);
}
