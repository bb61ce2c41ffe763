import type { Op } from "../../../../ir/graph.ts";
import type { TensorType } from "../../../../ir/types.ts";
import type { OnnxEmitter } from "../emitter.ts";

/** Writes the nodes of one op and binds its results, or refuses. */
export type Writer = (to: OnnxEmitter, op: Op) => void;

export type WriterTable = Readonly<Record<string, Writer>>;

/** Writes a product of real operands: names of x, w and the bias in, that of the result out. */
export type ProductForm = (to: OnnxEmitter, op: Op, x: string, w: string, bias: string, type: TensorType) => string;
