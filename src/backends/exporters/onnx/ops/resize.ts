import type { Op } from "../../../../ir/graph.ts";
import { tensor } from "../../../../ir/tensor.ts";
import { isFloat } from "../../../../ir/types.ts";
import { refuse } from "../../refusal.ts";
import { float, type Attributes, type OnnxEmitter } from "../emitter.ts";
import { flagOf, intOf, intsOf, shapeOfOperand, textOf } from "./attributes.ts";
import type { Writer, WriterTable } from "./table.ts";

const COORDINATES: Readonly<Record<string, string>> = {
  halfPixel: "half_pixel",
  asymmetric: "asymmetric",
  alignCorners: "align_corners",
  pytorchHalfPixel: "pytorch_half_pixel",
  tfCropAndResize: "tf_crop_and_resize",
};

const NEAREST: Readonly<Record<string, string>> = {
  roundPreferFloor: "round_prefer_floor",
  roundPreferCeil: "round_prefer_ceil",
  floor: "floor",
  ceil: "ceil",
};

const resize: Writer = (to, op) => {
  const [mode, coordinates] = [textOf(op, "mode"), COORDINATES[textOf(op, "coordinates")]];
  const { dtype } = op.result.type;
  if (!coordinates) refuse(`coordinates are ${textOf(op, "coordinates")}, which opset 17 does not have`);
  if (flagOf(op, "antialias")) refuse("filters grow with what is left out, which opset 17 does not have");
  if (!isFloat(dtype) && mode !== "nearest") refuse(`x is ${dtype}, whose means tools round otherwise`);
  const nearest = nearestOf(op);
  const cubic: Attributes = mode === "cubic" ? { cubic_coeff_a: float(intOf(op, "cubicA")), exclude_outside: Number(flagOf(op, "excludeOutside")) } : {};
  const roi = textOf(op, "coordinates") === "tfCropAndResize" ? to.constant(tensor("f32", [intsOf(op, "roi").length], intsOf(op, "roi"))) : "";
  to.result(op, "Resize", [to.operand(op, "x"), roi, ...extents(to, op)], {
    mode,
    coordinate_transformation_mode: coordinates,
    ...(mode === "nearest" ? { nearest_mode: nearest } : {}),
    ...cubic,
    ...(roi ? { extrapolation_value: float(intOf(op, "extrapolation")) } : {}),
  });
};

/** "simple" is down where x grows, else up: one word only where no axis says the other. */
function nearestOf(op: Op): string {
  const word = textOf(op, "nearest");
  if (word !== "simple") return NEAREST[word]!;
  const changed = intsOf(op, "scales").filter((scale) => scale !== 1);
  if (changed.every((scale) => scale > 1)) return "floor";
  return changed.every((scale) => scale < 1) ? "ceil" : refuse("one axis grows and another shrinks, and their nearest elements are simple");
}

/** Scales where they give the shape by ONNX's own rule, else sizes where these give the scales. */
function extents(to: OnnxEmitter, op: Op): readonly string[] {
  const [from, shape, scales] = [shapeOfOperand(op, "x"), op.result.type.shape as readonly number[], intsOf(op, "scales")];
  if (shape.every((extent, i) => Math.floor(Math.fround(Math.fround(scales[i]!) * from[i]!)) === extent))
    return [to.constant(tensor("f32", [scales.length], scales))];
  if (shape.every((extent, i) => Math.fround(extent / from[i]!) === Math.fround(scales[i]!))) return ["", to.integers(shape)];
  return refuse("scales are not the ratio of the shapes");
}

export const RESIZE: WriterTable = { resize };
