import type { Op } from "../../ir/graph.ts";
import { gru, lstm, rnn } from "../../ir/ops/recurrence.ts";
import { elementCount, type DType } from "../../ir/types.ts";
import { lanesOf } from "../../target/profile.ts";
import { plainLayout, SLACK } from "../layout.ts";
import type { OpenExtent } from "../open-steps.ts";
import type { Buffer, LowerContext, Place, Schedule } from "../schedule.ts";
import { castPlace } from "./cast-place.ts";
import { columnLanes } from "./contraction.ts";
import { transferKernel } from "./copy.ts";
import { NO_ACTIVATION } from "./epilogue.ts";
import { fillAllKernel } from "./fill.ts";
import { cellFunction } from "./recurrent-activations.ts";
import { gruCell, lstmCell, rnnCell, type Cell } from "./recurrent-cells.ts";
import { recurrentKernel, type RecurrentProblem } from "./recurrent-kernel.ts";
import { packRecurrentWeights, pitchedLayout } from "./recurrent-weights.ts";
import { runContraction } from "./run-contraction.ts";
import { wholeView, type View } from "./view.ts";

/** The inputs of all moments are one product; then a kernel for each direction goes through the moments. */
export const recurrenceSchedule: Schedule = {
  ops: [lstm, gru, rnn],
  lower(op, context) {
    const [time, batch] = op.operands[0]!.type.shape as readonly number[];
    const dtype = op.operands[0]!.type.dtype;
    const held: "f32" | "f64" = dtype === "f64" ? "f64" : "f32";
    const results = op.results.map((_, i) => heldResult(context, context.result(op, i), held));
    if (elementCount(results[1]!.place.layout.shape) === 0) return;
    const directions = op.attrs["direction"] === "bidirectional" ? 2 : 1;
    for (let d = 0; d < directions; d++)
      new Direction(
        op,
        context,
        held,
        time!,
        batch!,
        d,
        results.map((result) => result.place),
      ).lower();
    for (const result of results) result.finish();
  },
};

/** A result in the dtype that is computed with; `finish` casts it. */
function heldResult(context: LowerContext, result: Place, held: DType): { readonly place: Place; finish(): void } {
  if (result.dtype === held) return { place: result, finish: () => {} };
  const layout = plainLayout(held as "f32", result.layout.shape);
  const place: Place = { buffer: context.scratch(layout.elem, layout.size), layout, dtype: held };
  return { place, finish: () => castPlace(context, place, result) };
}

class Direction {
  private readonly op: Op;
  private readonly context: LowerContext;
  private readonly held: "f32" | "f64";
  private readonly time: number;
  private readonly batch: number;
  private readonly d: number;
  private readonly results: readonly Place[];
  private readonly hidden: number;
  private readonly lanes: number;
  private readonly pitch: number;
  private readonly cell: Cell;

  constructor(op: Op, context: LowerContext, held: "f32" | "f64", time: number, batch: number, d: number, results: readonly Place[]) {
    this.op = op;
    this.context = context;
    this.held = held;
    this.time = time;
    this.batch = batch;
    this.d = d;
    this.results = results;
    this.hidden = op.attrs["hidden"] as number;
    this.lanes = held === "f32" ? lanesOf(context.target) : 1;
    this.pitch = Math.ceil(this.hidden / this.lanes) * this.lanes;
    this.cell = cellOf(op, d);
  }

  lower(): void {
    const { context, cell, hidden, pitch, batch, time, d, held } = this;
    const state = batch * pitch;
    const h = context.scratch(held, state);
    const c = cell.hasC ? context.scratch(held, state) : undefined;
    this.startState(h, "initialH");
    if (c) this.startState(c, "initialC");
    const [y, yH, yC] = this.results as [Place, Place, Place | undefined];
    const directions = y.layout.shape[1]!;
    if (time > 0) {
      const moments = this.place("moments");
      const extent = moments && context.length(moments, time);
      const input = this.inputs(extent);
      const weights = packRecurrentWeights(context, this.place("r")!, { cell, elem: held, lanes: this.lanes, hidden, pitch, direction: d, batch });
      const parts = { bias: this.paddedRows("bias", 2 * cell.gates), peephole: this.paddedRows("peephole", 3) };
      const lengths = this.place("sequenceLengths");
      const problem: RecurrentProblem = {
        name: `${this.op.name}_${held}_${time}x${batch}x${hidden}${this.isBackward ? "_backward" : ""}${extent ? "_open" : ""}`,
        loc: this.op.loc,
        target: context.target,
        elem: held,
        lanes: this.lanes,
        cell,
        time,
        batch,
        hidden,
        pitch,
        isBackward: this.isBackward,
        input: input.size,
        y: { size: y.layout.size, base: d * batch * hidden, step: directions * batch * hidden },
        weights: weights.shape,
        bias: parts.bias && { size: parts.bias.layout.size, base: d * 2 * cell.gates * pitch },
        peephole: parts.peephole && { size: parts.peephole.layout.size, base: d * 3 * pitch },
        lengths: lengths && (lengths.dtype === "i64" ? "i64" : "i32"),
        isOpen: extent !== undefined,
      };
      const row = cell.gates * pitch;
      const args = {
        input: input.buffer,
        r: weights.buffer,
        h,
        sums: context.scratch(held, batch * row),
        y: y.buffer,
        ...(parts.bias ? { bias: parts.bias.buffer } : {}),
        ...(parts.peephole ? { peephole: parts.peephole.buffer } : {}),
        ...(lengths ? { lengths: this.tightLengths(lengths), out: context.scratch(held, state) } : {}),
        ...(c ? { c } : {}),
        ...(cell.reset ? { gated: context.scratch(held, state) } : {}),
      };
      context.call(recurrentKernel(problem), args, extent && { moments: extent.name });
    }
    this.endState(h, yH);
    if (c && yC) this.endState(c, yC);
  }

