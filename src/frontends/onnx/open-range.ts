import { boundsOf } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import { add, ceil, div, mul, sub } from "../../ir/ops/arithmetic.ts";
import { span } from "../../ir/ops/span.ts";
import { tensor } from "../../ir/tensor.ts";
import { printDim } from "../../ir/text/types.ts";
import type { Dim } from "../../ir/types.ts";
import type { NodeContext } from "./context.ts";
import { limited } from "./longest.ts";
import { castTo, range, reshapeTo } from "./rearrange.ts";

/** Range whose limit is a length, or data with a bound that the caller gives; undefined where everything is constant. */
export function importOpenRange(c: NodeContext): Value | undefined {
  if ([0, 1, 2].every((i) => !c.operand(i) || c.isKnown(i))) return undefined;
  const start = c.need(0, "start");
  const { dtype } = start.type;
  const scalar = (value: Value): Value => reshapeTo(c.b, value, []);
  const [from, to] = [scalar(start), scalar(c.need(1, "limit"))];
  const step = c.operand(2) ? scalar(c.need(2, "delta")) : c.scalar(dtype, 1);
  if (to.type.dtype !== dtype || step.type.dtype !== dtype) c.fail("wants three scalars of one type");
  const length = lengthOf(c);
  const output = c.node.output[0] ?? "";
  const most = length === undefined ? c.bounds.of(output) : boundsOf(length)[1];
  if (most === undefined || !Number.isFinite(most))
    return c.fail("gives as many numbers as its inputs say, which hang on the model's inputs", {
      kind: "dataDependent",
      hint: `say how many there are at most: \`--bound ${output}=N\`, or make its inputs constants with \`--set\``,
    });
  c.budget(most);
  const places = c.value(tensor(dtype, [most], range(most)));
  const numbers = c.b.create(add, { a: from, b: c.b.create(mul, { a: places, b: step }) });
  const extent = length === undefined || typeof length === "number" ? c.lengthName : printDim(length);
  const count = countOf(c, from, to, step);
  return c.b.create(span, { x: numbers, length: length === undefined ? limited(c.b, count, most, output) : count }, { extent });
}

/** 0, 1, 2 … as far as a tensor is long. */
function lengthOf(c: NodeContext): Dim | undefined {
  const [start, limit, delta] = [0, 1, 2].map((i) => (c.operand(i) ? c.dimsIn(c.operand(i)!) : [1]));
  return start?.[0] === 0 && delta?.[0] === 1 ? limit?.[0] : undefined;
}

function countOf(c: NodeContext, from: Value, to: Value, step: Value): Value {
  const double = (value: Value): Value => castTo(c.b, value, "f64");
  const way = c.b.create(sub, { a: double(to), b: double(from) });
  return castTo(c.b, c.b.create(ceil, { x: c.b.create(div, { a: way, b: double(step) }) }), "i64");
}
