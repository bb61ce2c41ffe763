/** Stored integers less their zero points, as the operands of an integer product: an i32 each, or two i16 in an i32. */
import type { Op } from "../../ir/graph.ts";
import type { Data } from "../../ir/tensor.ts";
import { elementCount, type Quantisation, type TensorType } from "../../ir/types.ts";
import { KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { lanesOf, type TargetProfile } from "../../target/profile.ts";
import { SLACK, plainLayout, type Layout } from "../layout.ts";
import type { LowerContext, Place } from "../schedule.ts";
import { requantiseOf, type Requantise } from "./requantise.ts";
import { loadElement, memoryElem } from "./storage.ts";

/** How many elements along the reduction share one i32: two, where the target has vectors. */
export type PerWord = 1 | 2;

export function perWord(target: TargetProfile): PerWord {
  return lanesOf(target) > 1 ? 2 : 1;
}

/** Of a product of quantised operands. */
export interface IntegerForm {
  readonly per: PerWord;
  /** undefined: the result holds the accumulators. */
  readonly requantise: Requantise | undefined;
}

/** undefined: the op computes over plain numbers. */
export function integerForm(op: Op, target: TargetProfile): IntegerForm | undefined {
  return op.operands[1]!.type.quant ? { per: perWord(target), requantise: requantiseOf(op) } : undefined;
}

/** Biases are stored in rows where factors of columns need such rows. */
export function hasRows(form: IntegerForm | undefined): boolean {
  return form?.requantise?.tables.some((table) => table.values.length > 1) ?? false;
}

/** A dense tensor as [outer, reduced, inner]: neighbours along `reduced` are joined. */
export interface Reduced {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
}

/** Where channels lie next to each other in even numbers, pairs of them are i32 at half the addresses. */
export function hasPairedChannels({ strides, block, offset }: Layout): boolean {
  const steps = [...strides.filter((_, axis) => axis !== 1), offset, ...(block ? [block.size, block.stride] : [])];
  return (strides[1] === 1 || block !== undefined) && steps.every((step) => step % 2 === 0);
}

/** The whole buffer of a columnar tensor, halo included, less the zero point that the halo is filled with. */
export function centredImage(context: LowerContext, x: Place, quant: Quantisation, per: PerWord): Place {
  const { layout } = x;
  const half = (step: number): number => step / per;
  const words: Layout = {
    ...layout,
    elem: "i32",
    shape: layout.shape.map((dim, axis) => (axis === 1 ? Math.ceil(dim / per) : dim)),
    strides: layout.strides.map((stride, axis) => (axis === 1 ? 1 : half(stride))),
    ...(layout.block ? { block: { axis: 1, size: half(layout.block.size), stride: half(layout.block.stride) } } : {}),
    offset: half(layout.offset),
    fill: 0,
    size: Math.ceil(layout.size / per) + SLACK,
  };
  return centred(context, x, words, quant, per);
}

/** Dense rows [..., K] as rows of words. */
export function integerRows(context: LowerContext, x: Place, { shape, quant }: TensorType, per: PerWord): Place {
  const dims = shape as readonly number[];
  const [outer, reduced] = [elementCount(dims.slice(0, -1)), dims.at(-1)!];
  const words = [...dims.slice(0, -1), Math.ceil(reduced / per)];
  if (reduced % per !== 0 || elementCount(dims) === 0) return joined(context, x, quant!, per, { outer, reduced, inner: 1 }, "outer", words);
  return centred(context, x, plainLayout("i32", words), quant!, per);
}

function centred(context: LowerContext, x: Place, layout: Layout, quant: Quantisation, per: PerWord): Place {
  const buffer = context.scratch("i32", layout.size);
  const count = Math.min(x.layout.size, per * layout.size);
  context.call(centreKernel(x, layout.size, count, quant.zeroPoint[0]!, per, context.target), { x: x.buffer, centred: buffer });
  return { buffer, layout, dtype: "i32" };
}

/** The first `count` elements of x, less `zero`. */
function centreKernel(x: Place, words: number, count: number, zero: number, per: PerWord, target: TargetProfile): Kernel {
  const lanes = lanesOf(target);
  const elem = memoryElem(x.dtype);
  const b = new KernelBuilder(`centre_${x.dtype}_${per === 2 ? "i16" : "i32"}_${count}_zero${zero < 0 ? "m" : ""}${Math.abs(zero)}`, { lanes, mode: "exact" });
  b.param("x", elem, x.layout.size, "in");
  b.param("centred", "i32", words, "out");
  const to = per === 2 ? "i16" : "i32";
  const width = per * lanes;
  const less = (value: Term): Term => (zero === 0 ? value : b.sub(value, b.constant(value.type, zero)));
  const whole = lanes > 1 ? Math.floor(count / width) : 0;
  if (whole > 0) {
    const [from, into] = [b.cursor("i", "x"), b.cursor("o", "centred", 0, to)];
    b.loop("v", whole, { [from]: width, [into]: width }, () => b.store(into, 0, less(b.widen(vector(to, width), vector(elem, width), from))));
  }
  const rest = count - whole * width;
  if (rest > 0) {
    const [from, into] = [b.cursor("i", "x", whole * width), b.cursor("o", "centred", whole * width, to)];
    b.loop("s", rest, { [from]: 1, [into]: 1 }, () => b.storeAs(scalar(to), into, 0, less(b.load(scalar(elem), from))));
  }
  return b.finish();
}

/** Dense elements joined along the middle axis; an odd one at the end is joined with 0. Zero points: one, or one for each run of indices of `along`. */
export function joined(
  context: LowerContext,
  x: Place,
  quant: Quantisation,
  per: PerWord,
  as: Reduced,
  along: "outer" | "inner",
  shape: readonly number[],
): Place {
  const layout = plainLayout("i32", shape);
  const length = as[along];
  const uniform = quant.zeroPoint.every((zero) => zero === quant.zeroPoint[0]);
  const zeros = uniform ? quant.zeroPoint.slice(0, 1) : Array.from({ length }, (_, i) => quant.zeroPoint[Math.floor((i * quant.zeroPoint.length) / length)]!);
  if (x.constant) {
    const data = joinedData(x.constant, zeros, per, as, along);
    return { buffer: context.weights("i32", data), layout: { ...layout, size: data.length }, dtype: "i32", constant: data };
  }
  const buffer = context.scratch("i32", layout.size);
  if (elementCount(shape) === 0) return { buffer, layout, dtype: "i32" };
  const kernel = joinKernel(x, zeros, per, as, along, layout.size);
  context.call(kernel, { x: x.buffer, joined: buffer, ...(zeros.length > 1 ? { zeros: context.weights("i32", Int32Array.from(zeros)) } : {}) });
  return { buffer, layout, dtype: "i32" };
}

function joinedData(data: Data, zeros: readonly number[], per: PerWord, { outer, reduced, inner }: Reduced, along: "outer" | "inner"): Int32Array {
  const from = data as Int8Array;
  const words = Math.ceil(reduced / per);
  const to = new Int32Array(outer * words * inner + SLACK);
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < words; k++) {
      for (let i = 0; i < inner; i++) {
        const zero = zeros[zeros.length === 1 ? 0 : along === "outer" ? o : i]!;
        const at = (o * reduced + k * per) * inner + i;
        const low = from[at]! - zero;
        const high = per === 2 && k * 2 + 1 < reduced ? from[at + inner]! - zero : 0;
        to[(o * words + k) * inner + i] = per === 2 ? (low & 0xffff) | (high << 16) : low;
      }
    }
  }
  return to;
}

