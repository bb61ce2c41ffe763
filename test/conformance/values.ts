import { many, message, one, scalar, decodeMessage, type MessageType } from "../../src/frontends/formats/protobuf.ts";
import { ExternalFiles } from "../../src/frontends/onnx/external.ts";
import { TENSOR, type TensorProto, type TypeProto } from "../../src/frontends/onnx/schema.ts";
import { readTensor } from "../../src/frontends/onnx/tensors.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { DEFAULT_LIMITS } from "../../src/support/limits.ts";
import { readTensorFile } from "./suite.ts";

/** What a data set has for an input or output: a tensor, those of a sequence, or nothing. */
export type StoredValue = Tensor | readonly Tensor[] | undefined;

interface SequenceProto {
  readonly elemType: number | undefined;
  readonly tensorValues: readonly TensorProto[];
}

interface OptionalProto {
  readonly elemType: number | undefined;
  readonly tensorValue: TensorProto | undefined;
  readonly sequenceValue: SequenceProto | undefined;
}

const SEQUENCE: MessageType<SequenceProto> = message("sequence", { 2: scalar("elemType", "int32"), 3: many("tensorValues", () => TENSOR) });

const OPTIONAL: MessageType<OptionalProto> = message("optional", {
  2: scalar("elemType", "int32"),
  3: one("tensorValue", () => TENSOR),
  5: one("sequenceValue", () => SEQUENCE),
});

/** Reads input_N.pb or output_N.pb of a value that the model declares so. */
export function readValueFile(bytes: Uint8Array, type: TypeProto | undefined, file: string): StoredValue {
  if (type?.sequenceType) return decodeMessage(SEQUENCE, bytes, file, DEFAULT_LIMITS).tensorValues.map(tensorOf);
  if (!type?.optionalType) return readTensorFile(bytes, file);
  const { tensorValue, sequenceValue } = decodeMessage(OPTIONAL, bytes, file, DEFAULT_LIMITS);
  return tensorValue ? tensorOf(tensorValue) : sequenceValue?.tensorValues.map(tensorOf);
}

function tensorOf(proto: TensorProto): Tensor {
  return readTensor(proto, { file: "value.pb", limits: DEFAULT_LIMITS, external: new ExternalFiles(undefined, DEFAULT_LIMITS) });
}
