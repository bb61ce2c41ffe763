import type { Builder } from "../../ir/builder.ts";
import { Value } from "../../ir/graph.ts";
import { constant } from "../../ir/ops/control.ts";
import { tensor } from "../../ir/tensor.ts";
import { isWide, type TensorType } from "../../ir/types.ts";
import { itemType, rowsOf } from "./open-sequences.ts";
import { broadcastTo } from "./rearrange.ts";
import { OpenOptional, OpenSequence, Sequence, type Given } from "./scope.ts";

/** What branches that give other things are brought to: a sequence as long as the branch says that runs, or an optional that may hold something. */
export type Join = { readonly kind: "rows"; readonly item: TensorType } | { readonly kind: "optional"; readonly type: TensorType };

/** How the outputs of two branches come together where they are not of one form; undefined where they are, or can't. */
export function joinsOf(then: readonly (Given | undefined)[], otherwise: readonly (Given | undefined)[]): readonly (Join | undefined)[] {
  return then.map((a, i) => {
    const b = otherwise[i];
    if (isSequence(a) && isSequence(b)) {
      if (a instanceof Sequence && b instanceof Sequence && a.items.length === b.items.length) return undefined;
      const item = itemType(a) ?? itemType(b);
      return item && { kind: "rows", item };
    }
    const held = [a, b].find((one) => one instanceof Value || one instanceof OpenOptional);
    const isOptional = [a, b].some((one) => one === "absent" || one instanceof OpenOptional);
    return held && isOptional ? { kind: "optional", type: held instanceof Value ? held.type : held.value.type } : undefined;
  });
}

/** An output of a branch brought to a join; as it is where that is not possible. */
export function joined(b: Builder, result: Given | undefined, join: Join | undefined): Given | undefined {
  if (!join || result === undefined) return result;
  if (join.kind === "rows") {
    const rows = isSequence(result) ? rowsOf(b, result, join.item) : undefined;
    return rows ? new OpenSequence(rows) : result;
  }
  const flag = (on: number): Value => b.create(constant, {}, { value: tensor("bool", [], [on]) });
  if (result instanceof Value) return new OpenOptional(result, flag(1));
  if (result !== "absent") return result;
  const { dtype, shape } = join.type;
  const nothing = b.create(constant, {}, { value: tensor(dtype, [], [dtype === "string" ? "" : isWide(dtype) ? 0n : 0]) });
  return new OpenOptional(broadcastTo(b, nothing, shape), flag(0));
}

function isSequence(given: Given | undefined): given is Sequence | OpenSequence {
  return given instanceof Sequence || given instanceof OpenSequence;
}
