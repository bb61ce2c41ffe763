import { allocate, byteLength, decodeData, f16FromBits, type Data, type Tensor } from "../../ir/tensor.ts";
import type { DType } from "../../ir/types.ts";
import { limitError, safeProduct, type Limits } from "../../support/limits.ts";
import { dtypeOf, elementTypeName } from "./element-types.ts";
import { storedBytes, storedTypeOf, unpackCodes, type StoredType } from "./stored-types.ts";
import type { ExternalFiles } from "./external.ts";
import type { SparseTensorProto, TensorProto } from "./schema.ts";
import { TensorProblem } from "./tensor-problem.ts";

/** Where tensors come from besides their own message. */
export interface TensorSource {
  readonly file: string;
  readonly limits: Limits;
  readonly external: ExternalFiles;
}

interface Layout {
  readonly dtype: DType;
  /** What the elements are codes of, where the graph has no dtype for it. */
  readonly stored: StoredType | undefined;
  readonly shape: readonly number[];
  readonly elements: number;
}

/** Dtype, shape and size of a tensor message, after the checks that need no data. Throws `TensorProblem`, or NEO7003. */
export function tensorLayout(proto: TensorProto, source: TensorSource): Layout {
  const stored = storedTypeOf(proto.dataType);
  const dtype = stored?.dtype ?? dtypeOf(proto.dataType);
  if (dtype === undefined) throw new TensorProblem("type", `is ${elementTypeName(proto.dataType)}`);
  const shape = dimsOf(proto.dims, source);
  const elements = checkedElements(dtype, shape, proto.name ?? "", source);
  if (proto.segment) throw new TensorProblem("tensor", "comes in segments, which no writer makes");
  return { dtype, stored, shape, elements };
}

/** The data of a tensor message. Throws `TensorProblem`, or a limit. */
export function readTensor(proto: TensorProto, source: TensorSource): Tensor {
  const { dtype, stored, shape, elements } = tensorLayout(proto, source);
  const data = stored
    ? unpackCodes(stored, codeBytes(proto, stored, elements, source), elements)
    : dtype === "string"
      ? strings(proto, elements)
      : numbers(proto, dtype, elements, source);
  return { type: { dtype, shape }, data };
}

/** Checks that the data are there without decoding them. Throws `TensorProblem`, or a limit. */
export function checkTensor(proto: TensorProto, source: TensorSource): void {
  const { dtype, stored, elements } = tensorLayout(proto, source);
  if (stored) return void codeBytes(proto, stored, elements, source);
  if (dtype === "string") return void strings(proto, elements);
  if (proto.dataLocation === 1) return void source.external.bytes(proto, byteLength(dtype, elements));
  if (proto.rawData && (proto.rawData.length > 0 || elements === 0)) return checkRaw(proto.rawData, dtype, elements);
  checkTyped(typedData(proto, dtype), dtype, elements, proto);
}

/** A sparse tensor (COO, indices flat or one row a value) as a dense one. */
export function readSparseTensor(proto: SparseTensorProto, source: TensorSource): Tensor {
  if (!proto.values || !proto.indices) throw new TensorProblem("tensor", "is sparse and lacks its values or indices");
  const values = readTensor(proto.values, source);
  const indices = readTensor(proto.indices, source);
  const shape = dimsOf(proto.dims, source);
  const elements = checkedElements(values.type.dtype, shape, proto.values.name ?? "", source);
  const count = values.data.length;
  const flat = indices.type.shape.length === 1;
  if (indices.type.dtype !== "i64" || indices.data.length !== (flat ? count : count * shape.length)) {
    throw new TensorProblem(
      "tensor",
      `is sparse with ${count} values and ${indices.data.length} indices, wanted ${count} or ${count}x${shape.length} of INT64`,
    );
  }
  const data = allocate(values.type.dtype, elements) as { [i: number]: unknown };
  for (let i = 0; i < count; i++) {
    let at = flat ? Number(indices.data[i]) : 0;
    if (!flat)
      for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis]! + checkedIndex(Number(indices.data[i * shape.length + axis]), shape[axis]!);
    data[checkedIndex(at, elements)] = values.data[i];
  }
  return { type: { dtype: values.type.dtype, shape }, data: data as unknown as Data };
}

function checkedIndex(index: number, below: number): number {
  if (!Number.isSafeInteger(index) || index < 0 || index >= below) throw new TensorProblem("tensor", `is sparse with index ${index}, the extent is ${below}`);
  return index;
}

function dimsOf(dims: BigInt64Array, source: TensorSource): readonly number[] {
  if (dims.length > source.limits.rank) throw limitError("rank", source.limits, source.file, "rank of a tensor:", dims.length);
  return Array.from(dims, (dim) => {
    if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) throw new TensorProblem("tensor", `has a dim of ${dim}`);
    return Number(dim);
  });
}

