import { add, mul, reciprocal, sqrt, sub } from "../../../ir/ops/arithmetic.ts";
import { batchNorm, groupNorm, layerNorm, rmsNorm } from "../../../ir/ops/normalisation.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import { isFloat, type DType } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, castTo, range, reshapeTo } from "../rearrange.ts";
import { extentAt, rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const NORMALISATION: OperatorTable = {
  BatchNormalization: importBatchNormalization,
  Dropout: importDropout,
  GroupNormalization: since(18, importGroupNormalization),
  InstanceNormalization: importInstanceNormalization,
  LayerNormalization: since(17, importLayerNormalization),
  RMSNormalization: since(23, importRmsNormalization),
  // Written by ONNX Runtime into the default domain.
  SimplifiedLayerNormalization: since(1, importRmsNormalization),
};

export const MICROSOFT_NORMALISATION: OperatorTable = {
  SimplifiedLayerNormalization: since(1, importRmsNormalization),
  SkipLayerNormalization: since(1, importSkipLayerNormalization),
  SkipSimplifiedLayerNormalization: since(1, importSkipRmsNormalization),
};

function importBatchNormalization(c: NodeContext): Value | readonly Value[] {
  c.ignore("momentum", "is_test");
  if (c.flag("training_mode", false)) return trainedBatchNormalization(c);
  if (!c.flag("spatial", true)) c.fail("normalises each position by itself (spatial = 0)", { awsName: "OperatorAttributeNotImplemented" });
  const x = c.need(0, "X");
  const [scale, bias, mean, variance] = (["scale", "B", "mean", "var"] as const).map((what, i) => castTo(c.b, c.need(i + 1, what), x.type.dtype));
  return c.b.create(batchNorm, { x, scale, bias, mean, variance }, { epsilon: c.float("epsilon", 1e-5) });
}

/** By the mean and variance of the batch itself; with them, the given ones move on. */
function trainedBatchNormalization(c: NodeContext): readonly Value[] {
  const x = c.need(0, "X");
  const { dtype } = x.type;
  const axes = range(rankOf(x)).filter((axis) => axis !== 1);
  const [mean, variance] = momentsOver(c, x, axes, false);
  const [scale, bias] = [c.need(1, "scale"), c.need(2, "B")].map((value) => castTo(c.b, value, dtype));
  const y = c.b.create(batchNorm, { x, scale, bias, mean, variance }, { epsilon: c.float("epsilon", 1e-5) });
  const momentum = c.float("momentum", 0.9);
  const moved = (before: Value, now: Value): Value => {
    const kept = c.b.create(mul, { a: before, b: c.scalar(before.type.dtype, momentum) });
    return c.b.create(add, { a: kept, b: c.b.create(mul, { a: castTo(c.b, now, before.type.dtype), b: c.scalar(before.type.dtype, 1 - momentum) }) });
  };
  return [y, moved(c.need(3, "input_mean"), mean), moved(c.need(4, "input_var"), variance)];
}

function momentsOver(c: NodeContext, x: Value, axes: readonly number[], keepDims: boolean): readonly [mean: Value, variance: Value] {
  const mean = c.b.create(reduce, { x }, { kind: "mean", axes });
  const centred = c.b.create(sub, { a: x, b: mean });
  const variance = c.b.create(reduce, { x: c.b.create(mul, { a: centred, b: centred }) }, { kind: "mean", axes });
  const kept = (value: Value): Value =>
    keepDims
      ? value
      : reshapeTo(
          c.b,
          value,
          value.type.shape.filter((_, axis) => !axes.includes(axis)),
        );
  return [kept(mean), kept(variance)];
}

/** Outside of training nothing is dropped, nor where the share to drop is 0. */
function importDropout(c: NodeContext): readonly Value[] {
  c.ignore("ratio", "seed", "is_test");
  const x = c.need(0, "data");
  const training = c.opset >= 12 && c.operand(2) ? c.constantOperand(2, "training_mode") : undefined;
  if (training?.data[0] && (c.constantFloats(1, "ratio")?.[0] ?? 0.5) !== 0)
    c.fail("is in training mode: what it drops is random", { awsName: "OperatorAttributeValueNotValid", hint: "export the model in evaluation mode" });
  if (!c.wants(1)) return [x];
  // Before opset 10 the mask has the type of the data.
  return [x, broadcastTo(c.b, c.scalar(c.opset < 10 ? x.type.dtype : "bool", 1), x.type.shape)];
}

function importInstanceNormalization(c: NodeContext): Value {
  const x = c.need(0, "input");
  const groups = extentAt(x, 1) ?? c.fail("has an input of rank below 2");
  return c.b.create(groupNorm, { x, scale: c.need(1, "scale"), bias: c.need(2, "B") }, { groups, epsilon: c.float("epsilon", 1e-5) });
}

/** Scale and bias are one a group in opset 18 and one a channel from 21 on. */
function importGroupNormalization(c: NodeContext): Value {
  c.ignore("stash_type");
  const x = c.need(0, "X");
  const groups = c.required("num_groups", c.int("num_groups"));
  const channels = extentAt(x, 1) ?? c.fail("has an input of rank below 2");
  const perChannel = (value: Value): Value => {
    if (c.opset >= 21 || shapeOf(value)[0] !== groups || groups === channels) return value;
    return reshapeTo(c.b, broadcastTo(c.b, reshapeTo(c.b, value, [groups, 1]), [groups, channels / groups]), [channels]);
  };
  if (groups < 1 || channels % groups !== 0) c.fail(`has ${groups} groups for ${channels} channels`);
  return c.b.create(
    groupNorm,
    { x, scale: perChannel(c.need(1, "scale")), bias: perChannel(c.need(2, "bias")) },
    { groups, epsilon: c.float("epsilon", 1e-5) },
  );
}

function importLayerNormalization(c: NodeContext): readonly (Value | undefined)[] {
  c.ignore("stash_type");
  const x = c.need(0, "X");
  const axis = c.axis(c.int("axis", -1), rankOf(x));
  const epsilon = c.float("epsilon", 1e-5);
  const y = normalised(c, x, c.need(1, "Scale"), c.operand(2), axis, epsilon);
  return [y, ...statistics(c, x, range(rankOf(x)).slice(axis), epsilon)];
}

/** Layer normalisation over the axes from `axis` on; scale and bias may broadcast over them. */
function normalised(c: NodeContext, x: Value, scale: Value | undefined, bias: Value | undefined, axis: number, epsilon: number): Value {
  return c.b.create(layerNorm, { x, scale: scale && overAxes(c, scale, x, axis), bias: bias && overAxes(c, bias, x, axis) }, { axis, epsilon });
}

function overAxes(c: NodeContext, parameter: Value, x: Value, axis: number): Value {
  const wanted = range(rankOf(x) - axis).map((i) => extentAt(x, axis + i)!);
  const lead = rankOf(parameter) - wanted.length;
  if (
    lead > 0 &&
    shapeOf(parameter)
      .slice(0, lead)
      .some((dim) => dim !== 1)
  )
    c.fail(`has a scale or bias of ${shapeOf(parameter).join("x")}, which varies along axes that are not normalised`);
  const own = reshapeTo(c.b, parameter, shapeOf(parameter).slice(Math.max(0, lead)));
  return broadcastTo(c.b, castTo(c.b, own, x.type.dtype), wanted);
}

/** Mean and 1 / deviation, which a layer normalisation gives too when they are asked for: in f32. */
function statistics(c: NodeContext, x: Value, axes: readonly number[], epsilon: number): readonly (Value | undefined)[] {
  if (!c.wants(1) && !c.wants(2)) return [];
  const wide: DType = x.type.dtype === "f64" ? "f64" : "f32";
  const data = castTo(c.b, x, isFloat(x.type.dtype) ? wide : x.type.dtype);
  const [mean, variance] = momentsOver(c, data, axes, true);
  const deviation = c.b.create(sqrt, { x: c.b.create(add, { a: variance, b: c.scalar(wide, epsilon) }) });
  return [mean, c.b.create(reciprocal, { x: deviation })];
}

function importRmsNormalization(c: NodeContext): readonly (Value | undefined)[] {
  c.ignore("stash_type");
  const x = c.need(0, "X");
  const axis = c.axis(c.int("axis", -1), rankOf(x));
  return [c.b.create(rmsNorm, { x, scale: overAxes(c, c.need(1, "scale"), x, axis) }, { axis, epsilon: c.float("epsilon", 1e-5) })];
}

/** normalise(input + skip + bias); the fourth output is the sum. */
function importSkipLayerNormalization(c: NodeContext): readonly (Value | undefined)[] {
  const sum = skipSum(c, c.operand(4));
  const epsilon = c.float("epsilon", 1e-12);
  const axis = rankOf(sum) - 1;
  return [normalised(c, sum, c.need(2, "gamma"), c.operand(3), axis, epsilon), ...padded(statistics(c, sum, [axis], epsilon)), sum];
}

function importSkipRmsNormalization(c: NodeContext): readonly (Value | undefined)[] {
  const sum = skipSum(c, c.operand(3));
  const axis = rankOf(sum) - 1;
  const y = c.b.create(rmsNorm, { x: sum, scale: overAxes(c, c.need(2, "gamma"), sum, axis) }, { axis, epsilon: c.float("epsilon", 1e-12) });
  return [y, undefined, undefined, sum];
}

function skipSum(c: NodeContext, bias: Value | undefined): Value {
  const sum = c.b.create(add, { a: c.need(0, "input"), b: c.need(1, "skip") });
  return bias ? c.b.create(add, { a: sum, b: bias }) : sum;
}

function padded(values: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  return [values[0], values[1]];
}
