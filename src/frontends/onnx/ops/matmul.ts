import { add, mul, sub } from "../../../ir/ops/arithmetic.ts";
import { det, linear, matmul } from "../../../ir/ops/linear.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { castTo, range, reshapeTo, sameFloat, transposeBy, transposeMatrix } from "../rearrange.ts";
import { extentAt, rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const MATMUL: OperatorTable = {
  Det: since(11, (c) => c.b.create(det, { x: c.need(0, "X") })),
  Gemm: importGemm,
  MatMul: (c) => c.b.create(matmul, { a: c.need(0, "A"), b: sameFloat(c.b, c.need(0, "A"), c.need(1, "B")) }),
  MatMulInteger: since(10, importMatMulInteger),
};

export const MICROSOFT_MATMUL: OperatorTable = {
  FusedMatMul: since(1, importFusedMatMul),
};

/** alpha * A * B + beta * C. B[N,K] with a vector for C is what `linear` computes. */
function importGemm(c: NodeContext): Value {
  // Opset 6 says that C may broadcast; later ones let it.
  c.ignore("broadcast");
  const a = c.need(0, "A");
  const b = sameFloat(c.b, a, c.need(1, "B"));
  const addend = c.operand(2) && sameFloat(c.b, a, c.need(2, "C"));
  const [alpha, beta] = [c.float("alpha", 1), c.float("beta", 1)];
  const [transA, transB] = [c.flag("transA", false), c.flag("transB", false)];
  if (rankOf(a) !== 2 || rankOf(b) !== 2) c.fail(`has inputs of rank ${rankOf(a)} and ${rankOf(b)}, wanted 2`, { reason: "rank", nearest: "two matrices" });
  const x = transA ? transposeMatrix(c.b, a) : a;
  const columns = extentAt(b, transB ? 0 : 1)!;
  const bias = addend && (beta === 0 ? undefined : scaled(c, addend, beta));
  const isRow = bias && bias.type.shape.at(-1) === columns && bias.type.shape.slice(0, -1).every((dim) => dim === 1);
  if (transB && alpha === 1 && (!bias || isRow)) return c.b.create(linear, { x, w: b, bias: bias && reshapeTo(c.b, bias, [columns]) });
  const product = scaled(c, c.b.create(matmul, { a: x, b: transB ? transposeMatrix(c.b, b) : b }), alpha);
  return bias ? c.b.create(add, { a: product, b: bias }) : product;
}

function scaled(c: NodeContext, value: Value, factor: number): Value {
  return factor === 1 ? value : c.b.create(mul, { a: value, b: c.scalar(value.type.dtype, factor) });
}

/** Over i32, exact; zero points one a tensor, a row of A, or a column of B. */
function importMatMulInteger(c: NodeContext): Value {
  return c.b.create(matmul, { a: centred(c, c.need(0, "A"), c.operand(2), "row"), b: centred(c, c.need(1, "B"), c.operand(3), "column") });
}

export function centred(c: NodeContext, x: Value, zero: Value | undefined, per: "row" | "column"): Value {
  const wide = castTo(c.b, x, "i32");
  if (!zero) return wide;
  const count = shapeOf(zero)[0] ?? 1;
  const shape = rankOf(zero) > 1 ? shapeOf(zero) : count === 1 ? [] : per === "row" ? [count, 1] : [count];
  return c.b.create(sub, { a: wide, b: castTo(c.b, reshapeTo(c.b, zero, shape), "i32") });
}

/** Transposes of the last two axes, or with transBatch of the first axis to the last but one. */
function importFusedMatMul(c: NodeContext): Value {
  const operand = (index: number, what: string, trans: string, transBatch: string): Value => {
    const x = c.need(index, what);
    const rank = rankOf(x);
    if (rank < 2) return x;
    // [B..., M, K] was written as [M, B..., K].
    const batched = c.flag(transBatch, false) ? transposeBy(c.b, x, [...range(rank - 1).slice(1), 0, rank - 1]) : x;
    return c.flag(trans, false) ? transposeMatrix(c.b, batched) : batched;
  };
  const [a, b] = [operand(0, "A", "transA", "transBatchA"), operand(1, "B", "transB", "transBatchB")];
  return scaled(c, c.b.create(matmul, { a, b }), c.float("alpha", 1));
}
