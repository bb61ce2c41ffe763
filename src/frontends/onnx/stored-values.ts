import type { Value } from "../../ir/graph.ts";
import { domainOf } from "./library.ts";
import type { NodeProto } from "./schema.ts";
import type { StoredType } from "./stored-types.ts";

/** Operators that read codes as what they stand for. */
const AWARE: ReadonlySet<string> = new Set(["Cast", "CastLike", "DequantizeLinear", "QuantizeLinear"]);

/** Operators that move elements of their first operand, whatever they are. */
const MOVERS: ReadonlySet<string> = new Set([
  "Concat",
  "DepthToSpace",
  "Expand",
  "Flatten",
  "Gather",
  "GatherElements",
  "GatherND",
  "Identity",
  "Reshape",
  "Slice",
  "SpaceToDepth",
  "Split",
  "Squeeze",
  "Tile",
  "Transpose",
  "Unsqueeze",
]);

/** Operators that look at the shape alone. */
const SHAPES: ReadonlySet<string> = new Set(["Shape", "Size"]);

/** Which values of a graph are codes, and of what type. Nobody computes with codes as if they were numbers. */
export class StoredValues {
  private readonly types = new Map<Value, StoredType>();

  of(value: Value | undefined): StoredType | undefined {
    return value && this.types.get(value);
  }

  mark(value: Value, type: StoredType | undefined): Value {
    if (type) this.types.set(value, type);
    return value;
  }

  /** The type that the results of a node have as it moves its operands; "refused" where it would compute with codes. */
  moved(node: NodeProto, operands: readonly (Value | undefined)[]): StoredType | "refused" | undefined {
    const type = operands.map((operand) => this.of(operand)).find((found) => found !== undefined);
    const operator = domainOf(node.domain) === "" ? (node.opType ?? "") : "";
    if (!type || AWARE.has(operator) || SHAPES.has(operator)) return undefined;
    return MOVERS.has(operator) ? type : "refused";
  }
}
