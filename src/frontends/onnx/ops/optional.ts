import type { NodeContext } from "../context.ts";
import { since, type OperatorTable } from "./table.ts";

/** An optional is known to be there or not when a model is imported: what is there is the value itself. */
export const OPTIONAL: OperatorTable = {
  OptionalGetElement: since(15, (c) => c.need(0, "input")),
  OptionalHasElement: since(15, (c: NodeContext) => c.scalar("bool", c.operand(0) ? 1 : 0)),
};
