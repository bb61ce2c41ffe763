/** What the CPU provider of ONNX Runtime takes of the files that our exporter writes (opset 17); its docs/OperatorKernels.md, narrowed to what tests run. */
import { defineAccelerator } from "./accelerator.ts";
import { asOnnx, byteProduct, firstIs, hasElements, rows } from "./predicates.ts";

const FLOATS = firstIs("f32");
const NUMBERS = firstIs("f32", "i32", "i64");
const FLOATS_OR_BYTES = firstIs("f32", "i8", "u8");

export const onnxruntime = defineAccelerator({
  name: "onnxruntime",
  summary: "ONNX Runtime on the processor, by the package onnxruntime-node.",
  exchange: "onnx",
  engine: "onnxruntime",
  dtypes: ["f32", "i64", "i32", "i8", "u8", "bool"],
  accepts: {
    ...rows(["conv", "convTranspose", "linear", "matmul"], FLOATS_OR_BYTES, byteProduct, hasElements, asOnnx),
    ...rows(["quantise", "dequantise", "storageCast"], asOnnx),
    ...rows(
      ["relu", "sigmoid", "tanh", "silu", "hardSwish", "softplus", "softsign", "mish", "gelu", "leakyRelu", "elu", "hardSigmoid", "prelu"],
      FLOATS,
      asOnnx,
    ),
    ...rows(["floor", "ceil", "round", "sqrt", "reciprocal", "exp", "log", "erf", "pow", "mod", "isNan", "isInf"], FLOATS, asOnnx),
    ...rows(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"], FLOATS, asOnnx),
    ...rows(["neg", "abs", "sign", "add", "sub", "mul", "div", "min", "max", "less", "lessEqual", "greater", "greaterEqual"], NUMBERS, asOnnx),
    ...rows(["equal", "notEqual"], firstIs("f32", "i32", "i64", "bool"), asOnnx),
    ...rows(["and", "or", "xor", "not"], firstIs("bool"), asOnnx),
    clip: [firstIs("f32", "i8", "u8", "i32", "i64"), asOnnx],
    select: [firstIs("bool"), (op) => firstOf(op.result.type.dtype), asOnnx],
    cast: [asOnnx],
    ...rows(["reshape", "transpose", "broadcast", "slice", "concat", "reverse", "roll", "gather", "gatherElements", "gatherNd"], hasElements, asOnnx),
    ...rows(["scatterElements", "scatterNd"], NUMBERS, hasElements, asOnnx),
    pad: [NUMBERS, hasElements, asOnnx],
    ...rows(["softmax", "logSoftmax", "layerNorm", "rmsNorm", "groupNorm", "batchNorm", "attention"], FLOATS, hasElements, asOnnx),
    ...rows(["reduce", "cumulative", "topK", "sort"], NUMBERS, hasElements, asOnnx),
    argReduce: [firstIs("f32", "i32"), hasElements, asOnnx],
    pool: [FLOATS_OR_BYTES, hasElements, asOnnx],
    ...rows(["maxPoolWithIndices", "lrn", "gridSample", "det"], FLOATS, hasElements, asOnnx),
    resize: [firstIs("f32", "i32", "i8", "u8"), hasElements, asOnnx],
  },
  costs: {
    launchUs: 40,
    opUs: 3,
    macsPerUs: { f32: 4e4, i8: 8e4, u8: 8e4 },
    bytesPerUs: 1e4,
    transferUs: 4,
    inBytesPerUs: 8000,
    outBytesPerUs: 8000,
  },
});

/** What Where chooses from. */
function firstOf(dtype: string): ReturnType<typeof FLOATS> {
  const wanted = "f32, i32, i64 or u8";
  return ["f32", "i32", "i64", "u8"].includes(dtype) ? undefined : { code: "dtype", reason: `it chooses ${dtype}, wanted ${wanted}`, found: dtype, wanted };
}
