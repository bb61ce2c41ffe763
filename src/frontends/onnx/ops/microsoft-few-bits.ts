import { mul, sub } from "../../../ir/ops/arithmetic.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { linear } from "../../../ir/ops/linear.ts";
import type { Value } from "../../../ir/graph.ts";
import { decodeData, type Tensor } from "../../../ir/tensor.ts";
import { isFloat, type DType } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { dequantised } from "../quantisation.ts";
import { broadcastTo, castTo, product, reshapeTo, sliceAxis } from "../rearrange.ts";
import { shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const MICROSOFT_FEW_BITS: OperatorTable = {
  MatMulNBits: since(1, importMatMulNBits),
};

/** Weights [N,K] of `bits` bits with a scale a block of K. */
interface Packing {
  readonly columns: number;
  readonly depth: number;
  readonly bits: 2 | 4 | 8;
  readonly block: number;
  readonly blocks: number;
}

/** A * transpose(B) + bias for B[N, blocks, bytes of a block]; `accuracy_level` only allows less accuracy. */
function importMatMulNBits(c: NodeContext): Value {
  c.ignore("accuracy_level");
  const x = c.need(0, "A");
  const packing = readPacking(c);
  const packed = c.constantOperand(1, "B") ?? c.fail("has no input B");
  const stored = unpacked(c, packed, packing, packing.blocks * packing.block, "B");
  const w = sliceAxis(c.b, real(c, c.value(stored), packing, x.type.dtype), 1, 0, packing.depth);
  return c.b.create(linear, { x, w, bias: c.operand(5) });
}

function readPacking(c: NodeContext): Packing {
  const [columns, depth] = [c.required("N", c.int("N")), c.required("K", c.int("K"))];
  const [bits, block] = [c.int("bits", 4), c.required("block_size", c.int("block_size"))];
  if (bits !== 2 && bits !== 4 && bits !== 8) return c.fail(`has ${bits} bits, wanted 2, 4 or 8`, { awsName: "OperatorAttributeValueNotValid" });
  if (block < 16 || columns < 1 || depth < 1 || block > 2 ** 20)
    c.fail(`has N ${columns}, K ${depth} and block_size ${block}`, { awsName: "OperatorAttributeValueNotValid" });
  return { columns, depth, bits, block, blocks: Math.ceil(depth / block) };
}

/** (stored - zero point) * scale, each element by its block, or with g_idx by the block that it names. */
function real(c: NodeContext, stored: Value, packing: Packing, dtype: DType): Value {
  const { columns, block, blocks } = packing;
  const scale = reshapeTo(c.b, c.need(2, "scales"), [columns, blocks]);
  const zeroPoint = zeroPoints(c, stored.type.dtype, packing);
  const groups = c.operand(4);
  if (!groups && zeroPoint.type.dtype === stored.type.dtype) return dequantised(c, stored, { scale, zeroPoint }, 1, block, dtype);
  const spread = (x: Value): Value => castTo(c.b, groups ? grouped(c, x, groups, packing) : repeated(c, x, packing), dtype);
  const centred = c.b.create(sub, { a: castTo(c.b, stored, dtype), b: spread(zeroPoint) });
  return c.b.create(mul, { a: centred, b: spread(scale) });
}

/** One element a block as one an element. */
function repeated(c: NodeContext, x: Value, { columns, block, blocks }: Packing): Value {
  return reshapeTo(c.b, broadcastTo(c.b, reshapeTo(c.b, x, [columns, blocks, 1]), [columns, blocks, block]), [columns, blocks * block]);
}

/** g_idx has one block an element of K, and may say nothing of what fills the last one. */
function grouped(c: NodeContext, x: Value, groups: Value, { depth, block, blocks }: Packing): Value {
  const found = shapeOf(groups)[0];
  if (found === blocks * block) return c.b.create(gather, { x, indices: groups }, { axis: 1 });
  return c.fail(`has g_idx of ${found} elements for K ${depth}, wanted ${blocks * block}`);
}

/** Packed like B, each row from a new byte on, or reals; the middle of the range where none are given. */
function zeroPoints(c: NodeContext, dtype: DType, packing: Packing): Value {
  const { columns, blocks, bits } = packing;
  const shape = [columns, blocks];
  const operand = c.operand(3);
  if (!operand) return c.value({ type: { dtype, shape }, data: new Uint8Array(columns * blocks).fill(2 ** (bits - 1)) });
  if (isFloat(operand.type.dtype)) return reshapeTo(c.b, operand, shape);
  const given = c.constantOperand(3, "zero_points") ?? c.fail("has no zero_points");
  if (given.type.dtype !== "u8") c.fail(`has zero points of ${given.type.dtype}, wanted u8 or reals`, { awsName: "OperatorAttributeNotImplemented" });
  const each = 8 / bits;
  return sliceAxis(c.b, c.value(unpacked(c, given, packing, each * Math.ceil(blocks / each), "zero_points")), 1, 0, blocks);
}

/** Elements of `columns` rows, the first in the lowest bits. */
function unpacked(c: NodeContext, packed: Tensor, { columns, bits }: Packing, width: number, what: string): Tensor {
  const shape = [columns, width];
  const elements = product(shape);
  const wanted = (elements * bits) / 8;
  if (packed.data.length !== wanted || packed.type.dtype !== "u8") c.fail(`has ${packed.data.length} bytes of ${what}, wanted ${wanted}`);
  const bytes = packed.data as Uint8Array;
  const dtype = bits === 8 ? "u8" : "u4";
  return { type: { dtype, shape }, data: bits === 2 ? quarters(bytes) : decodeData(dtype, bytes, elements) };
}

function quarters(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 4 * bytes.length }, (_, i) => (bytes[i >> 2]! >> (2 * (i & 3))) & 3);
}
