import type { Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import type { Tensor } from "../../ir/tensor.ts";

/** The tensor of a value that is a constant, whatever its integers are said to stand for. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  const producer = value?.producer;
  if (producer?.name === "storageCast") return constantOf(producer.operands[0]);
  return producer?.def === constant ? (producer.attrs["value"] as Tensor) : undefined;
}
