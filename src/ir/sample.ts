/**
 * Operands for op samples. A sample writes an operand as "2x3xf32", or "2x3xf32 in 0.5..4" to say where its elements lie;
 * attributes stand under "attrs".
 */
import { InternalError } from "../support/errors.ts";
import { seededRandom } from "../support/random.ts";
import { operandSlot, type AnyOpDef, type Sample } from "./op-def.ts";
import { tensor, type Tensor } from "./tensor.ts";
import { DTYPES, elementCount, isFloat, tensorType, type DType, type StaticType } from "./types.ts";

export type Range = readonly [low: number, high: number];

export interface SampleOperand {
  readonly type: StaticType;
  /** Inclusive. */
  readonly range: Range;
}

/** Reads "2x3xf32", "f32" (rank 0) or either followed by " in low..high". */
function parseSample(text: string): SampleOperand {
  const match = /^((?:\d+x)*)(\w+)(?: in (\S+?)\.\.(\S+))?$/.exec(text);
  const dtype = match?.[2] as DType;
  if (!match || !DTYPES.includes(dtype)) throw new InternalError("sample", `"${text}" is no type like 2x3xf32`);
  const shape = match[1]!
    .split("x")
    .filter((extent) => extent !== "")
    .map(Number);
  return { type: tensorType(dtype, shape) as StaticType, range: match[3] === undefined ? defaultRange(dtype) : [Number(match[3]), Number(match[4])] };
}

/** Operand types of a sample by position; undefined: absent. A list gives the values of a variadic operand. */
export function sampleOperands(def: AnyOpDef, sample: Sample): readonly (SampleOperand | undefined)[] {
  return (def.operands as readonly string[]).flatMap((declaration) => {
    const { name, variadic } = operandSlot(declaration);
    const written = sample[name] as string | readonly string[] | undefined;
    if (variadic) return ((written ?? []) as readonly string[]).map(parseSample);
    if (written === undefined) return [undefined];
    const operand = parseSample(written as string);
    // -1..1 are good indices of every extent above 1.
    return [name === "indices" && !(written as string).includes(" in ") ? { ...operand, range: [-1, 1] as const } : operand];
  });
}

/** Tensors for a sample, the same for the same seed. */
export function sampleTensors(def: AnyOpDef, sample: Sample, seed: number): readonly (Tensor | undefined)[] {
  return sampleOperands(def, sample).map((operand, i) => operand && randomTensor(operand.type, seed * 31 + i, operand.range));
}

/** Elements spread evenly over `range` (integers inclusive), the same for the same seed. */
export function randomTensor(type: StaticType, seed: number, range: Range = defaultRange(type.dtype)): Tensor {
  const random = seededRandom(seed);
  const [low, high] = range;
  const draw = isFloat(type.dtype) ? () => low + random() * (high - low) : () => low + Math.floor(random() * (high - low + 1));
  const values = Array.from({ length: elementCount(type.shape) }, draw);
  return { type, data: tensor(type.dtype, type.shape, type.dtype === "string" ? values.map((i) => (range === TEXTS ? `s${i}` : `${i}`)) : values).data };
}

/** Of texts s-9 … s9; with a range of its own a text is the number alone. */
const TEXTS: Range = [-9, 9];

function defaultRange(dtype: DType): Range {
  if (isFloat(dtype)) return [-2, 2];
  if (dtype === "bool") return [0, 1];
  if (dtype === "string") return TEXTS;
  return dtype.startsWith("u") ? [0, 9] : dtype === "i4" ? [-8, 7] : [-9, 9];
}
