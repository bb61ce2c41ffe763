import type { Elem } from "../kernel/kernel.ts";

/**
 * Affine placement of a tensor in a buffer. The address of element [i0, i1, …], in elements of `elem`, is
 * offset + Σ i[a]*strides[a], where the blocked axis c contributes floor(i[c]/size)*stride + (i[c]%size)*strides[c].
 * NCHWc has size = lanes, NHWC padded has no block and strides[1] = 1, plain is dense row-major.
 */
export interface Layout {
  readonly elem: Elem;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly block?: { readonly axis: number; readonly size: number; readonly stride: number };
  readonly offset: number;
  /** Elements before and after each axis inside the buffer which hold `fill` while the tensor is alive. */
  readonly halo: readonly (readonly [number, number])[];
  readonly fill: number;
  /** Elements of the whole buffer, at least up to the last element plus one vector of slack. */
  readonly size: number;
}

/** Elements that a vector store behind the last element may touch: buffers are this much longer than they need. */
export const SLACK = 16;

export function isPlain(layout: Layout): boolean {
  return !layout.block && layout.offset === 0 && layout.strides.every((s, i) => layout.shape[i] === 1 || s === denseStrides(layout.shape)[i]);
}

export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Dense row-major. Borders (inputs and outputs) are always this, without slack. */
export function plainLayout(elem: Elem, shape: readonly number[], slack = SLACK): Layout {
  const size = shape.reduce((n, d) => n * d, 1);
  return { elem, shape, strides: denseStrides(shape), offset: 0, halo: shape.map(() => [0, 0] as const), fill: 0, size: size + slack };
}

/** The halo of an image: top, right, bottom, left. */
export type Halo = readonly [number, number, number, number];

/**
 * [N, C, H, W] or [N, C, W] with `block` channels innermost (0: all channels, padded to `lanes`), and a halo round each image.
 * Padded channels are written by producers (their weights are zero) and read as zeros.
 */
export function imageLayout(elem: Elem, shape: readonly number[], block: number, lanes: number, halo: Halo, fill = 0): Layout {
  const [n, c] = [shape[0]!, shape[1]!];
  const [h, w] = shape.length === 4 ? [shape[2]!, shape[3]!] : [1, shape[2]!];
  const [top, right, bottom, left] = halo;
  const inner = block || Math.ceil(c / lanes) * lanes;
  const row = (w + left + right) * inner;
  let plane = (h + top + bottom) * row;
  const blocks = block ? Math.ceil(c / block) : 1;
  if (blocks > 1 && (plane * 4) % 4096 === 0) plane += SLACK;
  const spatial = shape.length === 4 ? [row, inner] : [inner];
  return {
    elem,
    shape,
    strides: [blocks * plane, 1, ...spatial],
    ...(block ? { block: { axis: 1, size: block, stride: plane } } : {}),
    offset: top * row + left * inner,
    halo: [[0, 0], [0, 0], ...(shape.length === 4 ? [[top, bottom] as const] : []), [left, right]],
    fill,
    size: n * blocks * plane + SLACK,
  };
}

/** Element address of an index, for packers and tests. */
export function addressOf(layout: Layout, index: readonly number[]): number {
  let address = layout.offset;
  index.forEach((i, axis) => {
    const block = layout.block;
    address += block?.axis === axis ? Math.floor(i / block.size) * block.stride + (i % block.size) * layout.strides[axis]! : i * layout.strides[axis]!;
  });
  return address;
}

export function equalLayouts(a: Layout, b: Layout): boolean {
  return (
    a.elem === b.elem &&
    a.offset === b.offset &&
    a.size === b.size &&
    a.fill === b.fill &&
    JSON.stringify([a.shape, a.strides, a.block ?? null, a.halo]) === JSON.stringify([b.shape, b.strides, b.block ?? null, b.halo])
  );
}

/** The same elements in row-major order under another shape, where the addresses allow it: the tensor lies dense from `offset`. */
export function viewAs(layout: Layout, shape: readonly number[]): Layout | undefined {
  const dense = denseStrides(layout.shape);
  for (let axis = 0; axis < layout.shape.length; axis++) {
    const block = layout.block?.axis === axis ? layout.block : undefined;
    if (block && layout.shape[axis]! > block.size && block.stride !== block.size * layout.strides[axis]!) return undefined;
    if (layout.shape[axis] !== 1 && layout.strides[axis] !== dense[axis]) return undefined;
  }
  return {
    elem: layout.elem,
    shape,
    strides: denseStrides(shape),
    offset: layout.offset,
    halo: shape.map(() => [0, 0] as const),
    fill: layout.fill,
    size: layout.size,
  };
}