  private get isBackward(): boolean {
    return this.op.attrs["direction"] === "reverse" || this.d === 1;
  }

  /** An operand in the dtype that is computed with. */
  private place(name: string): Place | undefined {
    if (!this.op.def.operands.some((declared: string) => declared.replace("?", "") === name)) return undefined;
    const place = this.context.operand(this.op, name);
    if (!place || place.dtype === this.held || name === "sequenceLengths" || name === "moments") return place;
    const layout = plainLayout(this.held, place.layout.shape);
    const to: Place = { buffer: this.context.scratch(this.held, layout.size), layout, dtype: this.held };
    castPlace(this.context, place, to);
    return to;
  }

  /** The kernel declares one length a row of the batch. */
  private tightLengths(lengths: Place): Buffer {
    return this.context.relayout(lengths, plainLayout(lengths.layout.elem, lengths.layout.shape, 0)).buffer;
  }

  /** w * x of all moments that there are, gates side by side. */
  private inputs(moments: OpenExtent | undefined): { readonly buffer: Buffer; readonly size: number } {
    const { context, op, held, cell, hidden, time, batch, d } = this;
    const [x, w] = [this.place("x")!, this.place("w")!];
    const features = x.layout.shape[2]!;
    const columns = cell.gates * hidden;
    const size = time * batch * columns + SLACK;
    const buffer = context.scratch(held, size);
    const rows = plainLayout(held, [time * batch, columns]);
    const ends = moments ? [{ param: "y", layout: rows, axis: 0, extent: moments, factor: batch, offset: 0 }] : [];
    runContraction(
      context,
      {
        name: `${op.name}_inputs_${held}_${time * batch}x${features}x${columns}`,
        loc: op.loc,
        elem: held,
        lanes: columnLanes(held, context.target),
        a: { size: x.layout.size, base: 0 },
        y: { size, base: 0, block: Infinity, stride: 0 },
        outer: [],
        rows: { trips: 1, a: 0, y: 0, residual: 0 },
        cols: { trips: time * batch, a: features, y: columns, residual: 0 },
        columns,
        columnSource: features,
        exact: true,
        hasBias: false,
        reduction: features > 0 ? [{ a: 0, source: d * columns * features, loops: [{ stem: "c", trips: features, a: 1, source: 1 }] }] : [],
        activation: NO_ACTIVATION,
        overlapping: false,
      },
      { x: x.buffer, weights: w, bias: undefined, residual: undefined, y: buffer },
      ends,
    );
    return { buffer, size };
  }

  /** Rows of `hidden` elements, `rows` of them a direction, a pitch apart. */
  private paddedRows(name: string, rows: number): Place | undefined {
    const place = this.place(name);
    if (!place) return undefined;
    const layout = pitchedLayout(this.held, place.layout.shape, this.hidden, this.pitch);
    return this.context.relayout(place, { ...layout, strides: [rows * this.pitch, 1], size: place.layout.shape[0]! * rows * this.pitch + SLACK });
  }

  private startState(state: Buffer, name: "initialH" | "initialC"): void {
    const initial = this.place(name);
    if (initial) return this.moveState(initial, "from", state);
    const layout = plainLayout(this.held, [this.batch * this.pitch], 0);
    this.context.call(fillAllKernel(layout, 0, this.context.target, this.op.loc), { y: state });
  }

  private endState(state: Buffer, result: Place): void {
    this.moveState(result, "to", state);
  }

  private moveState(tensor: Place, role: "from" | "to", state: Buffer): void {
    const { batch, hidden, pitch, context, held, d } = this;
    const shape = [batch, hidden];
    const slice: View = {
      layout: { ...tensor.layout, offset: tensor.layout.offset + d * batch * hidden },
      axes: [
        { axis: 1, start: 0, step: 1 },
        { axis: 2, start: 0, step: 1 },
      ],
    };
    const padded = wholeView({ ...plainLayout(held, shape, 0), strides: [pitch, 1], size: batch * pitch });
    const [from, to] = role === "from" ? [slice, padded] : [padded, slice];
    const kernel = transferKernel(`state_${held}_${batch}x${hidden}_${role}`, [{ shape, from, to }], context.target, this.op.loc);
    context.call(kernel, role === "from" ? { x: tensor.buffer, y: state } : { x: state, y: tensor.buffer });
  }
}

function cellOf(op: Op, d: number): Cell {
  const defaults = op.def === lstm ? ["sigmoid", "tanh", "tanh"] : op.def === gru ? ["sigmoid", "tanh"] : ["tanh"];
  const names = op.attrs["activations"] as readonly string[];
  const [alphas, betas] = [op.attrs["activationAlpha"], op.attrs["activationBeta"]] as [readonly number[], readonly number[]];
  const functions = defaults.map((name, i) => {
    const at = d * defaults.length + i;
    return cellFunction(names.length > 0 ? names[at]! : name, alphas[at], betas[at], op.attrs["clip"] as number);
  });
  if (op.def === lstm) return lstmCell(functions, op.attrs["inputForget"] as boolean);
  return op.def === gru ? gruCell(functions, op.attrs["linearBeforeReset"] as boolean) : rnnCell(functions);
}
