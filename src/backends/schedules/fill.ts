import { KernelBuilder, scalar, vector } from "../../kernel/build.ts";
import { ELEM_BYTES, type Elem, type Kernel } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import { emitNest } from "./nest.ts";
import { boxesOf, mergeDims, sortDims, wholeView, type Dim, type View } from "./view.ts";

/** Runs of equal length that are filled: the first begins at `base`. */
interface Runs {
  readonly base: number;
  readonly dims: readonly Dim[];
}

/** Kernels that write `layout.fill` to the halo of a layout: none where there is no halo. Parameter: y. */
export function fillKernels(layout: Layout, target: TargetProfile, loc: readonly string[] = []): Kernel[] {
  const runs = haloRuns(layout);
  return runs.length > 0 ? [fillKernel(`halo_${layout.elem}_${layout.shape.join("x")}`, layout, runs, layout.fill, target, loc)] : [];
}

/** Writes `value` (as it is stored) to every element. Parameter: y. */
export function fillAllKernel(layout: Layout, value: number | bigint, target: TargetProfile, loc: readonly string[] = []): Kernel {
  return fillPartsKernel([{ shape: layout.shape, to: wholeView(layout) }], value, target, loc);
}

/** Writes `value` (as it is stored) to parts of a tensor. Parameter: y. */
export function fillPartsKernel(
  parts: readonly { readonly shape: readonly number[]; readonly to: View }[],
  value: number | bigint,
  target: TargetProfile,
  loc: readonly string[] = [],
): Kernel {
  const { layout } = parts[0]!.to;
  const runs = parts.flatMap(({ shape, to }) => boxesOf(shape, [to]).map((box) => ({ base: box.bases[0]!, dims: box.dims })));
  return fillKernel(`fill_${layout.elem}_${layout.shape.join("x") || "scalar"}`, layout, runs, value, target, loc);
}

/**
 * The margin of an image: for every plane of whole rows the run before its first element, the runs between its rows, and the run
 * behind its last element; what follows a row and what precedes the next lie side by side.
 */
function haloRuns(layout: Layout): Runs[] {
  const { shape, strides, halo, block } = layout;
  if (shape.some((dim) => dim === 0) || halo.every(([before, after]) => before === 0 && after === 0)) return [];
  const pixel = strides.at(-1)!;
  const width = shape.at(-1)!;
  const [left, right] = halo.at(-1)!;
  const row = (width + left + right) * pixel;
  const isImage = shape.length === 4;
  const height = isImage ? shape.at(-2)! : 1;
  const [top, bottom] = isImage ? halo.at(-2)! : [0, 0];
  const start = layout.offset - top * row - left * pixel;
  const planes: Dim[] = [
    { trips: shape[0]!, steps: [strides[0]!] },
    ...(block ? [{ trips: Math.ceil(shape[1]! / block.size), steps: [block.stride] }] : strides[1] === 1 ? [] : [{ trips: shape[1]!, steps: [strides[1]!] }]),
  ];
  const run = (base: number, length: number, rows = 1): Runs[] =>
    length > 0 && rows > 0 ? [{ base, dims: [...planes, { trips: rows, steps: [row] }, { trips: length, steps: [1] }] }] : [];
  return [
    ...run(start, top * row + left * pixel),
    ...run(start + top * row + (left + width) * pixel, (left + right) * pixel, height - 1),
    ...run(start + (top + height - 1) * row + (left + width) * pixel, right * pixel + bottom * row),
  ];
}

function fillKernel(name: string, layout: Layout, runs: readonly Runs[], value: number | bigint, target: TargetProfile, loc: readonly string[]): Kernel {
  const b = new KernelBuilder(name, { lanes: lanesOf(target), mode: "fast", loc });
  b.param("y", layout.elem, layout.size, "out");
  for (const { base, dims } of runs) emitFill(b, layout.elem, base, mergeDims(sortDims(dims, 0)), value);
  return b.finish();
}

function emitFill(b: KernelBuilder, elem: Elem, base: number, dims: readonly Dim[], value: number | bigint): void {
  const run = dims.at(-1)?.steps[0] === 1 ? dims.at(-1)! : { trips: 1, steps: [1] };
  const outer = dims.filter((dim) => dim !== run);
  const bytes = ELEM_BYTES[elem];
  const isNarrow = bytes < 4;
  const per = isNarrow ? 4 / bytes : 1;
  const words = isNarrow && [base, run.trips, ...outer.flatMap((dim) => dim.steps)].every((n) => n % per === 0);
  const unit: Elem = words ? "i32" : elem;
  const scaled = (n: number): number => (words ? n / per : n);
  const stored = words ? repeated(Number(value), bytes) : elem === "i64" ? BigInt(value) : value;
  const lanes = unit === "i32" || unit === "f32" ? b.lanes : 1;
  const type = vector(unit, lanes);
  const to = b.cursor("o", "y", scaled(base), unit);
  const count = scaled(run.trips);
  const register = isNarrow && !words ? scalar("i32") : type;
  const filler = b.let("f", b.constant(register, stored));
  emitNest(
    b,
    outer.map((dim) => ({ trips: dim.trips, steps: dim.steps.map(scaled) })),
    [to],
    () => {
      if (lanes > 1 && count >= lanes) {
        emitNest(b, [{ trips: Math.floor(count / lanes), steps: [lanes] }], [to], () => b.store(to, 0, filler));
        if (count % lanes > 0) b.store(to, count - lanes, filler);
        return;
      }
      const one = lanes > 1 ? b.constant(scalar(unit), stored) : filler;
      if (count <= 8) for (let i = 0; i < count; i++) b.storeAs(scalar(unit), to, i, one);
      else b.loop("e", count, { [to]: 1 }, () => b.storeAs(scalar(unit), to, 0, one));
    },
  );
}

function repeated(value: number, bytes: number): number {
  return bytes === 1 ? Math.imul(value & 0xff, 0x01010101) : ((value & 0xffff) << 16) | (value & 0xffff);
}
