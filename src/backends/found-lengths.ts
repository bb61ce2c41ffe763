/** Ops whose results are as long as the data say, in buffers of the greatest length: zeros behind the end. */
import type { Op } from "../ir/graph.ts";
import { elementCount } from "../ir/types.ts";
import { I32 } from "../kernel/build.ts";
import { InternalError } from "../support/errors.ts";
import { lowerNonMaxSuppression } from "./non-max-suppression.ts";
import { builderFor, clear } from "./padded-result.ts";
import type { RegionContext } from "./schedule.ts";
import { copyRun, unitOfRun } from "./schedules/indexing.ts";
import { emitNest } from "./schedules/nest.ts";
import { constantElement, loadElement } from "./schedules/storage.ts";
import { limitKernel } from "./extent-words.ts";
import { lowerUnique } from "./unique.ts";

/** Ops that `lowerFound` lowers. */
export const FOUND_OPS: ReadonlySet<string> = new Set(["nonZeroPadded", "uniquePadded", "nonMaxSuppressionPadded", "zeroTail", "limit"]);

export function lowerFound(op: Op, context: RegionContext): void {
  switch (op.name) {
    case "nonZeroPadded":
      return lowerNonZero(op, context);
    case "uniquePadded":
      return lowerUnique(op, context);
    case "nonMaxSuppressionPadded":
      return lowerNonMaxSuppression(op, context);
    case "zeroTail":
      return lowerZeroTail(op, context);
    case "limit":
      return lowerLimit(op, context);
    default:
      throw new InternalError("lower", `${op.name} finds no length`);
  }
}

/** Each element stores its place at the running count, which only those move on that are not zero: what a zero stores is zero. */
function lowerNonZero(op: Op, context: RegionContext): void {
  const [x, places, count] = [context.operandAt(0)!, context.result(op, 0), context.result(op, 1)];
  const { shape } = x.layout;
  const most = elementCount(shape);
  if (elementCount(places.layout.shape) > 0) clear(places, context, op);
  const b = builderFor(op, context, `${x.dtype}_${shape.join("x") || "scalar"}`);
  b.param("x", x.layout.elem, x.layout.size, "in");
  if (shape.length > 0) b.param("places", "i64", places.layout.size, "out");
  b.param("count", "i32", count.layout.size, "out");
  const from = b.cursor("i", "x");
  const to = shape.map((_, axis) => b.cursor("o", "places", axis * most));
  const found = b.let("n", b.constant(I32, 0));
  const indices = shape.map(() => b.let("k", b.constant(I32, 0)));
  const visit = (axis: number): void => {
    if (axis < shape.length) {
      b.set(indices[axis]!, b.constant(I32, 0));
      b.loop("e", shape[axis]!, { [from]: elementCount(shape.slice(axis + 1)) }, () => {
        visit(axis + 1);
        b.set(indices[axis]!, b.add(indices[axis]!, b.constant(I32, 1)));
      });
      return;
    }
    const value = b.let("x", loadElement(b, x.dtype, 1, from));
    const isFound = b.let("f", b.select(b.compare("ne", value, constantElement(b, x.dtype, 1, 0)), b.constant(I32, 1), b.constant(I32, 0)));
    const at = b.let("a", b.pmin(b.pmax(found, b.constant(I32, 0)), b.constant(I32, most - 1)));
    to.forEach((cursor, k) => b.store(cursor, 0, b.convert(b.mul(indices[k]!, isFound), "i64"), at));
    b.set(found, b.add(found, isFound));
  };
  if (most > 0) visit(0);
  b.store(b.cursor("c", "count"), 0, found);
  context.call(b.finish(), { x: x.buffer, places: places.buffer, count: count.buffer });
}

function lowerLimit(op: Op, context: RegionContext): void {
  const [x, y] = [context.operandAt(0)!, context.result(op)];
  const { most, value } = op.attrs as { readonly most: number; readonly value: string };
  const kernel = limitKernel(x.layout.elem, most, context.target, op.loc);
  context.call(kernel, { x: x.buffer, y: y.buffer, word: context.open.limit(value, most, context.target).word });
}

/** All zeros, then the slices in front. */
function lowerZeroTail(op: Op, context: RegionContext): void {
  const [x, y] = [context.operandAt(0)!, context.result(op)];
  const { shape, elem } = x.layout;
  if (elementCount(shape) === 0) return;
  const given = op.attrs["axis"] as number;
  const axis = given < 0 ? given + shape.length : given;
  const [outer, most, inner] = [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
  const { name } = context.length(context.operandAt(1)!, most);
  clear(y, context, op);
  const b = builderFor(op, context, `${elem}_${shape.join("x")}_axis${axis}`);
  b.param("x", elem, x.layout.size, "in");
  b.param("y", elem, y.layout.size, "out");
  const unit = unitOfRun(elem, inner, b.lanes);
  const [from, to] = [b.cursor("i", "x", 0, unit.elem), b.cursor("o", "y", 0, unit.elem)];
  emitNest(b, [{ trips: outer, steps: [most * unit.count, most * unit.count] }], [from, to], () =>
    b.loop("n", { extent: "length", per: 1, max: most }, { [from]: unit.count, [to]: unit.count }, () => copyRun(b, unit, from, to)),
  );
  context.call(b.finish(), { x: x.buffer, y: y.buffer }, { length: name });
}
