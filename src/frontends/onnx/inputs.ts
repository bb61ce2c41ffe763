import { byteLength, convertElement, tensor, type Tensor } from "../../ir/tensor.ts";
import { dimOf, dimSymbol } from "../../ir/dims.ts";
import { longest } from "../../ir/ops/padded.ts";
import { tensorType, type Dim, type DType, type StaticType, type TensorType } from "../../ir/types.ts";
import { limitError, safeProduct, type Limits } from "../../support/limits.ts";
import { hasSize, printSize, type Size } from "../../support/size-range.ts";
import { dtypeOf, elementTypeName } from "./element-types.ts";
import { storedTypeOf } from "./stored-types.ts";
import type { Problems } from "./problems.ts";
import type { GraphProto, ValueInfoProto } from "./schema.ts";

/** An input or output as the file declares it. A dim is a size or the name of one; `dims` is undefined where even the rank is open. */
export interface ValueSpec {
  readonly name: string;
  readonly dtype: DType | undefined;
  /** The word of onnx.proto, also for types that we have not. */
  readonly elementType: string;
  readonly dims: readonly (number | string)[] | undefined;
}

/** Inputs without those that are initializers: the ones a caller feeds. */
export function inputSpecs(graph: GraphProto): readonly ValueSpec[] {
  const given = new Set(graph.initializer.map((tensor) => tensor.name));
  for (const sparse of graph.sparseInitializer) given.add(sparse.values?.name);
  const listed = new Map(graph.input.map((input) => [input.name, input]));
  return [...listed.values()].filter((input) => !given.has(input.name)).map(valueSpec);
}

