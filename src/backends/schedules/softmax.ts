import { logSoftmax, softmax } from "../../ir/ops/normalisation.ts";
import { elementCount } from "../../ir/types.ts";
import { KernelBuilder, type Term } from "../../kernel/build.ts";
import { expFast, logFast } from "../../kernel/expand.ts";
import { expDouble, logDouble } from "../../kernel/expand-double.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Schedule } from "../schedule.ts";
import { localOperand, type LineOperand } from "./line-space.ts";
import { emitLines } from "./lines.ts";
import { normalAxes } from "./movement.ts";
import { constantElement, hasVectors } from "./storage.ts";
import { wholeView } from "./view.ts";

/** The greatest element first, so that no power overflows; then powers and their sum; then the scale. */
export const softmaxSchedule: Schedule = {
  ops: [softmax, logSoftmax],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const { shape } = x.layout;
    if (elementCount(shape) === 0) return;
    const { dtype } = x;
    const axes = normalAxes([op.attrs["axis"] as number], shape.length);
    const b = new KernelBuilder(`${op.name}_${dtype}_${shape.join("x")}_axis${axes[0]}`, { lanes: lanesOf(context.target), mode: "fast", loc: op.loc });
    // Powers wait in f32 scratch: rounded to short floats they would be felt in their sum, and a line across y may touch a page an element.
    const held = dtype === "f64" ? "f64" : "f32";
    const [exp, log] = held === "f64" ? [expDouble, logDouble] : [expFast, logFast];
    const isLog = op.def === logSoftmax;
    const powers = localOperand("powers", held, shape, axes, b.lanes);
    const operands: LineOperand[] = [
      { param: "x", dtype, view: wholeView(x.layout), access: "in" },
      { param: "y", dtype: y.dtype, view: wholeView(y.layout), access: "out" },
      powers,
    ];
    emitLines(b, { shape, axes, lanes: b.lanes, scalarOnly: !hasVectors(dtype), operands }, (line) => {
      const c = (value: number): Term => constantElement(b, dtype, line.lanes, value);
      const [top] = line.fold(
        [c(-Infinity)],
        ([most], at) => {
          const value = at.load(0);
          if (!line.along) at.store(2, value);
          return [b.pmax(most!, value)];
        },
        (_, a, d) => b.pmax(a, d),
        { unroll: 4, touches: line.along ? [0] : [0, 2] },
      );
      const source = line.along ? 0 : 2;
      const [sum] = line.fold(
        [c(0)],
        ([total], at) => {
          const power = b.let("e", exp(b, b.let("x", b.sub(at.load(source), top!))));
          if (!isLog) at.store(2, power);
          return [b.add(total!, power)];
        },
        (_, a, d) => b.add(a, d),
      );
      if (isLog) {
        const shift = b.let("s", b.add(top!, log(b, sum!)));
        return line.map((at) => at.store(1, b.sub(at.load(source), shift)));
      }
      const scale = b.let("s", b.div(c(1), sum!));
      line.map((at) => at.store(1, b.mul(at.load(2), scale)));
    });
    context.call(b.finish(), { x: x.buffer, y: y.buffer, powers: context.scratch(held, powers.view.layout.size) });
  },
};
