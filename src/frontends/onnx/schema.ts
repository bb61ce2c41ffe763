import { list, many, message, numbers, one, scalar, type MessageType } from "../formats/protobuf.ts";

/**
 * The part of onnx.proto that an importer reads (field numbers of onnx.proto, IR 13). Documentation strings, metadata and training
 * information are skipped. `undefined` is an absent field; repeated fields are never absent.
 */

export interface ModelProto {
  readonly irVersion: bigint | undefined;
  readonly producerName: string | undefined;
  readonly producerVersion: string | undefined;
  readonly graph: GraphProto | undefined;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly functions: readonly FunctionProto[];
}

export interface OperatorSetIdProto {
  readonly domain: string | undefined;
  readonly version: bigint | undefined;
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string | undefined;
  readonly initializer: readonly TensorProto[];
  readonly sparseInitializer: readonly SparseTensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string | undefined;
  readonly opType: string | undefined;
  readonly attribute: readonly AttributeProto[];
  readonly domain: string | undefined;
  readonly overload: string | undefined;
}

export interface AttributeProto {
  readonly name: string | undefined;
  readonly f: number | undefined;
  readonly i: bigint | undefined;
  readonly s: Uint8Array | undefined;
  readonly t: TensorProto | undefined;
  readonly g: GraphProto | undefined;
  readonly floats: Float32Array;
  readonly ints: BigInt64Array;
  readonly strings: readonly Uint8Array[];
  readonly sparseTensor: SparseTensorProto | undefined;
  readonly type: number | undefined;
  readonly refAttrName: string | undefined;
}

export interface TensorProto {
  readonly dims: BigInt64Array;
  readonly dataType: number | undefined;
  readonly segment: SegmentProto | undefined;
  readonly floatData: Float32Array;
  readonly int32Data: Int32Array;
  readonly stringData: readonly Uint8Array[];
  readonly int64Data: BigInt64Array;
  readonly name: string | undefined;
  readonly rawData: Uint8Array | undefined;
  readonly doubleData: Float64Array;
  readonly uint64Data: BigUint64Array;
  readonly externalData: readonly StringStringEntryProto[];
  readonly dataLocation: number | undefined;
}

export interface SegmentProto {
  readonly begin: bigint | undefined;
  readonly end: bigint | undefined;
}

export interface SparseTensorProto {
  readonly values: TensorProto | undefined;
  readonly indices: TensorProto | undefined;
  readonly dims: BigInt64Array;
}

export interface StringStringEntryProto {
  readonly key: string | undefined;
  readonly value: string | undefined;
}

export interface ValueInfoProto {
  readonly name: string | undefined;
  readonly type: TypeProto | undefined;
}

export interface TypeProto {
  readonly tensorType: TensorTypeProto | undefined;
  readonly sequenceType: HolderTypeProto | undefined;
  readonly mapType: MapTypeProto | undefined;
  readonly sparseTensorType: OtherTypeProto | undefined;
  readonly optionalType: HolderTypeProto | undefined;
}

/** A type of what holds others. */
export interface HolderTypeProto {
  readonly elemType: TypeProto | undefined;
}

export interface MapTypeProto {
  readonly keyType: number | undefined;
  readonly valueType: TypeProto | undefined;
}

export interface TensorTypeProto {
  readonly elemType: number | undefined;
  readonly shape: TensorShapeProto | undefined;
}

/** A type that is only named in errors. */
export type OtherTypeProto = Record<never, never>;

export interface TensorShapeProto {
  readonly dim: readonly DimensionProto[];
}

export interface DimensionProto {
  readonly dimValue: bigint | undefined;
  readonly dimParam: string | undefined;
}

export interface FunctionProto {
  readonly name: string | undefined;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly node: readonly NodeProto[];
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly domain: string | undefined;
  readonly attributeProto: readonly AttributeProto[];
  readonly overload: string | undefined;
}

export const MODEL: MessageType<ModelProto> = message("ONNX model", {
  1: scalar("irVersion", "int64"),
  2: scalar("producerName", "string"),
  3: scalar("producerVersion", "string"),
  7: one("graph", () => GRAPH),
  8: many("opsetImport", () => OPERATOR_SET),
  25: many("functions", () => FUNCTION),
});

const OPERATOR_SET: MessageType<OperatorSetIdProto> = message("operator set", { 1: scalar("domain", "string"), 2: scalar("version", "int64") });

