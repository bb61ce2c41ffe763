import type { Layout } from "../layout.ts";
import { channelLanes, channelSide, channelStep, isPadded } from "./columnar.ts";
import type { Axis, Contraction, OuterAxis, ReductionLoop, Segment } from "./contraction.ts";
import type { WindowAxis } from "./conv-geometry.ts";
import type { Activation } from "./epilogue.ts";
import type { IntegerForm } from "./integer-elements.ts";
import type { TargetProfile } from "../../target/profile.ts";

/** A convolution over any columnar result: the numbers of x, y and w[groups][cout][cin][kernel...] (steps in `source`). */
export interface ConvProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly x: Layout;
  readonly y: Layout;
  readonly residual: Layout | undefined;
  readonly axes: readonly WindowAxis[];
  readonly groups: number;
  /** Channels of one group. */
  readonly cin: number;
  readonly cout: number;
  readonly hasBias: boolean;
  readonly activation: Activation;
  /** x and the weights are integers, so many to a word of 32 bits; `cin` and all steps count words. */
  readonly integer?: IntegerForm | undefined;
  /** Where unpacked weights lie: step from one output channel, input channel and tap (by axis) to the next, and the first tap. */
  readonly weights: WeightSteps;
}

export interface WeightSteps {
  readonly base: number;
  readonly group: number;
  readonly cout: number;
  readonly cin: number;
  readonly taps: readonly number[];
}

/** w[O, C/groups, kernel...] row-major. */
export function denseWeightSteps(cout: number, cin: number, kernel: readonly number[]): WeightSteps {
  const taps = kernel.map((_, i) => kernel.slice(i + 1).reduce((n, k) => n * k, 1));
  const volume = kernel.reduce((n, k) => n * k, 1);
  return { base: 0, group: cout * cin * volume, cout: cin * volume, cin: volume, taps };
}

export function convContraction(p: ConvProblem): Contraction {
  const { x, y, residual, axes } = p;
  const lanes = channelLanes(y, p.target);
  const spatial = axes.map((axis, i): Axis & { stem: string } => ({
    stem: ["d", "h", "w"][i + 3 - axes.length]!,
    trips: axis.out,
    a: axis.stride * x.strides[i + 2]!,
    y: y.strides[i + 2]!,
    residual: residual?.strides[i + 2] ?? 0,
  }));
  const pixels = mergeAxes([{ stem: "n", trips: x.shape[0]!, a: x.strides[0]!, y: y.strides[0]!, residual: residual?.strides[0] ?? 0 }, ...spatial]);
  const [cols, rows, ...others] = pixels.toReversed();
  const unit: Axis = { trips: 1, a: 0, y: 0, residual: 0 };
  const outer: OuterAxis[] = others.toReversed().map((axis) => ({ ...axis, source: 0, bias: 0 }));
  if (p.groups > 1) {
    const step = (layout: Layout | undefined, channels: number): number => (layout ? channelStep(layout, channels) : 0);
    outer.unshift({
      stem: "grp",
      trips: p.groups,
      a: step(x, p.cin),
      y: step(y, p.cout),
      residual: step(residual, p.cout),
      source: p.weights.group,
      bias: p.hasBias ? p.cout : 0,
    });
  }
  const first = axes.reduce((at, axis, i) => at - axis.before * x.strides[i + 2]!, x.offset);
  const reduction = convReduction(p);
  const innermost = reduction[0]?.loops.at(-1);
  return {
    name: p.name,
    loc: p.loc,
    elem: x.elem,
    pairs: p.integer?.per === 2,
    requantise: p.integer?.requantise,
    lanes,
    a: { size: x.size, base: first },
    y: channelSide(y),
    ...(residual ? { residual: channelSide(residual) } : {}),
    outer,
    rows: rows ?? unit,
    cols: cols ?? unit,
    columns: p.cout,
    columnSource: p.weights.cout,
    exact: !isPadded(y, lanes) || (p.groups > 1 && !y.block),
    hasBias: p.hasBias,
    reduction,
    activation: p.activation,
    overlapping: innermost?.stem === "kw" && x.block === undefined,
  };
}

/** Neighbouring axes that walk on where the inner one ends become one. Axes of one trip vanish. */
function mergeAxes<A extends Axis>(axes: readonly A[]): A[] {
  const merged: A[] = [];
  for (const axis of axes) {
    if (axis.trips === 1) continue;
    const outer = merged.at(-1);
    const joins = outer && (["a", "y", "residual"] as const).every((k) => outer[k] === axis[k] * axis.trips);
    if (joins) merged[merged.length - 1] = { ...axis, trips: outer.trips * axis.trips };
    else merged.push(axis);
  }
  return merged;
}

/** Blocks of channels, taps, channels of a block; channels last: taps, channels; planes: channels, taps. */
function convReduction(p: ConvProblem): Segment[] {
  const { x, weights } = p;
  const channel = (trips: number): ReductionLoop => ({ stem: "c", trips, a: x.strides[1]!, source: weights.cin });
  const taps = p.axes.map((axis, i): ReductionLoop => ({
    stem: `k${["d", "h", "w"][i + 3 - p.axes.length]!}`,
    trips: axis.kernel,
    a: axis.dilation * x.strides[i + 2]!,
    source: weights.taps[i]!,
  }));
  if (p.axes.some((axis) => axis.kernel === 0)) return [];
  const { block } = x;
  if (!block) return [{ a: 0, source: weights.base, loops: x.strides[1] === 1 ? [...taps, channel(p.cin)] : [channel(p.cin), ...taps] }];
  const [blocks, rest] = [Math.floor(p.cin / block.size), p.cin % block.size];
  const whole: Segment = {
    a: 0,
    source: weights.base,
    loops: [{ stem: "cb", trips: blocks, a: block.stride, source: block.size * weights.cin }, ...taps, channel(block.size)],
  };
  const tail: Segment = { a: blocks * block.stride, source: weights.base + blocks * block.size * weights.cin, loops: [...taps, channel(rest)] };
  return [...(blocks > 0 ? [whole] : []), ...(rest > 0 ? [tail] : [])];
}
