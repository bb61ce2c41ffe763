import { describe, expect, test } from "vitest";
import { importOnnx } from "../../../src/frontends/onnx/import.ts";
import { interpret } from "../../../src/ir/interpret.ts";
import { tensor, type Tensor } from "../../../src/ir/tensor.ts";
import type { ErrorCode } from "../../../src/support/errors.ts";
import { Executors } from "../../executors/executors.ts";
import { node, value, writeOnnx } from "../../fixtures/onnx-writer.ts";
import { elements, f32, importNode, makeModel, parseOperand, runNode, type OneNode } from "./one-node.ts";
import { expectRefused, noteTexts } from "./refused.ts";

const ms = (op: string, inputs: OneNode["inputs"], attrs: OneNode["attrs"] = {}, more: Partial<OneNode> = {}): OneNode => ({
  op,
  domain: "com.microsoft",
  inputs,
  attrs,
  ...more,
});

/** x[B,S,N*H] tensors as [B,S,N,parts,H]. */
function packed(parts: readonly Tensor[], heads: number): Tensor {
  const [batch, length, width] = parts[0]!.type.shape as [number, number, number];
  const size = width / heads;
  const values: number[] = [];
  for (let row = 0; row < batch * length; row++)
    for (let head = 0; head < heads; head++)
      for (const part of parts) values.push(...Array.from((part.data as Float32Array).slice(row * width + head * size, row * width + (head + 1) * size)));
  return tensor("f32", [batch, length, heads, parts.length, size], values);
}

describe("what ONNX Runtime runs on other machines only", () => {
  const [q, k, v, bias] = ["2x4x6xf32", "2x4x6xf32", "2x4x6xf32", "18xf32"].map((text, i) => parseOperand(text, i)) as [Tensor, Tensor, Tensor, Tensor];
  const apart = elements(runNode(ms("MultiHeadAttention", [q, k, v, bias], { num_heads: 2 }))[0]);

  test("packed queries, keys and values are the same attention", () => {
    expect(elements(runNode(ms("MultiHeadAttention", [packed([q, k, v], 2), null, null, bias], { num_heads: 2 }))[0])).toEqual(apart);
  });

  test("packed keys and values are the same attention", () => {
    expect(elements(runNode(ms("MultiHeadAttention", [q, packed([k, v], 2), null, bias], { num_heads: 2 }))[0])).toEqual(apart);
  });
});

test("a total length that is not constant is that of the cache and what is new", () => {
  const inputs = ["1x1x8xf32", "1x1x4xf32", "1x1x4xf32", "1x1x3x4xf32", "1x1x3x4xf32", "1xi32 in 3..3"];
  const spec = (total: string | Tensor): OneNode =>
    ms("GroupQueryAttention", [...inputs, total], { num_heads: 2, kv_num_heads: 1 }, { outputs: ["f32", "f32", "f32"] });
  const wanted = runNode(spec(tensor("i32", [], [4])));
  const open = spec("i32 in 4..4");
  const graph = importNode(open);
  const given = makeModel(open).inputs;
  const got = interpret(
    graph,
    graph.params.map((param) => given[param.name]!),
  );
  expect(got.map((t) => t.type.shape)).toEqual([
    [1, 1, 8],
    [1, 1, 4, 4],
    [1, 1, 4, 4],
  ]);
  got.forEach((t, i) => expect(elements(t)).toEqual(elements(wanted[i])));
});