const GRAPH: MessageType<GraphProto> = message("graph", {
  1: many("node", () => NODE),
  2: scalar("name", "string"),
  5: many("initializer", () => TENSOR),
  11: many("input", () => VALUE_INFO),
  12: many("output", () => VALUE_INFO),
  13: many("valueInfo", () => VALUE_INFO),
  15: many("sparseInitializer", () => SPARSE_TENSOR),
});

const NODE: MessageType<NodeProto> = message("node", {
  1: list("input", "string"),
  2: list("output", "string"),
  3: scalar("name", "string"),
  4: scalar("opType", "string"),
  5: many("attribute", () => ATTRIBUTE),
  7: scalar("domain", "string"),
  8: scalar("overload", "string"),
});

const ATTRIBUTE: MessageType<AttributeProto> = message("attribute", {
  1: scalar("name", "string"),
  2: scalar("f", "float"),
  3: scalar("i", "int64"),
  4: scalar("s", "bytes"),
  5: one("t", () => TENSOR),
  6: one("g", () => GRAPH),
  7: numbers("floats", "float"),
  8: numbers("ints", "int64"),
  9: list("strings", "bytes"),
  20: scalar("type", "int32"),
  21: scalar("refAttrName", "string"),
  22: one("sparseTensor", () => SPARSE_TENSOR),
});

export const TENSOR: MessageType<TensorProto> = message("tensor", {
  1: numbers("dims", "int64"),
  2: scalar("dataType", "int32"),
  3: one("segment", () => SEGMENT),
  4: numbers("floatData", "float"),
  5: numbers("int32Data", "int32"),
  6: list("stringData", "bytes"),
  7: numbers("int64Data", "int64"),
  8: scalar("name", "string"),
  9: scalar("rawData", "bytes"),
  10: numbers("doubleData", "double"),
  11: numbers("uint64Data", "uint64"),
  13: many("externalData", () => ENTRY),
  14: scalar("dataLocation", "int32"),
});

const SEGMENT: MessageType<SegmentProto> = message("segment", { 1: scalar("begin", "int64"), 2: scalar("end", "int64") });

const SPARSE_TENSOR: MessageType<SparseTensorProto> = message("sparse tensor", {
  1: one("values", () => TENSOR),
  2: one("indices", () => TENSOR),
  3: numbers("dims", "int64"),
});

const ENTRY: MessageType<StringStringEntryProto> = message("entry", { 1: scalar("key", "string"), 2: scalar("value", "string") });

const VALUE_INFO: MessageType<ValueInfoProto> = message("value info", { 1: scalar("name", "string"), 2: one("type", () => TYPE) });

const OTHER_TYPE: MessageType<OtherTypeProto> = message("type", {});

const TYPE: MessageType<TypeProto> = message("type", {
  1: one("tensorType", () => TENSOR_TYPE),
  4: one("sequenceType", () => HOLDER_TYPE),
  5: one("mapType", () => MAP_TYPE),
  8: one("sparseTensorType", () => OTHER_TYPE),
  9: one("optionalType", () => HOLDER_TYPE),
});

const HOLDER_TYPE: MessageType<HolderTypeProto> = message("type", { 1: one("elemType", () => TYPE) });

const MAP_TYPE: MessageType<MapTypeProto> = message("map type", { 1: scalar("keyType", "int32"), 2: one("valueType", () => TYPE) });

const TENSOR_TYPE: MessageType<TensorTypeProto> = message("tensor type", { 1: scalar("elemType", "int32"), 2: one("shape", () => SHAPE) });

const SHAPE: MessageType<TensorShapeProto> = message("shape", { 1: many("dim", () => DIMENSION) });

const DIMENSION: MessageType<DimensionProto> = message("dimension", { 1: scalar("dimValue", "int64"), 2: scalar("dimParam", "string") });

const FUNCTION: MessageType<FunctionProto> = message("function", {
  1: scalar("name", "string"),
  4: list("input", "string"),
  5: list("output", "string"),
  6: list("attribute", "string"),
  7: many("node", () => NODE),
  9: many("opsetImport", () => OPERATOR_SET),
  10: scalar("domain", "string"),
  11: many("attributeProto", () => ATTRIBUTE),
  13: scalar("overload", "string"),
});
