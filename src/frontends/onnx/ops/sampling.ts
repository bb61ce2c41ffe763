import { matmul } from "../../../ir/ops/linear.ts";
import { concat } from "../../../ir/ops/movement.ts";
import { gridSample, roiAlign } from "../../../ir/ops/window.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor } from "../../../ir/tensor.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, product, range, reshapeTo, transposeMatrix } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that read pictures between their pixels. */
export const SAMPLING: OperatorTable = {
  AffineGrid: since(20, importAffineGrid),
  GridSample: since(16, importGridSample),
  RoiAlign: since(10, importRoiAlign),
};

const MODES = { linear: "linear", bilinear: "linear", nearest: "nearest", cubic: "cubic", bicubic: "cubic" } as const;

function importGridSample(c: NodeContext): Value {
  const mode = MODES[c.word("mode", ["linear", "bilinear", "nearest", "cubic", "bicubic"])];
  const attrs = { mode, padding: c.word("padding_mode", ["zeros", "border", "reflection"]), alignCorners: c.flag("align_corners", false) };
  return c.b.create(gridSample, { x: c.need(0, "X"), grid: c.need(1, "grid") }, attrs);
}

/** Opset 16 moved the pixels by a half; models before it have them where they were. */
function importRoiAlign(c: NodeContext): Value {
  const coordinates = c.text("coordinate_transformation_mode", c.opset >= 16 ? "half_pixel" : "output_half_pixel");
  const attrs = {
    kind: c.word("mode", ["avg", "max"]) === "avg" ? "average" : "max",
    height: c.int("output_height", 1),
    width: c.int("output_width", 1),
    samplingRatio: c.int("sampling_ratio", 0),
    spatialScale: c.float("spatial_scale", 1),
    halfPixel: coordinates === "half_pixel",
  } as const;
  return c.b.create(roiAlign, { x: c.need(0, "X"), rois: c.need(1, "rois"), batchIndices: castTo(c.b, c.need(2, "batch_indices"), "i64") }, attrs);
}

/** Positions of the pixels of a picture, from -1 to 1 along each axis, multiplied with theta[N, axes, axes + 1]. */
function importAffineGrid(c: NodeContext): Value {
  const theta = c.need(0, "theta");
  const size = c.sizes(c.constantInts(1, "size") ?? c.fail("has no input size"));
  const space = size.slice(2);
  const axes = space.length;
  if (rankOf(theta) !== 3 || shapeOf(theta)[1] !== axes || shapeOf(theta)[2] !== axes + 1)
    c.fail(`has theta ${shapeOf(theta).join("x")} for ${axes} spatial axes`);
  const alignCorners = c.flag("align_corners", false);
  c.budget(space.reduce((n, dim) => n + dim, 0));
  const column = (axis: number): Value => {
    const n = space[axis]!;
    const along = range(n).map((i) => (alignCorners ? (n === 1 ? 0 : -1 + (2 * i) / (n - 1)) : (2 * i + 1) / n - 1));
    const line = c.value(tensor(theta.type.dtype, [...space.map((_, i) => (i === axis ? n : 1)), 1], along));
    return broadcastTo(c.b, line, [...space, 1]);
  };
  // x stands first, and it is the last axis; 1 stands last.
  const columns = [...range(axes).toReversed().map(column), broadcastTo(c.b, c.scalar(theta.type.dtype, 1), [...space, 1])];
  const base = reshapeTo(c.b, c.b.create(concat, { xs: columns }, { axis: axes }), [1, product(space), axes + 1]);
  return reshapeTo(c.b, c.b.create(matmul, { a: base, b: transposeMatrix(c.b, theta) }), [shapeOf(theta)[0]!, ...space, axes]);
}
