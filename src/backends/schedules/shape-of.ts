import { shapeOf as shapeOfOp } from "../../ir/ops/control.ts";
import { plainLayout } from "../layout.ts";
import type { Schedule } from "../schedule.ts";
import { copyKernel } from "./copy.ts";

/** Shapes are numbers here: the result is copied from the weights. */
export const shapeOfSchedule: Schedule = {
  ops: [shapeOfOp],
  wishes: () => ({ operands: [{ kind: "any", loose: true }], results: [] }),
  lower(op, context) {
    const shape = op.operands[0]!.type.shape as readonly number[];
    const y = context.result(op);
    if (shape.length === 0) return;
    const layout = plainLayout("i64", [shape.length], 0);
    const kernel = copyKernel(layout, y.layout, context.target, op.loc);
    context.call(kernel, { x: context.weights("i64", BigInt64Array.from(shape, BigInt)), y: y.buffer });
  },
};
