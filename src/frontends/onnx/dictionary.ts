import type { Builder } from "../../ir/builder.ts";
import type { AttrSchema } from "../../ir/attr.ts";
import type { Op, Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import { gather } from "../../ir/ops/gather.ts";
import { broadcast, reshape, reverse, slice, transpose } from "../../ir/ops/movement.ts";
import type { AnyOpDef, OpDef } from "../../ir/op-def.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { WordInputs } from "./word-inputs.ts";

/**
 * Strings in code are looked up at run time, where they can't be before. A string tensor whose elements are picked from a constant list is that list and the indices into it:
 * classes of a classifier, categories of an encoder, and inputs that encoders read.
 */
export interface Dictionary {
  readonly words: readonly string[];
  /** Whole numbers, shaped as the strings are. */
  readonly indices: Value;
  /** Indices behind the end stand for words that the list has not. */
  readonly isOpen: boolean;
}

/** Words that the reader of a tensor knows, and the inputs whose lists may grow by them. */
export interface Asked {
  readonly inputs: WordInputs;
  readonly words: readonly string[];
}

/** Ops that move elements and whose one tensor is `x`. */
const MOVES: readonly AnyOpDef[] = [reshape, transpose, broadcast, slice, reverse];

/** `value`, a string tensor, by its dictionary; undefined where its words are not known before it runs. Makes ops that pick indices. */
export function dictionaryOf(b: Builder, value: Value, asked: Asked | undefined): Dictionary | undefined {
  const op = value.producer;
  if (!op) {
    const input = asked?.inputs.ask(value, asked.words);
    return input && { words: [...input.words], indices: input.indices, isOpen: true };
  }
  if (op.def === gather) return gathered(op);
  const move = MOVES.find((def) => def === op.def);
  const inner = move && dictionaryOf(b, op.operand("x")!, asked);
  return inner && { ...inner, indices: b.create(move as OpDef<readonly ["x"], AttrSchema>, { x: inner.indices }, op.attrs) };
}

function gathered(op: Op): Dictionary | undefined {
  const list = op.operand("x")?.producer;
  const value = list?.def === constant ? (list.attrs["value"] as Tensor) : undefined;
  return value?.type.dtype === "string" && value.type.shape.length === 1
    ? { words: value.data as readonly string[], indices: op.operand("indices")!, isOpen: false }
    : undefined;
}
