/** What OpenVINO's processor plugin takes of the files that our exporter writes. It computes i64 as i32, so that whole numbers stay in regions only as indices. */
import { defineAccelerator } from "./accelerator.ts";
import { asOnnx, attrIs, byteProduct, firstIs, hasElements, rankIs, rows } from "./predicates.ts";

const FLOATS = firstIs("f32");
const FLOATS_OR_BYTES = firstIs("f32", "i8", "u8");

export const openvino = defineAccelerator({
  name: "openvino",
  summary: "OpenVINO on the processor, by an installed libopenvino_c.",
  exchange: "onnx",
  engine: "openvino",
  dtypes: ["f32", "i64", "i32", "i8", "u8", "bool"],
  accepts: {
    ...rows(["conv", "convTranspose"], FLOATS_OR_BYTES, rankIs(3, 5), byteProduct, hasElements, asOnnx),
    ...rows(["linear", "matmul"], FLOATS_OR_BYTES, byteProduct, hasElements, asOnnx),
    ...rows(["quantise", "dequantise", "storageCast"], asOnnx),
    ...rows(
      ["relu", "sigmoid", "tanh", "silu", "hardSwish", "softplus", "softsign", "mish", "gelu", "leakyRelu", "elu", "hardSigmoid", "prelu"],
      FLOATS,
      asOnnx,
    ),
    ...rows(["floor", "ceil", "sqrt", "reciprocal", "exp", "log", "erf", "pow", "neg", "abs", "sin", "cos", "clip"], FLOATS, asOnnx),
    ...rows(["add", "sub", "mul", "div", "min", "max"], FLOATS, asOnnx),
    ...rows(["reshape", "transpose", "broadcast", "slice", "concat", "gather", "pad"], FLOATS_OR_BYTES, hasElements, asOnnx),
    ...rows(["softmax", "logSoftmax", "layerNorm", "rmsNorm", "groupNorm", "batchNorm", "attention"], FLOATS, hasElements, asOnnx),
    reduce: [FLOATS, attrIs("kind", "sum", "mean", "min", "max", "prod", "l1", "l2"), hasElements, asOnnx],
    pool: [FLOATS, attrIs("kind", "max", "average"), rankIs(4, 5), hasElements, asOnnx],
    resize: [FLOATS, rankIs(4), attrIs("mode", "nearest", "linear"), attrIs("coordinates", "halfPixel", "asymmetric", "alignCorners"), hasElements, asOnnx],
  },
  costs: {
    launchUs: 60,
    opUs: 2,
    macsPerUs: { f32: 4e4, i8: 9e4, u8: 9e4 },
    bytesPerUs: 1e4,
    transferUs: 4,
    inBytesPerUs: 8000,
    outBytesPerUs: 8000,
  },
  options: { precision: "f32" },
});
