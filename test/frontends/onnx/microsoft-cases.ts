import type { DType } from "../../../src/ir/types.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import { float, floats } from "../../fixtures/onnx-writer.ts";
import { f32, i64, type OneNode } from "./one-node.ts";

const ms = (op: string, inputs: OneNode["inputs"], attrs: OneNode["attrs"] = {}, outputs?: readonly (DType | null)[]): OneNode => ({
  op,
  domain: "com.microsoft",
  inputs,
  attrs,
  ...(outputs ? { outputs } : {}),
});

const scalar = (dtype: DType, value: number): Tensor => tensor(dtype, [], [value]);
const i32 = (...values: number[]): Tensor => tensor("i32", [values.length], values);
const ids = (shape: readonly number[], ...values: number[]): Tensor => tensor("i32", shape, values);

/** Q, K and V for 2 batches, 4 positions and 2 heads of 3. */
const qkv = ["2x4x6xf32", "2x4x6xf32", "2x4x6xf32"] as const;

const multiHead: OneNode[] = [
  ms("MultiHeadAttention", qkv, { num_heads: 2 }),
  ms("MultiHeadAttention", qkv, { num_heads: 2, scale: float(0.3) }),
  ms("MultiHeadAttention", qkv, { num_heads: 2, unidirectional: 1 }),
  ms("MultiHeadAttention", ["2x4x6xf32", "2x5x6xf32", "2x5x10xf32"], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, "18xf32"], { num_heads: 2 }),
  ms("MultiHeadAttention", ["2x4x6xf32", "2x5x6xf32", "2x5x10xf32", "22xf32"], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, null, i32(4, 2)], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, null, ids([2, 4], 1, 1, 0, 1, 0, 1, 1, 1)], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, null, ids([2, 4], 1, 1, 0, 1, 0, 0, 0, 0)], { num_heads: 2, mask_filter_value: float(-50) }),
  ms("MultiHeadAttention", [...qkv, null, "2x4x4xi32 in 0..1"], { num_heads: 2, mask_filter_value: float(-50) }),
  ms("MultiHeadAttention", [...qkv, null, null, "2x2x4x4xf32"], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, "18xf32", ids([2, 4], 1, 1, 1, 0, 1, 1, 0, 0), "1x1x4x4xf32"], { num_heads: 2 }),
  ms("MultiHeadAttention", [...qkv, null, null, null, "2x2x3x3xf32", "2x2x3x3xf32"], { num_heads: 2 }, ["f32", "f32", "f32"]),
  ms("MultiHeadAttention", [...qkv, "18xf32", null, null, "2x2x3x3xf32", "2x2x3x3xf32"], { num_heads: 2, unidirectional: 1 }, ["f32", "f32", "f32"]),
  ms(
    "MultiHeadAttention",
    [...qkv, null, ids([2, 7], 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0), "2x1x4x7xf32", "2x2x3x3xf32", "2x2x3x3xf32"],
    { num_heads: 2 },
    ["f32", "f32", "f32"],
  ),
  ms("MultiHeadAttention", [...qkv], { num_heads: 2 }, ["f32", "f32", "f32"]),
  ms("MultiHeadAttention", ["2x4x6xf32", "2x2x5x3xf32", "2x2x5x3xf32"], { num_heads: 2 }),
];

const projected = ["2x4x5xf32", "5x18xf32", "18xf32"] as const;

