import type { DType } from "../../ir/types.ts";
import { plainLayout } from "../layout.ts";
import { memoryElem } from "./storage.ts";
import { boxesOf, mergeDims, paddedShape, sortDims, type Box, type Dim, type View } from "./view.ts";

export interface LineOperand {
  readonly param: string;
  readonly dtype: DType;
  readonly view: View;
  readonly access: "in" | "out" | "inout";
  /** Scratch of one line, or of as many as there are lanes: its view has the axes of a line only, dense. */
  readonly local?: boolean;
}

/** Scratch that holds a line, or a line a lane. */
export function localOperand(param: string, dtype: DType, shape: readonly number[], axes: readonly number[], lanes: number): LineOperand {
  const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
  const layout = plainLayout(
    memoryElem(dtype),
    axes.map((axis) => shape[axis]!),
    count * (lanes - 1),
  );
  return {
    param,
    dtype,
    access: "inout",
    local: true,
    view: { layout, axes: shape.map((_, axis) => ({ axis: axes.indexOf(axis), start: 0, step: axes.includes(axis) ? 1 : 0 })) },
  };
}

/** An iteration whose elements along `axes` form lines that are worked on together: reduced, normalised, scanned. Operand 0 decides the order. */
export interface LineSpace {
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  readonly operands: readonly LineOperand[];
  readonly lanes: number;
  /** Vectors can't. */
  readonly scalarOnly?: boolean;
  /** False: no vectors along a line, only across lines. */
  readonly along?: boolean;
}

/** A part of every line: `shift` from the line's first element, by operand, and loops, not yet merged. */
export interface Segment {
  readonly shift: readonly number[];
  readonly dims: readonly Dim[];
}

/** Channels counted to whole blocks where operand 0 is an image: a single one, or one whose results are padded, too. */
export function withPadding(space: LineSpace): LineSpace {
  const [first] = space.operands;
  const writes = space.operands.filter((operand) => operand.access !== "in");
  const padsResults = writes.every(({ view }) => view.layout.shape.length === space.shape.length && view.layout.strides[0]! > view.layout.shape[1]!);
  if (space.scalarOnly || space.axes.includes(1) || !first || !(space.shape[0] === 1 || padsResults)) return space;
  const shape = paddedShape(
    space.shape,
    first.view.layout,
    space.operands.map(({ view }) => view),
    space.lanes,
  );
  return shape ? { ...space, shape } : space;
}

/** Where lines begin, and what each of them is made of. */
export function splitSpace(space: LineSpace): { readonly kept: readonly Box[]; readonly segments: readonly Segment[] } {
  const part = (inLine: boolean) => {
    const axes = [...space.shape.keys()].filter((axis) => space.axes.includes(axis) === inLine);
    const views = space.operands.map(({ view }): View => ({ layout: view.layout, axes: axes.map((axis) => view.axes[axis]!) }));
    return boxesOf(
      axes.map((axis) => space.shape[axis]!),
      views,
    );
  };
  const offsets = space.operands.map(({ view }) => view.layout.offset);
  const segments = part(true).map((box): Segment => ({
    shift: box.bases.map((base, k) => base - offsets[k]!),
    dims: sortDims(box.dims, 0),
  }));
  return { kept: part(false), segments };
}

/** The operand that moves in every kept dim orders them. */
export function orderOf(space: LineSpace, dims: readonly Dim[]): number {
  const moving = (k: number): number => dims.filter((dim) => dim.trips > 1 && dim.steps[k] !== 0).length;
  return space.operands.reduce((best, _, k) => (moving(k) > moving(best) ? k : best), 0);
}

/** The loops of a segment when only some operands are touched: what they walk through without a jump is one loop. */
export function loopsOf(segment: Segment, touches?: readonly number[]): Dim[] {
  const touched = (steps: readonly number[]): number[] => steps.map((step, k) => (touches === undefined || touches.includes(k) ? step : 0));
  return mergeDims(segment.dims.map((dim) => ({ trips: dim.trips, steps: touched(dim.steps) })));
}

/** Local operands hold an element of every lane side by side. */
export function withLocalLanes(space: LineSpace, segment: Segment, lanes: number): Segment {
  const wide = (values: readonly number[]): number[] => values.map((value, k) => (space.operands[k]!.local ? value * lanes : value));
  return { shift: wide(segment.shift), dims: segment.dims.map((dim) => ({ trips: dim.trips, steps: wide(dim.steps) })) };
}
