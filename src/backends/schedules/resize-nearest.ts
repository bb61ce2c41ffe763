import { I32, KernelBuilder, type Term } from "../../kernel/build.ts";
import { ELEM_BYTES, type Kernel } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import { copyRun, unitOfRun } from "./indexing.ts";
import { emitNest } from "./nest.ts";
import { boxesOf, mergeDims, sortDims, type Dim, type View } from "./view.ts";

interface Table {
  readonly param: string;
  readonly data: Int32Array;
}

/**
 * y[..., i, ...] = x[..., pixels of that axis[i], ...]: axes that aren't copied as they are have a table of addresses in x each,
 * whose range is known. What lies together in both is moved together.
 */
export function nearestKernel(
  name: string,
  x: Layout,
  y: Layout,
  pixels: readonly Int32Array[],
  target: TargetProfile,
  loc: readonly string[],
): { readonly kernel: Kernel; readonly tables: readonly Table[] } {
  const b = new KernelBuilder(name, { lanes: lanesOf(target), mode: "fast", loc });
  const { shape } = y;
  const looked = shape.flatMap((_, axis) => (pixels[axis]!.every((pixel, i) => pixel === i) ? [] : [axis]));
  const kept = shape.map((_, axis): View["axes"][number] => (looked.includes(axis) ? { axis: -1, start: 0, step: 0 } : { axis, start: 0, step: 1 }));
  const views: View[] = [
    { layout: x, axes: kept },
    { layout: y, axes: shape.map((_, axis) => ({ axis, start: 0, step: 1 })) },
  ];
  // Each table is walked by the loop of its axis.
  for (const axis of looked)
    views.push({
      layout: tableLayout(shape[axis]!),
      axes: shape.map((_, a) => (a === axis ? { axis: 0, start: 0, step: 1 } : { axis: -1, start: 0, step: 0 })),
    });
  const boxes = boxesOf(shape, views).map((box) => ({ bases: box.bases, dims: mergeDims(sortDims(box.dims, 1)) }));
  const run = Math.min(...boxes.map((box) => runOf(box.dims)));
  const together = boxes.every((box) => runOf(box.dims) === run) ? run : 1;
  const lies = [
    ...boxes.flatMap((box) => [...box.bases.slice(0, 2), ...box.dims.flatMap((dim) => (isRun(dim) ? [] : dim.steps.slice(0, 2)))]),
    ...looked.map((axis) => x.strides[axis]!),
  ];
  const wordsFit = lies.every((n) => (n * ELEM_BYTES[x.elem]) % 4 === 0);
  const unit = wordsFit || ELEM_BYTES[x.elem] >= 4 ? unitOfRun(x.elem, together, b.lanes) : { elem: x.elem, count: together, lanes: 1 };
  const scale = unit.count / together;
  const tables = looked.map((axis, t): Table => ({ param: `t${t}`, data: pixels[axis]!.map((pixel) => pixel * x.strides[axis]! * scale) }));
  b.param("x", x.elem, x.size, "in");
  b.param("y", y.elem, y.size, "out");
  for (const { param, data } of tables) b.param(param, "i32", data.length, "in", [Math.min(...data), Math.max(...data)]);
  for (const { bases, dims } of boxes) {
    const at = tables.map(({ param }, t) => b.cursor("t", param, bases[t + 2]!));
    const [from, to] = [b.cursor("i", "x", bases[0]! * scale, unit.elem), b.cursor("o", "y", bases[1]! * scale, unit.elem)];
    const outer = together > 1 ? dims.slice(0, -1) : dims;
    const scaled = outer.map(({ trips, steps }): Dim => ({ trips, steps: [steps[0]! * scale, steps[1]! * scale, ...steps.slice(2)] }));
    emitNest(b, scaled, [from, to, ...at], () => {
      const index = at.reduce<Term | undefined>(
        (sum, cursor) => (sum ? b.let("x", b.add(sum, b.load(I32, cursor))) : b.let("x", b.load(I32, cursor))),
        undefined,
      );
      copyRun(b, unit, from, to, index);
    });
  }
  return { kernel: b.finish(), tables };
}

function tableLayout(length: number): Layout {
  return { elem: "i32", shape: [length], strides: [1], offset: 0, halo: [[0, 0]], fill: 0, size: length };
}

function isRun(dim: Dim | undefined): boolean {
  return dim !== undefined && dim.steps[0] === 1 && dim.steps[1] === 1 && dim.steps.slice(2).every((step) => step === 0);
}

function runOf(dims: readonly Dim[]): number {
  const inner = dims.at(-1);
  return isRun(inner) ? inner!.trips : 1;
}
