import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { imageLayout, SLACK, type Halo, type Layout } from "../layout.ts";
import { columnLanes, type ColumnSide } from "./contraction.ts";
import { isNarrow } from "./scalar-elements.ts";

/** Layouts whose channels lie next to each other, in blocks or all of them: dense kernels read and write vectors of channels there. */
export function isColumnar(layout: Layout): boolean {
  return layout.strides[1] === 1 || layout.shape[1] === 1;
}

/** True: the channels up to the next multiple of `lanes` may be written, because nothing else lies there. */
export function isPadded(layout: Layout, lanes: number): boolean {
  return layout.block !== undefined || layout.strides.at(-1)! >= Math.ceil(layout.shape[1]! / lanes) * lanes;
}

/** Lanes of vectors along channels: no wider than a block. Narrow elements are computed in 32 bits. */
export function channelLanes(layout: Layout, target: TargetProfile): number {
  const lanes = isNarrow(layout.elem) ? lanesOf(target) : columnLanes(layout.elem, target);
  return layout.block ? Math.min(lanes, layout.block.size) : lanes;
}

export function channelSide(layout: Layout): ColumnSide {
  return { size: layout.size, base: layout.offset, block: layout.block?.size ?? Infinity, stride: layout.block?.stride ?? 0 };
}

/** Elements from channel `c` to channel 0; `c` is a multiple of the block. */
export function channelStep(layout: Layout, c: number): number {
  return layout.block ? (c / layout.block.size) * layout.block.stride : c * layout.strides[1]!;
}

/** Ranks and elements that go through vectors of channels; others are read in planes and written with channels last. */
export function isImage(elem: Elem, rank: number, target: TargetProfile): boolean {
  return (rank === 3 || rank === 4) && (columnLanes(elem, target) > 1 || lanesOf(target) === 1);
}

/** A columnar layout of any rank: an image, or channels last. */
export function columnarLayout(elem: Elem, shape: readonly number[], target: TargetProfile, halo: Halo = [0, 0, 0, 0]): Layout {
  if (isImage(elem, shape.length, target)) return imageLayout(elem, shape, target.imageBlock, lanesOf(target), halo);
  const pixel = Math.ceil(shape[1]! / lanesOf(target)) * lanesOf(target);
  const strides = new Array<number>(shape.length).fill(1);
  let size = pixel;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (axis === 1) continue;
    strides[axis] = size;
    size *= shape[axis]!;
  }
  return { elem, shape, strides, offset: 0, halo: shape.map(() => [0, 0] as const), fill: 0, size: size + SLACK };
}

/** Dense rows of channels, one plane after another, with a margin round the spatial axes. */
export function planarLayout(elem: Elem, shape: readonly number[], halo: readonly (readonly [number, number])[], fill = 0): Layout {
  const strides = new Array<number>(shape.length).fill(1);
  let size = 1;
  let offset = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = size;
    offset += halo[axis]![0] * size;
    size *= shape[axis]! + halo[axis]![0] + halo[axis]![1];
  }
  return { elem, shape, strides, offset, halo, fill, size: size + SLACK };
}