const attention: OneNode[] = [
  ms("Attention", projected, { num_heads: 2 }),
  ms("Attention", projected, { num_heads: 3, scale: float(0.25) }),
  ms("Attention", projected, { num_heads: 2, unidirectional: 1 }),
  ms("Attention", ["2x4x5xf32", "5x20xf32", "20xf32"], { num_heads: 2, qkv_hidden_sizes: [6, 6, 8] }),
  ms("Attention", [...projected, i32(4, 2)], { num_heads: 2 }),
  ms("Attention", [...projected, i32(4, 3, 1, 0)], { num_heads: 2 }),
  ms("Attention", [...projected, ids([2, 4], 1, 1, 0, 1, 0, 1, 1, 1)], { num_heads: 2 }),
  ms("Attention", [...projected, ids([2, 4], 0, 1, 1, 1, 0, 0, 1, 1)], { num_heads: 2, unidirectional: 1, mask_filter_value: float(-50) }),
  ms("Attention", [...projected, ids([2, 4], 1, 1, 0, 1, 0, 0, 0, 0)], { num_heads: 2, mask_filter_value: float(-3) }),
  ms("Attention", [...projected, "2x4x4xi32 in 0..1"], { num_heads: 2, mask_filter_value: float(-50) }),
  ms("Attention", [...projected, ids([1, 1], 1)], { num_heads: 2 }),
  ms("Attention", [...projected, null, "2x2x2x3x3xf32"], { num_heads: 2, unidirectional: 1 }, ["f32", "f32"]),
  ms("Attention", [...projected, ids([2, 7], 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0), "2x2x2x3x3xf32"], { num_heads: 2 }, ["f32", "f32"]),
  ms("Attention", [...projected, null, null, "2x2x4x4xf32"], { num_heads: 2 }),
  ms("Attention", [...projected, null, null, "1x2x4x4xf32"], { num_heads: 2 }, ["f32", "f32"]),
  ms(
    "QAttention",
    ["2x4x5xu8 in 0..255", "5x18xi8", "18xf32", scalar("f32", 0.02), scalar("f32", 0.1), null, scalar("u8", 128), scalar("i8", 0)],
    { num_heads: 2 },
    ["f32"],
  ),
  ms(
    "QAttention",
    ["2x4x5xu8 in 0..255", "5x18xu8", "18xf32", scalar("f32", 0.02), scalar("f32", 0.1), i32(4, 2), scalar("u8", 120), scalar("u8", 5)],
    { num_heads: 2 },
    ["f32"],
  ),
  ms(
    "QAttention",
    ["2x4x5xu8 in 0..255", "5x18xi8", "18xf32", scalar("f32", 0.02), scalar("f32", 0.1), null, scalar("u8", 128), scalar("i8", 0), "2x2x2x3x3xf32"],
    { num_heads: 2, unidirectional: 1 },
    ["f32", "f32"],
  ),
];

const cache = (rows: number, seed: number, half = 2): Tensor =>
  f32([rows, half], ...Array.from({ length: rows * half }, (_, i) => Math.fround(Math.sin(seed + 0.7 * i + Math.floor(i / half)))));
const turn = [cache(16, 0, 8), cache(16, 1.5, 8)] as const;
const narrow = [cache(16, 0), cache(16, 1.5)] as const;
const grouped = { num_heads: 4, kv_num_heads: 2 };
const three: readonly DType[] = ["f32", "f32", "f32"];
/** 4 heads of 16 over 2 heads of keys. */
const prompt = ["2x3x64xf32", "2x3x32xf32", "2x3x32xf32"] as const;
const decode = ["2x1x64xf32", "2x1x32xf32", "2x1x32xf32", "2x2x5x16xf32", "2x2x5x16xf32"] as const;
const one = ["1x3x64xf32", "1x3x32xf32", "1x3x32xf32", "1x2x5x16xf32", "1x2x5x16xf32"] as const;

const groups: OneNode[] = [
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3)], grouped, three),
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3)], { ...grouped, scale: float(0.7), softcap: float(1.5) }, three),
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3), ...turn], { ...grouped, do_rotary: 1 }, three),
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3), ...turn], { ...grouped, do_rotary: 1, rotary_interleaved: 1 }, three),
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3)], { ...grouped, local_window_size: 2 }, three),
  ms("GroupQueryAttention", [...prompt, null, null, i32(2, 2), scalar("i32", 3)], { ...grouped, smooth_softmax: 1 }, three),
  ms("GroupQueryAttention", ["2x3x128xf32", null, null, null, null, i32(2, 2), scalar("i32", 3)], grouped, three),
  ms("GroupQueryAttention", ["2x3x128xf32", null, null, null, null, i32(2, 2), scalar("i32", 3), ...turn], { ...grouped, do_rotary: 1 }, three),
  ms("GroupQueryAttention", [...decode, i32(5, 5), scalar("i32", 6)], grouped, three),
  ms("GroupQueryAttention", [...decode, i32(5, 5), scalar("i32", 6), ...turn], { ...grouped, do_rotary: 1 }, three),
  ms("GroupQueryAttention", [...decode, i32(5, 3), scalar("i32", 6), ...turn], { ...grouped, do_rotary: 1 }, three),
  ms("GroupQueryAttention", [...decode, "2xi32 in 2..5", scalar("i32", 6), ...turn], { ...grouped, do_rotary: 1, local_window_size: 3 }, three),
  ms(
    "GroupQueryAttention",
    ["2x1x128xf32", null, null, "2x2x5x16xf32", "2x2x5x16xf32", i32(5, 4), scalar("i32", 6), ...turn],
    { ...grouped, do_rotary: 1 },
    three,
  ),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), ...turn], { ...grouped, do_rotary: 1, softcap: float(2) }, three),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), ...turn], { ...grouped, do_rotary: 1, smooth_softmax: 1 }, three),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), ...turn, tensor("i64", [1, 3], [2, 9, 4])], { ...grouped, do_rotary: 1 }, three),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), null, null, null, "1x4x3x8xf32"], { ...grouped }, three),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), null, null, null, "1x1x3x8xf32"], { ...grouped, softcap: float(2) }, three),
  ms("GroupQueryAttention", [...one, i32(7), scalar("i32", 8), null, null, null, null, "4xf32"], { ...grouped, local_window_size: 4 }, three),
];

