import { KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem, type Kernel, type Type } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import { emitNest } from "./nest.ts";
import { transposeTile } from "./transpose-tile.ts";
import { boxesOf, mergeDims, sortDims, wholeView, type Box, type Dim, type View } from "./view.ts";

/** Copies a tensor into another layout of the same shape. Parameters: x, y. */
export function copyKernel(src: Layout, dst: Layout, target: TargetProfile, loc: readonly string[] = []): Kernel {
  return transferKernel(`copy_${src.elem}_${src.shape.join("x") || "scalar"}`, [{ shape: src.shape, from: wholeView(src), to: wholeView(dst) }], target, loc);
}

/** What `from` shows goes to where `to` shows it, over an iteration of `shape`. */
export interface Transfer {
  readonly shape: readonly number[];
  readonly from: View;
  readonly to: View;
}

/** All transfers between two buffers, one after the other. Elements are moved as bits. Parameters: x, y. */
export function transferKernel(name: string, transfers: readonly [Transfer, ...Transfer[]], target: TargetProfile, loc: readonly string[]): Kernel {
  const b = new KernelBuilder(name, { lanes: lanesOf(target), mode: "fast", loc });
  const [{ from, to }] = transfers;
  const { elem } = from.layout;
  b.param("x", elem, from.layout.size, "in");
  b.param("y", elem, to.layout.size, "out");
  for (const each of transfers) for (const box of boxesOf(each.shape, [each.from, each.to])) emitBox(b, elem, box);
  return b.finish();
}

const UNSIGNED: Readonly<Record<number, Elem>> = { 1: "u8", 2: "u16", 4: "i32", 8: "i64" };

/** What is moved, and in what order; steps and bases count in `elem`. */
interface Move {
  readonly elem: Elem;
  readonly bases: readonly number[];
  readonly dims: readonly Dim[];
}

function emitBox(b: KernelBuilder, elem: Elem, box: Box): void {
  const dims = mergeDims(sortDims(box.dims, 1));
  const move: Move = { elem: UNSIGNED[ELEM_BYTES[elem]]!, bases: box.bases, dims };
  const { lanes } = b;
  const unit = dims.find((dim) => dim.steps[0] === 1 && dim.steps[1] === 1);
  if (unit) return emitRows(b, asWords(move, unit, lanes));
  const words = move.elem === "i32" && lanes > 1;
  const along = dims.find((dim) => dim.steps[1] === 1 && dim.trips >= lanes);
  if (words && along) {
    const source = dims.find((dim) => dim.steps[0] === 1 && dim.trips >= lanes);
    if (source) return emitTiles(b, move, source, along);
    if (along.steps[0] === 0 || along.steps[0] === -1) return emitVectors(b, move, along);
  }
  emitElements(b, move);
}

/** The same move in wider elements, where all that is moved together allows it. */
function asWords(move: Move, unit: Dim, lanes: number): Move {
  const bytes = ELEM_BYTES[move.elem];
  const inBytes = (n: number): number => n * bytes;
  const others = move.dims.filter((dim) => dim !== unit);
  const multiple = (of: number): boolean => [unit.trips, ...move.bases, ...others.flatMap((dim) => dim.steps)].every((n) => inBytes(n) % of === 0);
  const size = multiple(4) ? 4 : bytes === 2 && lanes > 1 && inBytes(unit.trips) >= lanes * 4 ? 1 : bytes;
  const scaled = (n: number): number => inBytes(n) / size;
  return {
    elem: UNSIGNED[size]!,
    bases: move.bases.map(scaled),
    dims: [...others.map((dim) => ({ trips: dim.trips, steps: dim.steps.map(scaled) })), { trips: scaled(unit.trips), steps: [1, 1] }],
  };
}

function cursorsOf(b: KernelBuilder, move: Move, shift: readonly number[] = [0, 0]): [string, string] {
  return [b.cursor("i", "x", move.bases[0]! + shift[0]!, move.elem), b.cursor("o", "y", move.bases[1]! + shift[1]!, move.elem)];
}

/** Elements written one by one where there are at most so many. */
const WRITTEN_OUT = 8;

/** Rows of elements that lie next to each other on both sides: the last dim. The last vector of a row may overlap the one before. */
function emitRows(b: KernelBuilder, move: Move): void {
  const row = move.dims.at(-1)!;
  const width = vectorLanes(move.elem, b.lanes);
  const [from, to] = cursorsOf(b, move);
  emitNest(b, move.dims.slice(0, -1), [from, to], () => {
    if (width === 1 || row.trips < width) return emitRun(b, move.elem, row.trips, from, to);
    const type = vector(move.elem, width);
    const copy = (offset: number): void => b.store(to, offset, b.load(type, from, offset));
    const whole = Math.floor(row.trips / width);
    const unroll = [4, 3, 2].find((n) => whole % n === 0 && whole > n) ?? 1;
    const copies = (): void => Array.from({ length: unroll }, (_, i) => i * width).forEach(copy);
    if (whole === unroll) copies();
    else b.loop("v", whole / unroll, { [from]: unroll * width, [to]: unroll * width }, copies);
    if (row.trips % width > 0) copy(row.trips - width);
  });
}

function vectorLanes(elem: Elem, lanes: number): number {
  if (lanes === 1) return 1;
  return elem === "i32" ? lanes : elem === "u8" ? lanes * 4 : 1;
}

