import { gru, lstm, rnn } from "../../../ir/ops/recurrence.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { castTo, transposeBy } from "../rearrange.ts";
import { shapeOf } from "../static-shape.ts";
import type { OperatorTable } from "./table.ts";

/** Recurrent networks; layout 1 (batch first) is transposed to the layout of the ops, which is 0. */
export const RECURRENCE: OperatorTable = {
  GRU: importGru,
  LSTM: importLstm,
  RNN: importRnn,
};

function importLstm(c: NodeContext): readonly Value[] {
  const operands = { ...common(c), initialC: state(c, 6), peephole: c.operand(7) };
  const attrs = { ...cell(c, operands.r, 3), inputForget: c.flag("input_forget", false) };
  return fromLayout(c, c.b.createAll(lstm, operands, attrs));
}

function importGru(c: NodeContext): readonly Value[] {
  const operands = common(c);
  return fromLayout(c, c.b.createAll(gru, operands, { ...cell(c, operands.r, 2), linearBeforeReset: c.flag("linear_before_reset", false) }));
}

function importRnn(c: NodeContext): readonly Value[] {
  const operands = common(c);
  return fromLayout(c, c.b.createAll(rnn, operands, cell(c, operands.r, 1)));
}

function common(c: NodeContext): { x: Value; w: Value; r: Value; bias: Value | undefined; sequenceLengths: Value | undefined; initialH: Value | undefined } {
  const x = c.need(0, "X");
  const lengths = c.operand(4);
  return {
    x: isBatchFirst(c) ? transposeBy(c.b, x, [1, 0, 2]) : x,
    w: c.need(1, "W"),
    r: c.need(2, "R"),
    bias: c.operand(3),
    sequenceLengths: lengths && castTo(c.b, lengths, "i32"),
    initialH: state(c, 5),
  };
}

function isBatchFirst(c: NodeContext): boolean {
  return c.flag("layout", false);
}

function state(c: NodeContext, index: number): Value | undefined {
  const value = c.operand(index);
  return value && isBatchFirst(c) ? transposeBy(c.b, value, [1, 0, 2]) : value;
}

interface CellAttrs {
  readonly hidden: number;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly activations: readonly string[];
  readonly activationAlpha: readonly number[];
  readonly activationBeta: readonly number[];
  readonly clip: number;
}

/** Attributes that all cells have. `activations` is how many one direction has. */
function cell(c: NodeContext, r: Value, activations: number): CellAttrs {
  const direction = c.word("direction", ["forward", "reverse", "bidirectional"]);
  const names = (c.texts("activations") ?? []).map((name) => name.toLowerCase());
  const wanted = activations * (direction === "bidirectional" ? 2 : 1);
  if (names.length > 0 && names.length !== wanted) c.fail(`names ${names.length} activations, wanted ${wanted}`);
  const hidden = c.int("hidden_size") ?? shapeOf(r)[2] ?? 0;
  const numbers = {
    activationAlpha: spread(names, c.floats("activation_alpha") ?? [], ALPHA),
    activationBeta: spread(names, c.floats("activation_beta") ?? [], BETA),
  };
  return { hidden, direction, activations: names, ...numbers, clip: c.float("clip", 0) };
}

/** What activations that have such a number take where none is given. */
const ALPHA: Readonly<Record<string, number>> = { leakyrelu: 0.01, elu: 1, hardsigmoid: 0.2, thresholdedrelu: 1, affine: 1, scaledtanh: 1 };
const BETA: Readonly<Record<string, number>> = { hardsigmoid: 0.5, affine: 0, scaledtanh: 1 };

/** Numbers are listed for those activations only that have one; here each gets one. */
function spread(names: readonly string[], given: readonly number[], usual: Readonly<Record<string, number>>): readonly number[] {
  let next = 0;
  return given.length === 0 ? [] : names.map((name) => (usual[name] === undefined ? 0 : (given[next++] ?? usual[name])));
}

/** Y[T,D,B,H] to [B,T,D,H], states [D,B,H] to [B,D,H]. */
function fromLayout(c: NodeContext, results: readonly Value[]): readonly Value[] {
  if (!isBatchFirst(c)) return results;
  return results.map((value, i) => transposeBy(c.b, value, i === 0 ? [2, 0, 1, 3] : [1, 0, 2]));
}