describe("forms that are not supported are refused by name", () => {
  const qkv = ["1x2x4xf32", "1x2x4xf32", "1x2x4xf32"] as const;
  const grouped = ["1x2x8xf32", "1x2x4xf32", "1x2x4xf32", null, null, "1xi32", tensor("i32", [], [2])] as const;
  const two = { num_heads: 2, kv_num_heads: 1 };
  const projected = ["1x2x4xf32", "4x12xf32", "12xf32"] as const;
  const bytes = tensor("u8", [2, 1, 8], new Array<number>(16).fill(1));
  const pool = ["1x2xf32", "2x3xf32"] as const;
  const refused: readonly (readonly [OneNode, string, ErrorCode?])[] = [
    [ms("MultiHeadAttention", [...qkv, null, "5xi32"], { num_heads: 2 }), "has a mask of 5 for a batch of 1, 2 queries and 2 keys"],
    [ms("MultiHeadAttention", [...qkv], { num_heads: 3 }), "has num_heads 3 for 4 elements"],
    [
      ms("MultiHeadAttention", [...qkv, null, null, null, "1x2x1x2xf32", "1x2x1x2xf32", "1xi32"], { num_heads: 2 }),
      "shares one buffer between past and present",
    ],
    [ms("MultiHeadAttention", [...qkv], { num_heads: 2 }, { outputs: ["f32", null, null, "f32"] }), "gives its scores (output qk)"],
    [ms("MultiHeadAttention", ["1x2x2x2x2xf32"], { num_heads: 2 }), "packs 2 tensors of 2 heads, wanted 3 of num_heads"],
    [ms("Attention", projected, { num_heads: 2, do_rotary: 1 }), "rotates its heads (do_rotary)"],
    [ms("Attention", projected, { num_heads: 2, past_present_share_buffer: 1 }), "shares one buffer between past and present"],
    [ms("Attention", projected, { num_heads: 2, qkv_hidden_sizes: [4, 4, 2] }), "has qkv_hidden_sizes 4, 4, 2 for 12 columns"],
    [ms("Attention", [...projected, "1x1x4x4xi32"], { num_heads: 2 }), "has a mask of 1x1x4x4"],
    [ms("GroupQueryAttention", grouped, { num_heads: 3, kv_num_heads: 2 }), "has num_heads 3 and kv_num_heads 2 for 8 elements"],
    [ms("GroupQueryAttention", grouped, { ...two, k_quant_type: "PER_TENSOR", kv_cache_bit_width: 8 }), "has k_quant_type, kv_cache_bit_width"],
    [ms("GroupQueryAttention", grouped, { ...two, qk_output: 1 }), "has qk_output"],
    [ms("RotaryEmbedding", ["1x2x4xf32", tensor("i64", [1], [0]), "4x2xf32", "4x2xf32"], { is_packed_batching: 1 }), "packs its batch or scales"],
    [ms("MatMulNBits", ["1x16xf32", bytes, "2xf32"], { K: 16, N: 2, block_size: 16, bits: 3 }), "has 3 bits, wanted 2, 4 or 8"],
    [ms("MatMulNBits", ["1x16xf32", bytes, "2xf32", null, "3xi32"], { K: 16, N: 2, block_size: 16, bits: 4 }), "has g_idx of 3 elements for K 16, wanted 16"],
    [ms("FusedConv", ["1x2x4x4xf32", "2x2x3x3xf32"], { activation: "Softplus" }), 'has activation = "Softplus"'],
    [ms("FusedConv", ["1x2x4x4xf32", "2x2x3x3xf32"], { activation: "Clip" }), "lacks attribute activation_params"],
    [
      ms("EmbedLayerNormalization", ["1x3xi32", null, "4x2xf32", "2x2xf32", null, "2xf32", "2xf32"], {}, { outputs: ["f32"] }),
      "has 2 rows of position_embedding for 3 positions",
    ],
    [ms("DecoderMaskedMultiHeadAttention", qkv, { num_heads: 2 }), "com.microsoft::DecoderMaskedMultiHeadAttention", "NEO2004"],
    [ms("FusedMatMul", [...pool], { fused: 1 }), "has attribute fused, which neo does not know"],
  ];
  for (const [spec, reason, code] of refused) {
    test(`${spec.op}: ${reason}`, () => {
      const error = expectRefused(code ?? "NEO2005", () => importNode(spec));
      expect(noteTexts(error)).toEqual([expect.stringContaining(reason)]);
      expect(error.notes[0]!.where).toBe("the_node");
    });
  }
});

describe("a sink", () => {
  test("takes its share of each softmax", () => {
    // One key of zeros: its logit is 0, and so is that of the smooth softmax; the value counts half.
    const inputs = [f32([1, 1, 2], 0, 0), f32([1, 1, 2], 0, 0), f32([1, 1, 2], 4, 6), null, null, tensor("i32", [1], [0]), tensor("i32", [], [1])];
    const run = (attrs: Record<string, number>): number[] =>
      elements(runNode(ms("GroupQueryAttention", inputs, { num_heads: 1, kv_num_heads: 1, ...attrs }, { outputs: ["f32"] }))[0]);
    expect(run({})).toEqual([4, 6]);
    expect(run({ smooth_softmax: 1 })).toEqual([2, 3]);
  });
});

test.each(["interpreter", "native", "wasm"] as const)("distinct elements come in the order of the data, as many as there are (%s)", async (executor) => {
  const bytes = writeOnnx({
    nodes: [node("Round", ["x"], ["whole"]), node("Unique", ["whole"], ["y", "place", "count"], {}, { domain: "com.microsoft" })],
    inputs: [value("x", "f32", [7])],
    outputs: [value("y", "f32"), value("place", "i64"), value("count", "i64")],
    opsets: [{ version: 17 }, { domain: "com.microsoft", version: 1 }],
  });
  const outputs = await new Executors(importOnnx(bytes, { fileName: "u.onnx" })).run(executor, [f32([7], 3.1, 1, 2.9, 2, 0.9, 3, 5)]);
  expect(outputs.map((t) => t.type.shape)).toEqual([[4], [7], [4]]);
  expect(outputs.map(elements)).toEqual([
    [3, 1, 2, 5],
    [0, 1, 0, 2, 1, 0, 3],
    [3, 2, 1, 1],
  ]);
});