const rotary: OneNode[] = [
  ms("RotaryEmbedding", ["2x3x8xf32", tensor("i64", [2, 3], [0, 1, 2, 5, 4, 3]), ...narrow]),
  ms("RotaryEmbedding", ["2x3x8xf32", i64(4), ...narrow], { interleaved: 1 }),
  ms("RotaryEmbedding", ["2x2x3x4xf32", tensor("i64", [2, 3], [0, 1, 2, 5, 4, 3]), ...narrow]),
  ms("RotaryEmbedding", ["2x3x16xf32", i64(1), cache(16, 0), cache(16, 1.5)], { rotary_embedding_dim: 4, num_heads: 2 }),
];

const norms: OneNode[] = [
  ms("SkipLayerNormalization", ["2x3x4xf32", "2x3x4xf32", "4xf32", "4xf32", "4xf32"], { epsilon: float(1e-5) }),
  ms("SkipLayerNormalization", ["2x3x4xf32", "2x3x4xf32", "4xf32"], {}, ["f32", null, null, "f32"]),
  ms("SkipLayerNormalization", ["2x3x4xf32", "1x3x4xf32", "4xf32", "4xf32"]),
  ms("SkipLayerNormalization", ["2x3x4xf32", "3x4xf32", "4xf32", "4xf32"]),
  ms("SkipSimplifiedLayerNormalization", ["2x3x4xf32", "2x3x4xf32", "4xf32", "4xf32"], { epsilon: float(1e-5) }, ["f32", null, null, "f32"]),
  { op: "SimplifiedLayerNormalization", inputs: ["2x3x4xf32", "4xf32"], attrs: { epsilon: float(1e-5), axis: -1 } },
  ms("EmbedLayerNormalization", ["2x3xi32 in 0..6", "2x3xi32 in 0..1", "7x4xf32", "5x4xf32", "2x4xf32", "4xf32", "4xf32", ids([2, 3], 1, 1, 0, 1, 0, 0)], {}, [
    "f32",
    "i32",
  ]),
  ms("EmbedLayerNormalization", ["2x3xi32 in 0..6", null, "7x4xf32", "5x4xf32", null, "4xf32", "4xf32"], { epsilon: float(1e-5) }, ["f32", "i32", "f32"]),
  ms(
    "EmbedLayerNormalization",
    ["2x3xi32 in 0..6", "2x3xi32 in 0..1", "7x4xf32", "5x4xf32", "2x4xf32", "4xf32", "4xf32", null, ids([2, 3], 0, 2, 4, 1, 1, 3)],
    {},
    ["f32", "i32"],
  ),
  ms("Gelu", ["2x4xf32"]),
  ms("BiasGelu", ["2x4xf32", "4xf32"]),
  ms("FastGelu", ["2x4xf32", "4xf32"]),
  ms("FastGelu", ["2x4xf32"]),
  ms("QuickGelu", ["2x4xf32"], { alpha: float(1.2) }),
];

