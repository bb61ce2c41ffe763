import { shapeText } from "../../../ir/broadcast.ts";
import { dimOf, equalDims } from "../../../ir/dims.ts";
import { resize } from "../../../ir/ops/resize.ts";
import type { Value } from "../../../ir/graph.ts";
import { isStatic, type Dim } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { range } from "../rearrange.ts";
import { rankOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const RESIZE: OperatorTable = {
  Resize: since(10, importResize),
  Upsample: importUpsample,
};

const COORDINATES = {
  half_pixel: "halfPixel",
  asymmetric: "asymmetric",
  align_corners: "alignCorners",
  pytorch_half_pixel: "pytorchHalfPixel",
  half_pixel_symmetric: "halfPixelSymmetric",
  tf_half_pixel_for_nn: "tfHalfPixelForNn",
  tf_crop_and_resize: "tfCropAndResize",
} as const;

const NEAREST = { round_prefer_floor: "roundPreferFloor", round_prefer_ceil: "roundPreferCeil", floor: "floor", ceil: "ceil" } as const;

function importResize(c: NodeContext): Value {
  if (c.opset < 11) return byScales(c, c.constantFloats(1, "scales") ?? c.fail("has no input scales"));
  const x = c.need(0, "X");
  const coordinates =
    COORDINATES[
      c.word("coordinate_transformation_mode", [
        "half_pixel",
        "asymmetric",
        "align_corners",
        "pytorch_half_pixel",
        "half_pixel_symmetric",
        "tf_half_pixel_for_nn",
        "tf_crop_and_resize",
      ])
    ];
  const axes = c.axes(c.ints("axes") ?? range(rankOf(x)), rankOf(x));
  const { shape, scales } = outputOf(c, x, axes);
  const attrs = {
    shape,
    scales,
    coordinates,
    mode: c.word("mode", ["nearest", "linear", "cubic"]),
    nearest: NEAREST[c.word("nearest_mode", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])],
    cubicA: c.float("cubic_coeff_a", -0.75),
    excludeOutside: c.flag("exclude_outside", false),
    antialias: c.flag("antialias", false),
    extrapolation: c.float("extrapolation_value", 0),
    roi: coordinates === "tfCropAndResize" ? regionOf(c, rankOf(x), axes) : [],
  };
  return c.b.create(resize, { x }, attrs);
}

/** Whole output shape, and scales of all axes, from `sizes` or `scales` over `axes`. */
function outputOf(c: NodeContext, x: Value, axes: readonly number[]): { readonly shape: number[]; readonly scales: number[] } {
  const from = x.type.shape;
  const wanted = c.dims(3, "sizes") ?? [];
  if (!isStatic(x.type) || !wanted.every((dim) => typeof dim === "number")) return openOutputOf(c, from, wanted, axes);
  return outputOfKnown(c, from as readonly number[], wanted as readonly number[], axes);
}

/** Of a tensor whose length a run tells: each open extent times a whole number, or one part of so many. */
function openOutputOf(
  c: NodeContext,
  from: readonly Dim[],
  wanted: readonly Dim[],
  axes: readonly number[],
): { readonly shape: number[]; readonly scales: number[] } {
  const given = wanted.length > 0 ? [] : (c.constantFloats(2, "scales") ?? []);
  if (c.word("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"]) !== "stretch")
    c.fail("keeps the aspect ratio of a size that only a run tells");
  if (Math.max(given.length, wanted.length) !== axes.length) c.fail(`has ${Math.max(given.length, wanted.length)} scales or sizes for ${axes.length} axes`);
  const [shape, scales] = [from.map((dim) => (typeof dim === "number" ? dim : -1)), from.map(() => 1)];
  axes.forEach((axis, i) => {
    const [dim, size] = [from[axis]!, wanted[i]];
    const scale = size === undefined ? given[i]! : ratioOf(size, dim);
    if (scale === undefined || !(scale > 0 && Number.isFinite(scale)))
      return c.fail(`makes ${shapeText([size ?? given[i] ?? 0])} of axis ${axis}, which is ${shapeText([dim])} long: wanted a whole multiple or part`);
    scales[axis] = scale;
    if (typeof dim === "number") shape[axis] = typeof size === "number" ? size : Math.floor(Math.fround(Math.fround(scale) * dim));
  });
  return { shape, scales };
}

