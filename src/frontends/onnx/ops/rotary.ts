import { add, mul, sub } from "../../../ir/ops/arithmetic.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { concat, slice } from "../../../ir/ops/movement.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, reshapeTo, sliceAxis, transposeBy, unsqueezeAt } from "../rearrange.ts";
import type { Dim } from "../../../ir/types.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { positions } from "./positions.ts";
import { since, type OperatorTable } from "./table.ts";

export const ROTARY: OperatorTable = {
  RotaryEmbedding: since(23, (c) => rotary(c, c.need(0, "X"), c.need(1, "cos_cache"), c.need(2, "sin_cache"), c.operand(3))),
};

export const MICROSOFT_ROTARY: OperatorTable = {
  RotaryEmbedding: since(1, importMicrosoftRotaryEmbedding),
};

/** Without num_heads, heads are as long as the cache says. */
function importMicrosoftRotaryEmbedding(c: NodeContext): Value {
  if (c.flag("is_packed_batching", false) || c.float("scale", 1) !== 1) c.fail("packs its batch or scales", { awsName: "OperatorAttributeNotImplemented" });
  const x = c.need(0, "input");
  const [batch, length] = [x.type.shape[0]!, x.type.shape[rankOf(x) === 4 ? 2 : 1]!];
  const given = castTo(c.b, c.need(1, "position_ids"), "i64");
  // One number is the position of the first element.
  const ids = rankOf(given) === 1 ? broadcastTo(c.b, c.b.create(add, { a: positions(c, [1, length], length), b: given }), [batch, length]) : given;
  const cos = c.need(2, "cos_cache");
  const count = rankOf(x) === 3 ? Math.max(1, Math.floor(extentAt(x, 2)! / (2 * extentAt(cos, -1)!))) : 0;
  return rotary(c, x, cos, c.need(3, "sin_cache"), ids, count);
}

/** By the node's attributes, of heads in an axis of their own or in the last one. */
function rotary(c: NodeContext, input: Value, cos: Value, sin: Value, ids: Value | undefined, heads = 0): Value {
  const isFlat = rankOf(input) === 3;
  const turn = { width: c.int("rotary_embedding_dim", 0), interleaved: c.flag("interleaved", false) };
  const count = c.int("num_heads", 0) || heads;
  if (isFlat && count < 1) c.fail("lacks attribute num_heads", { awsName: "OperatorAttributeRequired" });
  const [batch, length] = input.type.shape as readonly [Dim, Dim];
  const x = isFlat ? reshapeTo(c.b, input, [batch, length, count, extentAt(input, 2)! / count]) : transposeBy(c.b, input, [0, 2, 1, 3]);
  const y = rotated(c, x, { cos, sin, ids }, turn);
  return isFlat ? reshapeTo(c.b, y, input.type.shape) : transposeBy(c.b, y, [0, 2, 1, 3]);
}

/** Angles: a row of the caches a position; `ids` picks the rows, or the caches are one row a position of x. */
interface Angles {
  readonly cos: Value;
  readonly sin: Value;
  readonly ids: Value | undefined;
}

interface Turn {
  /** How many elements of a head are turned; 0 is all. */
  readonly width: number;
  readonly interleaved: boolean;
}

/** x[B,S,N,H] with pairs of elements turned by an angle that grows with the position: halves of a head, or neighbours where `interleaved`. */
export function rotated(c: NodeContext, x: Value, angles: Angles, { width, interleaved }: Turn): Value {
  const size = extentAt(x, 3)!;
  const turned = width || size;
  if (turned > size || turned % 2 !== 0) c.fail(`turns ${turned} of the ${size} elements of a head`, { awsName: "OperatorAttributeValueNotValid" });
  const [cos, sin] = [angles.cos, angles.sin].map((cache) => {
    const rows = angles.ids ? c.b.create(gather, { x: cache, indices: angles.ids }, { axis: 0 }) : cache;
    return castTo(c.b, unsqueezeAt(c.b, sliceAxis(c.b, rows, 2, 0, turned / 2), [2]), x.type.dtype);
  }) as [Value, Value];
  const [first, second] = halves(c, sliceAxis(c.b, x, 3, 0, turned), interleaved);
  const product = (a: Value, b: Value): Value => c.b.create(mul, { a, b });
  const real = c.b.create(sub, { a: product(first, cos), b: product(second, sin) });
  const imaginary = c.b.create(add, { a: product(first, sin), b: product(second, cos) });
  const pair = interleaved ? [real, imaginary].map((part) => unsqueezeAt(c.b, part, [4])) : [real, imaginary];
  const together = c.b.create(concat, { xs: pair }, { axis: interleaved ? 4 : 3 });
  const whole = reshapeTo(c.b, together, [...x.type.shape.slice(0, 3), turned]);
  return turned === size ? whole : c.b.create(concat, { xs: [whole, sliceAxis(c.b, x, 3, turned, size - turned)] }, { axis: 3 });
}

function halves(c: NodeContext, x: Value, interleaved: boolean): readonly [Value, Value] {
  const half = extentAt(x, 3)! / 2;
  if (!interleaved) return [sliceAxis(c.b, x, 3, 0, half), sliceAxis(c.b, x, 3, half, half)];
  const sizes = [...x.type.shape.slice(0, 3).map((dim) => (typeof dim === "number" ? dim : -1)), half];
  const every = (start: number): Value => c.b.create(slice, { x }, { starts: [0, 0, 0, start], sizes, steps: [1, 1, 1, 2] });
  return [every(0), every(1)];
}