const products: OneNode[] = [
  ms("FusedMatMul", ["2x3x4xf32", "2x5x4xf32"], { transB: 1, alpha: float(0.5) }),
  ms("FusedMatMul", ["2x4x3xf32", "2x4x5xf32"], { transA: 1 }),
  ms("FusedMatMul", ["3x2x4xf32", "2x4x5xf32"], { transBatchA: 1 }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32", "3xf32"], { kernel_shape: [3, 3], activation: "Relu" }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], activation: "LeakyRelu", activation_params: floats(0.2) }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32", "3xf32"], {
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    activation: "Clip",
    activation_params: floats(-1, 2),
  }),
  ms("FusedConv", ["1x2x8x8xf32", "2x1x3x3xf32", "2xf32"], { kernel_shape: [3, 3], group: 2, activation: "HardSigmoid", activation_params: floats(0.3, 0.4) }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32", "3xf32"], { kernel_shape: [3, 3], activation: "Tanh" }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32", "3xf32"], { kernel_shape: [3, 3], activation: "Sigmoid" }),
  ms("FusedConv", ["1x2x8x8xf32", "3x2x3x3xf32", "3xf32", "1x3x6x6xf32"], { kernel_shape: [3, 3], activation: "Relu" }),
  ms("DynamicQuantizeMatMul", ["3x4xf32", "4x5xi8", f32([1], 0.1), tensor("i8", [1], [2])]),
  ms("DynamicQuantizeMatMul", [
    "2x3x4xf32",
    tensor(
      "i8",
      [4, 5],
      Array.from({ length: 20 }, (_, i) => ((i * 37) % 41) - 20),
    ),
    "5xf32 in 0.05..0.1",
    null,
    "5xf32",
  ]),
  ms("DynamicQuantizeMatMul", ["3x4xf32", "4x5xu8", f32([1], 0.1), tensor("u8", [1], [3])]),
  ms("MatMulIntegerToFloat", ["3x4xu8", "4x5xi8", scalar("f32", 0.1), scalar("f32", 0.2), scalar("u8", 3)], {}, ["f32"]),
  ms("MatMulIntegerToFloat", ["3x4xu8", "4x5xu8", scalar("f32", 0.1), "5xf32 in 0.1..0.2", scalar("u8", 3), "5xu8 in 0..4", "5xf32"], {}, ["f32"]),
  ms("MatMulIntegerToFloat", ["3x4xi8", "4x5xi8", scalar("f32", 0.1), scalar("f32", 0.2), scalar("i8", 3), scalar("i8", -2)], {}, ["f32"]),
];

const packed = (...shape: number[]): Tensor =>
  tensor(
    "u8",
    shape,
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => (i * 73 + 19) % 256),
  );
const nbits = { K: 40, N: 6, block_size: 16 };

const bits: OneNode[] = [
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 8), "18xf32 in 0.1..0.2"], { ...nbits, bits: 4 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 8), "18xf32 in 0.1..0.2", packed(12)], { ...nbits, bits: 4 }),
  ms("MatMulNBits", ["2x3x40xf32", packed(6, 3, 8), "18xf32 in 0.1..0.2", null, null, "6xf32"], { ...nbits, bits: 4 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 16), "18xf32 in 0.01..0.02"], { ...nbits, bits: 8 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 16), "18xf32 in 0.01..0.02", packed(18)], { ...nbits, bits: 8 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 4), "18xf32 in 0.1..0.2"], { ...nbits, bits: 2 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 4), "18xf32 in 0.1..0.2", packed(6)], { ...nbits, bits: 2 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 8), "18xf32 in 0.1..0.2", "6x3xf32 in 6..9"], { ...nbits, bits: 4 }),
  ms("MatMulNBits", ["3x40xf32", packed(6, 3, 8), "18xf32 in 0.1..0.2", null, i32(...Array.from({ length: 48 }, (_, i) => (i * 7) % 3))], {
    ...nbits,
    bits: 4,
  }),
];

const q8 = (op: string, inputs: OneNode["inputs"], attrs: OneNode["attrs"] = {}): OneNode => ms(op, inputs, attrs, ["u8"]);
const ab = ["2x3x4xu8 in 0..255", scalar("f32", 0.02), scalar("u8", 120), "3x4xu8 in 0..255", scalar("f32", 0.03), scalar("u8", 100)] as const;
const pooled = { kernel_shape: [2, 2] };

