import { shapeText } from "../../ir/broadcast.ts";
import { boundsOf } from "../../ir/dims.ts";
import { Value, type Graph } from "../../ir/graph.ts";
import { div, sub } from "../../ir/ops/arithmetic.ts";
import { longest } from "../../ir/ops/padded.ts";
import { steppedOf, type Stepped } from "../../ir/stepped.ts";
import { tensorType } from "../../ir/types.ts";
import type { Note } from "../../support/errors.ts";
import { openAxes, type Bounding } from "./bounding.ts";

/** Parameters of a graph in fixed shapes, with a length behind them for each extent that the inputs of a run tell. */
export class BoundedParams {
  readonly params: readonly Value[];
  /** Five numbers each, as `return` has them. */
  readonly extents: readonly number[];

  constructor(graph: Graph, fixed: Bounding, notes: Note[]) {
    const visible = graph.params.map((param) => (openAxes(param.type).length === 0 ? param : new Value(longest(param.type), param.name)));
    const lengths: Value[] = [];
    const known = new Map<string, number>();
    const extents: number[] = [];
    graph.params.forEach((param, input) => {
      fixed.set(param, visible[input]!);
      for (const axis of openAxes(param.type)) {
        const dim = param.type.shape[axis]!;
        const stepped = steppedOf(dim);
        if (!stepped || !Number.isFinite(boundsOf(dim)[1])) {
          notes.push({ where: param.name || "an input", text: `is ${shapeText(param.type.shape)}: axis ${axis} has no range` });
          continue;
        }
        const key = JSON.stringify(dim);
        let at = known.get(key);
        if (at === undefined) {
          known.set(key, (at = visible.length + lengths.length));
          const length = new Value(tensorType("i32", []), `length of ${stepped.symbol.name}`);
          lengths.push(length);
          fixed.define(stepped.symbol, symbolValue(fixed, length, stepped));
        }
        extents.push(input, axis, at, boundsOf(dim)[0], stepped.step);
      }
    });
    this.params = [...visible, ...lengths];
    this.extents = extents;
  }
}

function symbolValue(graph: Bounding, length: Value, { step, offset }: Stepped): Value {
  const from = offset === 0 ? length : graph.b.create(sub, { a: length, b: graph.word(offset) });
  return step === 1 ? from : graph.b.create(div, { a: from, b: graph.word(step) });
}