function checkedElements(dtype: DType, shape: readonly number[], name: string, source: TensorSource): number {
  const elements = safeProduct(shape);
  const bytes = elements === undefined ? undefined : byteLength(dtype, elements);
  if (elements === undefined || bytes! > source.limits.tensorBytes)
    throw limitError("tensorBytes", source.limits, source.file, `bytes of tensor ${name}:`, bytes ?? `${shape.join("x")} ${dtype}`);
  return elements;
}

function numbers(proto: TensorProto, dtype: DType, elements: number, source: TensorSource): Data {
  if (proto.dataLocation === 1) return decodeData(dtype, source.external.bytes(proto, byteLength(dtype, elements)), elements);
  if (proto.rawData && (proto.rawData.length > 0 || elements === 0)) {
    checkRaw(proto.rawData, dtype, elements);
    return normalised(dtype, decodeData(dtype, proto.rawData, elements));
  }
  const typed = typedData(proto, dtype);
  checkTyped(typed, dtype, elements, proto);
  return normalised(dtype, fromTyped(typed, dtype, elements));
}

/** Packed bytes of codes: raw, outside, or one in each int32. */
function codeBytes(proto: TensorProto, stored: StoredType, elements: number, source: TensorSource): Uint8Array {
  const wanted = storedBytes(stored, elements);
  if (proto.dataLocation === 1) return source.external.bytes(proto, wanted);
  const bytes = proto.rawData && proto.rawData.length > 0 ? proto.rawData : Uint8Array.from(proto.int32Data);
  if (bytes.length !== wanted) throw new TensorProblem("tensor", `has ${bytes.length} bytes of data, its shape wants ${wanted}`);
  return bytes;
}

function checkRaw(raw: Uint8Array, dtype: DType, elements: number): void {
  const wanted = byteLength(dtype, elements);
  if (raw.length !== wanted) throw new TensorProblem("tensor", `has ${raw.length} bytes of data, its shape wants ${wanted}`);
}

/** The repeated field that onnx.proto names for the dtype. */
function typedData(proto: TensorProto, dtype: DType): Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array {
  switch (dtype) {
    case "f32":
      return proto.floatData;
    case "f64":
      return proto.doubleData;
    case "i64":
      return proto.int64Data;
    case "u64":
    case "u32":
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

function checkTyped(typed: ArrayLike<unknown>, dtype: DType, elements: number, proto: TensorProto): void {
  // 4-bit elements lie two in one int32.
  const wanted = dtype === "i4" || dtype === "u4" ? Math.ceil(elements / 2) : elements;
  if (typed.length === wanted) return;
  const others = proto.floatData.length + proto.int32Data.length + proto.int64Data.length + proto.doubleData.length + proto.uint64Data.length;
  if (others === 0) throw new TensorProblem("tensor", `has a shape of ${elements} elements and no data`);
  throw new TensorProblem("tensor", `has ${typed.length} elements of data where ${elementTypeName(proto.dataType)} keeps them, its shape wants ${wanted}`);
}

function fromTyped(typed: ReturnType<typeof typedData>, dtype: DType, elements: number): Data {
  const data = allocate(dtype, elements);
  switch (dtype) {
    case "f16":
      return Float32Array.from(typed as Int32Array, (bits) => f16FromBits(bits & 0xffff));
    case "bf16":
      return new Float32Array(Uint32Array.from(typed as Int32Array, (bits) => (bits << 16) >>> 0).buffer);
    case "i4":
    case "u4":
      return decodeData(dtype, Uint8Array.from(typed as Int32Array), elements);
    case "u32":
      return Uint32Array.from(typed as BigUint64Array, (value) => Number(BigInt.asUintN(32, value)));
    default:
      (data as Float64Array).set(typed as Float64Array);
  }
  return data;
}

/** bool elements of a file may be any byte; ours are 0 and 1. */
function normalised(dtype: DType, data: Data): Data {
  if (dtype === "bool") for (let i = 0; i < data.length; i++) (data as Uint8Array)[i] = data[i] ? 1 : 0;
  return data;
}

const utf8 = new TextDecoder("utf-8");

function strings(proto: TensorProto, elements: number): string[] {
  if (proto.stringData.length !== elements) throw new TensorProblem("tensor", `has ${proto.stringData.length} strings, its shape wants ${elements}`);
  return proto.stringData.map((bytes) => utf8.decode(bytes));
}

/** Runs `read` and gives its problem, if it has one. Limits, and files that can't be read, pass through. */
export function tensorProblem(read: () => void): TensorProblem | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof TensorProblem) return error;
    throw error;
  }
}
