import type { Op, Value } from "../../ir/graph.ts";
import { isStatic } from "../../ir/types.ts";
import { valueBytes } from "./accelerator-cost.ts";
import type { Accelerator, Refusal } from "./accelerator.ts";

/** Whether an accelerator can run an op; undefined: it can. What holds for all ops is asked first, then what its table says of this one. */
export function verdict(op: Op, accelerator: Accelerator): Refusal | undefined {
  const { name, accepts, dtypes, limits } = accelerator;
  const predicates = Object.hasOwn(accepts, op.name) ? accepts[op.name]! : undefined;
  if (!predicates) return { code: "op", reason: `${name} does not take ${op.name}`, found: op.name };
  const values = [...op.operands, ...op.results].filter((value): value is Value => value !== undefined);
  const open = values.find(({ type }) => !isStatic(type));
  if (open) return { code: "shape", reason: "an extent is known only when it runs, regions want numbers", hint: "bind it with --shape" };
  const foreign = values.find(({ type }) => !dtypes.includes(type.dtype));
  if (foreign) {
    const found = foreign.type.dtype;
    return { code: "dtype", reason: `a value is ${found}, ${name} takes ${dtypes.join(", ")}`, found, wanted: dtypes.join(", ") };
  }
  const weights = values.reduce((n, value) => n + (value.producer?.name === "constant" ? valueBytes(value) : 0), 0);
  if (weights > (limits.weightBytes ?? Infinity))
    return {
      code: "limit",
      reason: `it has ${weights} bytes of constants, a region takes ${limits.weightBytes}`,
      found: `${weights}`,
      wanted: `${limits.weightBytes}`,
    };
  for (const predicate of predicates) {
    const refusal = predicate(op);
    if (refusal) return refusal;
  }
  return undefined;
}
