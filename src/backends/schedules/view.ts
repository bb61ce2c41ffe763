import type { Layout } from "../layout.ts";

/** Index `i` of an axis of the iteration is index `start + i * step` of an axis of the tensor. `axis` -1: the tensor has no such axis. */
interface AxisView {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
}

/** How an iteration sees a tensor: by axis of the iteration. Transposed, sliced, reversed and broadcast tensors are views of one layout. */
export interface View {
  readonly layout: Layout;
  readonly axes: readonly AxisView[];
}

/** The tensor itself. */
export function wholeView(layout: Layout): View {
  return { layout, axes: layout.shape.map((_, axis) => ({ axis, start: 0, step: 1 })) };
}

/** The tensor under numpy's broadcasting to `shape`. */
export function broadcastView(layout: Layout, shape: readonly number[]): View {
  const missing = shape.length - layout.shape.length;
  return {
    layout,
    axes: shape.map((dim, i) => {
      const axis = i - missing;
      return axis < 0 || (layout.shape[axis] === 1 && dim !== 1) ? { axis: -1, start: 0, step: 0 } : { axis, start: 0, step: 1 };
    }),
  };
}

/** Axis i of the iteration is axis perm[i] of the tensor. */
export function permutedView(layout: Layout, perm: readonly number[]): View {
  return { layout, axes: perm.map((axis) => ({ axis, start: 0, step: 1 })) };
}

/** Every steps[a]-th element from starts[a] on. */
export function slicedView(layout: Layout, starts: readonly number[], steps: readonly number[] = starts.map(() => 1)): View {
  return { layout, axes: starts.map((start, axis) => ({ axis, start, step: steps[axis]! })) };
}

/** One loop: trips, and elements that each operand moves in an iteration. */
export interface Dim {
  readonly trips: number;
  readonly steps: readonly number[];
}

/** A part of the iteration in which every operand lies at affine addresses: its first element of each, and loops. */
export interface Box {
  readonly bases: readonly number[];
  readonly dims: readonly Dim[];
}

/** Cuts an iteration over `shape` where an operand crosses from one block to the next. */
export function boxesOf(shape: readonly number[], views: readonly View[]): Box[] {
  if (shape.some((dim) => dim === 0)) return [];
  let boxes: Box[] = [{ bases: views.map((view) => view.layout.offset), dims: [] }];
  shape.forEach((trips, axis) => {
    const pieces = axisPieces(trips, views, axis);
    boxes = boxes.flatMap((box) => pieces.map((piece) => ({ bases: box.bases.map((base, k) => base + piece.bases[k]!), dims: [...box.dims, ...piece.dims] })));
  });
  return boxes;
}

function axisPieces(trips: number, views: readonly View[], axis: number): Box[] {
  const at = (i: number): number[] => views.map((view) => axisAddress(view, axis, i));
  const stepsFrom = (i: number, by: number): number[] => {
    const from = at(i);
    return at(i + by).map((address, k) => address - from[k]!);
  };
  const blocked = views.flatMap((view) => {
    const { axis: of, start, step } = view.axes[axis]!;
    const block = view.layout.block;
    // Steps of whole blocks stay in one place of them.
    const crosses = block && block.axis === of && view.layout.shape[of]! > block.size && trips > 1 && step % block.size !== 0;
    return crosses ? [{ size: block.size, start, step }] : [];
  });
  if (blocked.length === 0) return [{ bases: at(0), dims: [{ trips, steps: trips > 1 ? stepsFrom(0, 1) : views.map(() => 0) }] }];

  const period = blocked.reduce((n, { size }) => lcm(n, size), 1);
  const isCut = (i: number): boolean => blocked.some(({ size, start, step }) => step !== 1 || (start + i) % size === 0);
  const cuts = Array.from({ length: period }, (_, i) => i).filter((i) => i === 0 || isCut(i));
  const pieces: Box[] = [];
  cuts.forEach((first, c) => {
    const length = (cuts[c + 1] ?? period) - first;
    const whole = Math.max(0, Math.floor((trips - first - length) / period) + 1);
    const inner = (count: number): Dim => ({ trips: count, steps: count > 1 ? stepsFrom(first, 1) : views.map(() => 0) });
    if (whole > 0) pieces.push({ bases: at(first), dims: [{ trips: whole, steps: whole > 1 ? stepsFrom(first, period) : views.map(() => 0) }, inner(length)] });
    const rest = Math.min(length, trips - (first + whole * period));
    if (rest > 0) pieces.push({ bases: at(first + whole * period), dims: [inner(rest)] });
  });
  return pieces;
}

function axisAddress(view: View, axis: number, i: number): number {
  const { axis: of, start, step } = view.axes[axis]!;
  if (of < 0) return 0;
  const index = start + i * step;
  const { block, strides } = view.layout;
  return block?.axis === of
    ? Math.floor(index / block.size) * block.stride + (((index % block.size) + block.size) % block.size) * strides[of]!
    : index * strides[of]!;
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/**
 * The shape with the channels (axis 1) of an image counted to whole blocks, where `image` has padding there, in vectors of `lanes`: what
 * is computed for the padding nobody reads, and no row has a rest. Undefined where that isn't so, or a view has nothing to read there.
 */
export function paddedShape(shape: readonly number[], image: Layout, views: readonly View[], lanes: number): readonly number[] | undefined {
  if (shape.length < 3 || image.shape.length !== shape.length || (image.block && image.block.axis !== 1)) return undefined;
  const pixel = image.block ? image.block.size : image.strides[1] === 1 ? image.strides.at(-1)! : 0;
  if (pixel === 0 || pixel % lanes !== 0) return undefined;
  const channels = Math.ceil(shape[1]! / pixel) * pixel;
  const padded = shape.map((dim, axis) => (axis === 1 ? channels : dim));
  return views.every((view) => highestAddress(padded, view) < view.layout.size) ? padded : undefined;
}

function highestAddress(shape: readonly number[], view: View): number {
  return Math.max(...boxesOf(shape, [view]).map((box) => box.dims.reduce((at, dim) => at + Math.max(0, dim.steps[0]! * (dim.trips - 1)), box.bases[0]!)));
}

/** Loops of one trip vanish; neighbours that every operand walks through without a jump become one. */
export function mergeDims(dims: readonly Dim[]): Dim[] {
  const merged: Dim[] = [];
  for (const dim of dims) {
    if (dim.trips === 1) continue;
    const outer = merged.at(-1);
    if (outer && outer.steps.every((step, k) => step === dim.steps[k]! * dim.trips))
      merged[merged.length - 1] = { trips: outer.trips * dim.trips, steps: dim.steps };
    else merged.push(dim);
  }
  return merged;
}

/** Outermost first: the loop in which operand `by` moves farthest. */
export function sortDims(dims: readonly Dim[], by: number): Dim[] {
  return dims.toSorted((a, b) => Math.abs(b.steps[by]!) - Math.abs(a.steps[by]!));
}
