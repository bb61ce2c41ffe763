import { argReduce, cumulative } from "../../ir/ops/reduction.ts";
import { elementCount, isFloat } from "../../ir/types.ts";
import { KernelBuilder, type Term } from "../../kernel/build.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Schedule } from "../schedule.ts";
import { compareIntegers } from "./integer-expressions.ts";
import type { LineSpace } from "./line-space.ts";
import { emitLines } from "./lines.ts";
import { normalAxes } from "./movement.ts";
import { reducedView } from "./reduce.ts";
import { constantElement, hasVectors, normalise } from "./storage.ts";
import { slicedView, wholeView } from "./view.ts";

/** Index of the greatest or least element: the first of equals or the last. A NaN is both. */
export const argReduceSchedule: Schedule = {
  ops: [argReduce],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = x.layout;
    if (elementCount(y.layout.shape) === 0) return;
    const axes = normalAxes([op.attrs["axis"] as number], shape.length);
    const kind = op.attrs["kind"] as "max" | "min";
    const lastIndex = op.attrs["lastIndex"] as boolean;
    const b = new KernelBuilder(`arg${kind}_${x.dtype}_${shape.join("x")}_axis${axes[0]}${lastIndex ? "_last" : ""}`, {
      lanes: lanesOf(context.target),
      mode: "fast",
      loc: op.loc,
    });
    const space: LineSpace = {
      shape,
      axes,
      lanes: b.lanes,
      along: false,
      scalarOnly: !hasVectors(x.dtype),
      operands: [
        { param: "x", dtype: x.dtype, view: wholeView(x.layout), access: "in" },
        { param: "y", dtype: y.dtype, view: reducedView(y.layout, shape, axes), access: "out" },
      ],
    };
    emitLines(b, space, (line) => {
      const word = { elem: "i32", lanes: line.lanes } as const;
      const count = (value: number): Term => b.constant(word, value);
      const mask = { mask: line.lanes };
      const either = (a: Term, d: Term): Term => b.op("or", mask, [a, d]);
      // The first element wins over whatever is held before it, because its index is 0.
      const first = constantElement(b, x.dtype, line.lanes, x.dtype === "i64" || x.dtype === "u64" ? 0n : 0);
      const [, best] = line.fold(
        [first, count(0), count(0)],
        ([held, index, at], element) => {
          const value = element.load(0);
          const test = (how: "lt" | "gt" | "eq"): Term =>
            isFloat(x.dtype)
              ? b.compare(how, value, held!)
              : compareIntegers(how)({ b, args: [value, held!], attrs: {}, from: [x.dtype], to: x.dtype, type: value.type });
          const better = test(kind === "max" ? "gt" : "lt");
          let moves = lastIndex ? either(better, test("eq")) : better;
          if (isFloat(x.dtype)) moves = b.op("and", mask, [either(moves, b.compare("ne", value, value)), b.compare("eq", held!, held!)]);
          const taken = either(moves, b.compare("eq", at!, count(0)));
          return [b.select(taken, value, held!), b.select(taken, at!, index!), b.add(at!, count(1))];
        },
        (_, a) => a,
      );
      line.store(1, best!);
    });
    context.call(b.finish(), { x: x.buffer, y: y.buffer });
  },
};

/** Running sums and products. */
export const cumulativeSchedule: Schedule = {
  ops: [cumulative],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = x.layout;
    if (elementCount(shape) === 0) return;
    const axes = normalAxes([op.attrs["axis"] as number], shape.length);
    const { kind, exclusive, reverse } = op.attrs as { kind: "sum" | "prod"; exclusive: boolean; reverse: boolean };
    const b = new KernelBuilder(`cumulative_${kind}_${x.dtype}_${shape.join("x")}_axis${axes[0]}${exclusive ? "_exclusive" : ""}${reverse ? "_reverse" : ""}`, {
      lanes: lanesOf(context.target),
      mode: "fast",
      loc: op.loc,
    });
    const turned = shape.map((dim, axis) => (reverse && axis === axes[0] ? { start: dim - 1, step: -1 } : { start: 0, step: 1 }));
    const view = (layout: typeof x.layout) =>
      slicedView(
        layout,
        turned.map((t) => t.start),
        turned.map((t) => t.step),
      );
    emitLines(
      b,
      {
        shape,
        axes,
        lanes: b.lanes,
        along: false,
        scalarOnly: !hasVectors(x.dtype),
        operands: [
          { param: "x", dtype: x.dtype, view: view(x.layout), access: "in" },
          { param: "y", dtype: y.dtype, view: view(y.layout), access: "out" },
        ],
      },
      (line) => {
        line.fold(
          [constantElement(b, x.dtype, line.lanes, kind === "sum" ? 0 : 1)],
          ([total], at) => {
            const value = at.load(0);
            const next = b.let("n", normalise(b, x.dtype, b.let("n", kind === "sum" ? b.add(total!, value) : b.mul(total!, value))));
            at.store(1, exclusive ? total! : next);
            return [next];
          },
          (_, a) => a,
        );
      },
    );
    context.call(b.finish(), { x: x.buffer, y: y.buffer });
  },
};