function joinKernel(x: Place, zeros: readonly number[], per: PerWord, as: Reduced, along: "outer" | "inner", words: number): Kernel {
  const { outer, reduced, inner } = as;
  const b = new KernelBuilder(`join${per}_${x.dtype}_${outer}x${reduced}x${inner}_zero${zeros.length > 1 ? along : String(zeros[0]).replace("-", "m")}`, {
    lanes: 1,
    mode: "exact",
  });
  b.param("x", memoryElem(x.dtype), x.layout.size, "in");
  if (zeros.length > 1) b.param("zeros", "i32", zeros.length, "in");
  b.param("joined", "i32", words, "out");
  const [whole, rest] = [Math.floor(reduced / per), reduced % per];
  const part = (first: number, count: number, elements: number): void => {
    if (count === 0) return;
    const [from, into] = [b.cursor("i", "x", first * per * inner), b.cursor("o", "joined", first * inner)];
    const zero = zeros.length > 1 ? b.cursor("z", "zeros") : undefined;
    const step = (loop: "outer" | "inner"): Record<string, number> => (zero && loop === along ? { [zero]: 1 } : {});
    const element = (offset: number): Term => {
      const less = zero ? b.load(scalar("i32"), zero) : b.constant(scalar("i32"), zeros[0]!);
      return b.let("e", b.sub(loadElement(b, x.dtype, 1, from, offset), less));
    };
    b.loop("o", outer, { [from]: reduced * inner, [into]: Math.ceil(reduced / per) * inner, ...step("outer") }, () =>
      b.loop("k", count, { [from]: per * inner, [into]: inner }, () =>
        b.loop("n", inner, { [from]: 1, [into]: 1, ...step("inner") }, () => {
          const low = element(0);
          if (per === 1) return b.store(into, 0, low);
          const half = b.and(low, b.constant(scalar("i32"), 0xffff));
          b.store(into, 0, elements === 1 ? half : b.or(half, b.shl(element(inner), 16)));
        }),
      ),
    );
  };
  part(0, whole, per);
  part(whole, rest > 0 ? 1 : 0, 1);
  return b.finish();
}