export function valueSpec(info: ValueInfoProto): ValueSpec {
  const name = info.name ?? "";
  const type = info.type?.tensorType;
  if (!type) return { name, dtype: undefined, elementType: otherType(info), dims: undefined };
  const dims = type.shape?.dim.map((dim, axis) => {
    // 2^64 - 1, -1 as an unsigned varint, stands for "any" in files of some writers.
    if (dim.dimValue !== undefined && dim.dimValue >= 0n && dim.dimValue <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(dim.dimValue);
    return dim.dimParam ? dim.dimParam : `${name}.${axis}`;
  });
  return { name, dtype: dtypeOf(type.elemType) ?? storedTypeOf(type.elemType)?.dtype, elementType: elementTypeName(type.elemType), dims };
}

function otherType(info: ValueInfoProto): string {
  if (info.type?.sequenceType) return "a sequence";
  if (info.type?.mapType) return "a map";
  if (info.type?.optionalType) return "an optional";
  if (info.type?.sparseTensorType) return "a sparse tensor";
  return "no type";
}

/** What a caller fixes of a model: sizes by the name of a dim, whole shapes or values by the name of an input. */
export interface Bindings {
  readonly shapes?: Readonly<Record<string, Size | readonly Size[]>>;
  readonly constants?: Readonly<Record<string, Tensor>>;
}

export interface BoundInputs {
  /** Inputs the program will have, in the order of the file. */
  readonly params: ReadonlyMap<string, TensorType>;
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** Gives every dim of every input its size, or the symbol of its range. Open dims, and sizes that fit nothing, become problems. */
export function bindInputs(specs: readonly ValueSpec[], bindings: Bindings, file: string, limits: Limits, problems: Problems): BoundInputs {
  const binder = new Binder(specs, bindings, problems);
  const params = new Map<string, TensorType>();
  const constants = new Map<string, Tensor>();
  for (const spec of specs) {
    if (spec.dtype === undefined) {
      problems.add("type", spec.name, `is ${spec.elementType}`);
      continue;
    }
    const shape = binder.shape(spec);
    if (!shape) continue;
    const type = tensorType(spec.dtype, shape);
    const most = (longest(type) as StaticType).shape;
    const elements = safeProduct(most);
    if (shape.length > limits.rank) throw limitError("rank", limits, file, `rank of input ${spec.name}:`, shape.length);
    if (elements === undefined || byteLength(spec.dtype, elements) > limits.tensorBytes)
      throw limitError("tensorBytes", limits, file, `bytes of input ${spec.name}:`, `${most.join("x")} ${spec.dtype}`);
    const value = own(bindings.constants, spec.name);
    const constant = value && converted(value, spec.dtype, spec.name, problems);
    if (constant) constants.set(spec.name, constant);
    else params.set(spec.name, type);
  }
  binder.reportUnused();
  return { params, constants };
}

class Binder {
  private readonly problems: Problems;
  private readonly shapes: Readonly<Record<string, Size | readonly Size[]>>;
  /** Sizes of named dims and where each came from. */
  private readonly sizes = new Map<string, { readonly size: Size; readonly from: string }>();
  private readonly given = new Map<string, readonly Size[]>();
  private readonly open = new Map<string, string[]>();

  constructor(specs: readonly ValueSpec[], bindings: Bindings, problems: Problems) {
    this.problems = problems;
    this.shapes = bindings.shapes ?? {};
    const symbols = new Set(specs.flatMap((spec) => spec.dims ?? []).filter((dim) => typeof dim === "string"));
    const inputs = new Map(specs.map((spec) => [spec.name, spec]));
    for (const [name, value] of Object.entries(this.shapes)) this.take(name, value, symbols, inputs);
    for (const [name, value] of Object.entries(bindings.constants ?? {})) {
      if (inputs.has(name)) this.given.set(name, value.type.shape);
      else problems.add("binding", name, "names no input");
    }
    for (const [name, shape] of this.given) this.learn(inputs.get(name)!, shape);
  }

  private take(name: string, value: Size | readonly Size[], symbols: ReadonlySet<number | string>, inputs: ReadonlyMap<string, ValueSpec>): void {
    const sizes = isList(value) ? value : [value];
    if (!sizes.every(isWhole)) this.problems.add("binding", name, `is given as ${words(sizes)}: sizes are whole numbers, or ranges of them`);
    else if (symbols.has(name) && sizes.length === 1) this.sizes.set(name, { size: sizes[0]!, from: "--shape" });
    else if (inputs.has(name)) this.given.set(name, sizes);
    else this.problems.add("binding", name, symbols.has(name) ? `is one dim, ${words(sizes)} are ${sizes.length} sizes` : "names neither a dim nor an input");
  }

  /** A shape given for one input tells the sizes of its named dims to all others. */
  private learn(spec: ValueSpec, shape: readonly Size[]): void {
    if (spec.dims && spec.dims.length !== shape.length) {
      this.problems.add(
        "binding",
        spec.name,
        `is given as ${words(shape)}, rank ${shape.length}; the model says ${spec.dims.join("x")}, rank ${spec.dims.length}`,
      );
      return;
    }
    spec.dims?.forEach((dim, axis) => {
      const size = shape[axis]!;
      const known = typeof dim === "number" ? { size: dim, from: "the model" } : this.sizes.get(dim);
      if (known && printSize(known.size) !== printSize(size))
        this.problems.add("binding", spec.name, `is given as ${words(shape)}: dim ${axis} is ${printSize(size)}, ${known.from} says ${printSize(known.size)}`);
      else if (!known) this.sizes.set(dim as string, { size, from: `input ${spec.name}` });
    });
  }

  shape(spec: ValueSpec): readonly Dim[] | undefined {
    if (!spec.dims) {
      const shape = this.given.get(spec.name)?.map((size, axis) => dimFor(size, `${spec.name}.${axis}`));
      if (!shape) this.problems.add("dim", spec.name, "has no shape in the model", { hint: `give its whole shape: \`--shape ${spec.name}=1x3x224x224\`` });
      return shape;
    }
    for (const dim of spec.dims) {
      if (typeof dim === "number" || this.sizes.has(dim)) continue;
      const users = this.open.get(dim) ?? [];
      this.open.set(dim, users.includes(spec.name) ? users : [...users, spec.name]);
    }
    const shape = spec.dims.map((dim) => {
      const size = typeof dim === "number" ? dim : this.sizes.get(dim)?.size;
      return size === undefined ? undefined : dimFor(size, String(dim));
    });
    return shape.every((dim) => dim !== undefined) ? shape : undefined;
  }

  reportUnused(): void {
    const hint = `give ${this.open.size === 1 ? "it a size" : "each a size"}: \`${[...this.open.keys()].map((dim) => `--shape ${dim}=N`).join(" ")}\``;
    for (const [dim, inputs] of this.open) this.problems.add("dim", dim, `of input ${inputs.join(", ")}`, { hint });
  }
}

/** A range of steps of 1 is a symbol; one of longer steps is as many of them as a symbol says. */
export function dimFor(size: Size, name: string): Dim {
  if (typeof size === "number") return size;
  const { low, high, step } = size;
  if (step === 1) return dimSymbol(name, low, high);
  const first = low % step === 0 ? low / step : 0;
  const steps = dimOf("mul", dimSymbol(`${name}/${step}`, first, first + (high - low) / step), step);
  return low % step === 0 ? steps : dimOf("add", steps, low);
}

function isList(value: Size | readonly Size[]): value is readonly Size[] {
  return Array.isArray(value);
}

function isWhole(size: Size): boolean {
  const numbers = typeof size === "number" ? [size] : [size.low, size.high, size.step];
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0) && (typeof size === "number" || hasSize(size, size.high));
}

function words(sizes: readonly Size[]): string {
  return sizes.map(printSize).join("x");
}

/** The value under the input's dtype; a problem where that changes a number. */
function converted(value: Tensor, dtype: DType, name: string, problems: Problems): Tensor | undefined {
  if (value.type.dtype === dtype) return value;
  const elements = value.data as ArrayLike<number | bigint | string>;
  const textual = dtype === "string" || value.type.dtype === "string";
  for (let i = 0; !textual && i < elements.length; i++) {
    const to = Number(convertElement(dtype, elements[i]!));
    if (to === Number(elements[i])) continue;
    problems.add("binding", name, `is ${dtype}, which does not hold ${elements[i]}`);
    return undefined;
  }
  if (textual) problems.add("binding", name, `is ${dtype}, the value is ${value.type.dtype}`);
  return textual ? undefined : tensor(dtype, value.type.shape, elements);
}

function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}