function emitRun(b: KernelBuilder, elem: Elem, count: number, from: string, to: string): void {
  const copy = (offset: number): void => b.storeAs(scalar(elem), to, offset, b.load(scalar(elem), from, offset));
  if (count > WRITTEN_OUT) return b.loop("e", count, { [from]: 1, [to]: 1 }, () => copy(0));
  for (let i = 0; i < count; i++) copy(i);
}

/** A line of the cache, in words: blocks of tiles that fill lines on both sides are finished while the lines are at hand. */
const LINE = 16;

/** Square tiles of `lanes` rows go through registers; what is left at the edges goes one by one. */
function emitTiles(b: KernelBuilder, move: Move, source: Dim, along: Dim): void {
  const { lanes } = b;
  const type = vector("i32", lanes);
  const others = move.dims.filter((dim) => dim !== source && dim !== along);
  const [rows, columns] = [Math.floor(along.trips / lanes), Math.floor(source.trips / lanes)];
  const [from, to] = cursorsOf(b, move);
  const edges = [
    {
      dims: [
        { trips: columns * lanes, steps: source.steps },
        { trips: along.trips - rows * lanes, steps: along.steps },
      ],
      shift: along.steps.map((step) => step * rows * lanes),
    },
    {
      dims: [
        { trips: source.trips - columns * lanes, steps: source.steps },
        { trips: along.trips, steps: along.steps },
      ],
      shift: source.steps.map((step) => step * columns * lanes),
    },
  ]
    .filter((edge) => edge.dims.every((dim) => dim.trips > 0))
    .map((edge) => ({ dims: edge.dims, cursors: cursorsOf(b, move, edge.shift) }));
  emitNest(
    b,
    others.map((dim) => ({ trips: dim.trips, steps: [...dim.steps, ...edges.flatMap(() => dim.steps)] })),
    [from, to, ...edges.flatMap((edge) => edge.cursors)],
    () => {
      emitNest(b, tileLoops(source, along, lanes), [from, to], () => {
        const loaded: Term[] = [];
        for (let i = 0; i < lanes; i++) loaded.push(b.let("r", b.load(type, from, i * along.steps[0]!)));
        transposeTile(b, loaded).forEach((vector, i) => b.store(to, i * source.steps[1]!, vector));
      });
      for (const edge of edges) emitNest(b, edge.dims, edge.cursors, () => copyOne(b, scalar("i32"), edge.cursors));
    },
  );
}

function tileLoops(source: Dim, along: Dim, lanes: number): Dim[] {
  const [rows, columns] = [Math.floor(along.trips / lanes), Math.floor(source.trips / lanes)];
  const dim = (of: Dim, trips: number, size: number): Dim => ({ trips, steps: of.steps.map((step) => step * size) });
  const per = LINE / lanes;
  if (per <= 1 || rows % per !== 0 || columns % per !== 0) return [dim(source, columns, lanes), dim(along, rows, lanes)];
  return [dim(source, columns / per, LINE), dim(along, rows / per, LINE), dim(along, per, lanes), dim(source, per, lanes)];
}

/** Vectors of one repeated element, or of elements in reverse. */
function emitVectors(b: KernelBuilder, move: Move, along: Dim): void {
  const { lanes } = b;
  const type = vector("i32", lanes);
  const others = move.dims.filter((dim) => dim !== along);
  const whole = Math.floor(along.trips / lanes);
  const reversed = along.steps[0] === -1;
  const [from, to] = cursorsOf(b, move, reversed ? [1 - lanes, 0] : [0, 0]);
  const rest = along.trips - whole * lanes;
  const tail =
    rest > 0
      ? cursorsOf(
          b,
          move,
          along.steps.map((step) => step * whole * lanes),
        )
      : undefined;
  emitNest(
    b,
    others.map((dim) => ({ trips: dim.trips, steps: [...dim.steps, ...dim.steps] })),
    [from, to, ...(tail ?? [])],
    () => {
      emitNest(b, [{ trips: whole, steps: along.steps.map((step) => step * lanes) }], [from, to], () => {
        const value = reversed ? b.let("r", b.load(type, from)) : b.splat(type, from);
        b.store(
          to,
          0,
          reversed
            ? b.op(
                "shuffle",
                type,
                [value, value],
                Array.from({ length: lanes }, (_, i) => lanes - 1 - i),
              )
            : value,
        );
      });
      if (tail) emitNest(b, [{ trips: rest, steps: along.steps }], tail, () => copyOne(b, scalar("i32"), tail));
    },
  );
}

function emitElements(b: KernelBuilder, move: Move): void {
  const [from, to] = cursorsOf(b, move);
  const type = scalar(move.elem);
  const inner = move.dims.at(-1);
  if (!inner || inner.trips > WRITTEN_OUT || inner.steps.some((step) => step < 0))
    return emitNest(b, move.dims, [from, to], () => copyOne(b, type, [from, to]));
  emitNest(b, move.dims.slice(0, -1), [from, to], () => {
    for (let i = 0; i < inner.trips; i++) b.storeAs(type, to, i * inner.steps[1]!, b.load(type, from, i * inner.steps[0]!));
  });
}

function copyOne(b: KernelBuilder, type: Type, [from, to]: readonly [string, string]): void {
  b.storeAs(type, to, 0, b.load(type, from));
}