/** size / dim, where that is one number whatever a run says. */
function ratioOf(size: Dim, dim: Dim): number | undefined {
  if (typeof size === "number" && typeof dim === "number") return size / dim;
  const [more, less] = [dimOf("floorDiv", size, dim), dimOf("floorDiv", dim, size)];
  if (typeof more === "number" && more > 0 && equalDims(dimOf("mul", dim, more), size)) return more;
  return typeof less === "number" && less > 0 && equalDims(dimOf("mul", size, less), dim) ? 1 / less : undefined;
}

function outputOfKnown(
  c: NodeContext,
  from: readonly number[],
  sizes: readonly number[],
  axes: readonly number[],
): { readonly shape: number[]; readonly scales: number[] } {
  const given = c.constantFloats(2, "scales") ?? [];
  const policy = c.word("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"]);
  const listed = sizes.length > 0 ? sizes : given;
  if (listed.length !== axes.length) c.fail(`has ${listed.length} ${sizes.length > 0 ? "sizes" : "scales"} for ${axes.length} axes`);
  const [shape, scales] = [[...from], from.map(() => 1)];
  const ratios = axes.map((axis, i) => (sizes.length > 0 ? sizes[i]! / from[axis]! : given[i]!));
  if (ratios.some((ratio) => !(ratio > 0 && Number.isFinite(ratio)))) c.fail(`scales by ${ratios.join(", ")}`);
  const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  const keepsAspect = sizes.length > 0 && policy !== "stretch";
  axes.forEach((axis, i) => {
    scales[axis] = keepsAspect ? common : ratios[i]!;
    if (keepsAspect) shape[axis] = Math.floor(common * from[axis]! + 0.5);
    // Scales are f32 in the file: 1/3 of 9 must not become 2.
    else shape[axis] = sizes.length > 0 ? sizes[i]! : Math.floor(Math.fround(Math.fround(ratios[i]!) * from[axis]!));
  });
  return { shape, scales };
}

/** Starts of all axes, then ends, in parts of the extent. */
function regionOf(c: NodeContext, rank: number, axes: readonly number[]): number[] {
  const given = c.constantFloats(1, "roi") ?? [];
  if (given.length !== 2 * axes.length) c.fail(`has ${given.length} numbers of roi, wanted ${2 * axes.length}`);
  const region = [...range(rank).map(() => 0), ...range(rank).map(() => 1)];
  axes.forEach((axis, i) => ([region[axis], region[rank + axis]] = [given[i]!, given[axes.length + i]!]));
  return region;
}

/** Deprecated in opset 10: the form that Resize-10 kept. */
function importUpsample(c: NodeContext): Value {
  const scales = c.floats("scales") ?? c.constantFloats(1, "scales");
  return byScales(c, c.required("scales", scales));
}

/** Before opset 11 positions are not shifted, and nearest takes the element before (the one behind, where it shrinks). */
function byScales(c: NodeContext, scales: readonly number[]): Value {
  const x = c.need(0, "X");
  if (scales.length !== rankOf(x)) c.fail(`has ${scales.length} scales for rank ${rankOf(x)}`);
  const mode = c.word("mode", ["nearest", "linear", "bilinear"]);
  const shape = x.type.shape.map((dim, i) => (typeof dim === "number" ? Math.floor(Math.fround(Math.fround(scales[i]!) * dim)) : -1));
  return c.b.create(
    resize,
    { x },
    { shape, scales: [...scales], mode: mode === "nearest" ? "nearest" : "linear", coordinates: "asymmetric", nearest: "simple" },
  );
}