const quantised: OneNode[] = [
  q8("QLinearAdd", [...ab, scalar("f32", 0.05), scalar("u8", 110)]),
  q8("QLinearMul", [...ab, scalar("f32", 0.07), scalar("u8", 110)]),
  q8(
    "QLinearConcat",
    [
      scalar("f32", 0.05),
      scalar("u8", 110),
      "2x3xu8 in 0..255",
      scalar("f32", 0.02),
      scalar("u8", 120),
      "2x4xu8 in 0..255",
      scalar("f32", 0.03),
      scalar("u8", 90),
    ],
    {
      axis: 1,
    },
  ),
  q8("QLinearSigmoid", ["30xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 1 / 256), scalar("u8", 0)]),
  q8("QLinearLeakyRelu", ["30xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 0.03), scalar("u8", 40)], { alpha: float(0.2) }),
  q8("QLinearSoftmax", ["3x8xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 1 / 256), scalar("u8", 0)], { axis: -1, opset: 13 }),
  q8("QLinearGlobalAveragePool", ["1x3x4x4xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 0.03), scalar("u8", 110)]),
  q8("QLinearGlobalAveragePool", ["1x4x4x3xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 0.03), scalar("u8", 110)], {
    channels_last: 1,
  }),
  q8("QLinearAveragePool", ["1x3x4x4xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 0.03), scalar("u8", 110)], pooled),
  q8("QLinearAveragePool", ["1x4x4x3xu8 in 0..255", scalar("f32", 0.04), scalar("u8", 120), scalar("f32", 0.03), scalar("u8", 110)], {
    ...pooled,
    channels_last: 1,
  }),
  q8("QGemm", [
    "3x4xu8 in 0..255",
    scalar("f32", 0.02),
    scalar("u8", 120),
    "4x5xu8 in 0..255",
    scalar("f32", 0.03),
    scalar("u8", 100),
    "5xi32 in -900..900",
    scalar("f32", 0.1),
    scalar("u8", 128),
  ]),
  ms("QGemm", ["3x4xu8 in 0..255", scalar("f32", 0.02), scalar("u8", 120), "5x4xi8", scalar("f32", 0.03), scalar("i8", 1)], { transB: 1, alpha: float(0.5) }, [
    "f32",
  ]),
  ms("NhwcMaxPool", ["1x5x6x3xu8 in 0..255"], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 0] }),
  ms("NhwcMaxPool", ["1x5x6x3xi8"], { kernel_shape: [2, 2], ceil_mode: 1, strides: [2, 2] }),
];

const shapes: OneNode[] = [
  ms("Pad", ["2x3xf32", i64(1, 0, 0, 2), f32([1], 1.5)]),
  ms("Pad", ["4x3xf32", i64(1, 1, 1, 1)], { mode: "reflect" }),
  ms("Pad", ["2x3xf32", i64(1, 0, 0, 2)], { mode: "edge" }),
  ms("Range", [f32([], 1), f32([], 4), f32([], 0.5)]),
  ms("Range", [scalar("i32", 2), scalar("i32", 6)]),
  ms("Unique", [f32([7], 3, 1, 3, 2, 1, 3, 5)], {}, ["f32", "i64", "i64"]),
  ms("Unique", ["9xf32"], {}, ["f32", "i64", "i64"]),
];

const half16 = (t: Tensor): Tensor => tensor("f16", t.type.shape, Array.from(t.data as Float32Array));

const halves: OneNode[] = [
  ms(
    "GroupQueryAttention",
    ["2x3x64xf16", "2x3x32xf16", "2x3x32xf16", null, null, i32(2, 2), scalar("i32", 3), ...turn.map(half16)],
    { ...grouped, do_rotary: 1 },
    ["f16", "f16", "f16"],
  ),
  ms(
    "GroupQueryAttention",
    ["1x1x64xf16", "1x1x32xf16", "1x1x32xf16", "1x2x5x16xf16", "1x2x5x16xf16", i32(5), scalar("i32", 6), ...turn.map(half16)],
    { ...grouped, do_rotary: 1 },
    ["f16", "f16", "f16"],
  ),
  ms("SkipLayerNormalization", ["2x3x4xf16", "2x3x4xf16", "4xf16", "4xf16", "4xf16"], { epsilon: float(1e-5) }),
  ms("SkipSimplifiedLayerNormalization", ["2x3x4xf16", "2x3x4xf16", "4xf16"], { epsilon: float(1e-5) }),
  ms("RotaryEmbedding", ["2x3x8xf16", i64(4), ...narrow.map(half16)], {}),
  ms("MatMulNBits", ["3x40xf16", packed(6, 3, 8), "18xf16 in 0.1..0.2"], { ...nbits, bits: 4 }),
  ms("MatMulNBits", ["3x40xf16", packed(6, 3, 8), "18xf16 in 0.1..0.2", packed(12), null, "6xf16"], { ...nbits, bits: 4 }),
  ms("FusedMatMul", ["2x3x4xf16", "2x5x4xf16"], { transB: 1, alpha: float(0.5) }),
  ms("FastGelu", ["2x4xf16", "4xf16"]),
  ms("QuickGelu", ["2x4xf16"]),
];

/** One-node models of com.microsoft by family; compared with ONNX Runtime. Quantised results may differ by one step where a tie falls the other way. */
export const MICROSOFT_CASES: Readonly<Record<string, { readonly version: number; readonly cases: readonly OneNode[]; readonly tolerance?: number }>> = {
  "multi-head attention": { version: 1, cases: multiHead },
  attention: { version: 1, cases: attention },
  "grouped queries": { version: 1, cases: groups },
  rotary: { version: 1, cases: rotary },
  normalisation: { version: 1, cases: norms },
  products: { version: 1, cases: products, tolerance: 1e-4 },
  "few bits": { version: 1, cases: bits, tolerance: 1e-4 },
  quantised: { version: 1, cases: quantised },
  shapes: { version: 1, cases: shapes },
  "half precision": { version: 1, cases: halves, tolerance: 4e-3 },
};
