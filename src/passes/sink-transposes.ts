import { Builder, namedOperands } from "../ir/builder.ts";
import type { Op, Value } from "../ir/graph.ts";
import { reshape, transpose } from "../ir/ops/movement.ts";
import { constantTensor } from "./constants.ts";
import type { Pass } from "./pass.ts";
import { eraseDead } from "./rewrite.ts";
import { carrierOf } from "./transpose-carriers.ts";

/**
 * Moves transposes from the operands of ops to their results, where all other operands that have the axes are transposed alike or
 * constants: f(t(a), t(b)) == t(f(a, b)), f with the axes it names renamed. Then two that meet cancel in `canonicalize`. One-use
 * operands only, so that no transpose is ever copied.
 */
export const sinkTransposes: Pass = {
  name: "sink-transposes",
  summary: "moves transposes behind elementwise ops, pads, concats and reductions so that they meet and cancel",
  run(graph) {
    let changed = false;
    const ops: Op[] = [];
    for (const op of graph.ops) {
      const moved = behind(op);
      if (moved) {
        ops.push(...moved.ops);
        graph.replaceUses(op.result, moved.value);
        changed = true;
      }
      ops.push(op);
    }
    graph.ops = ops;
    return eraseDead(graph) || changed;
  },
};

function behind(op: Op): { ops: readonly Op[]; value: Value } | undefined {
  const carrier = carrierOf(op);
  if (!carrier || op.result.uses.size === 0) return undefined;
  const inside = (carrier.carries === "all" ? op.operands : op.operands.slice(0, 1)).filter((value): value is Value => value !== undefined);
  const perm = commonPerm(inside, op);
  if (!perm || (carrier.onlyToMeet && ![...op.result.uses].every((user) => user.def === transpose))) return undefined;
  const carried = carrier.carried(op, perm);
  if (!carried) return undefined;

  const b = new Builder();
  b.loc = op.loc;
  const operands = op.operands.map((value) => (value && inside.includes(value) ? turnedBack(value, perm, b) : value));
  const inner = b.create(op.def, namedOperands(op.def, operands) as never, carried.attrs as never);
  const value = b.create(transpose, { x: inner }, { perm: carried.perm });
  return { ops: b.ops, value };
}

/** The permutation of those operands that are transposed, if they agree, only this op reads them and the rest can be turned for free. */
function commonPerm(inside: readonly Value[], op: Op): readonly number[] | undefined {
  const turned = inside.filter((value) => value.producer?.def === transpose);
  const perm = turned[0]?.producer?.attrs["perm"] as readonly number[] | undefined;
  if (!perm) return undefined;
  const rank = Math.max(...inside.map((value) => value.type.shape.length));
  const alike = turned.every((value) => JSON.stringify(value.producer!.attrs["perm"]) === JSON.stringify(perm) && value.uses.size === 1);
  const rest = inside.filter((value) => !turned.includes(value));
  const free = rest.every((value) => constantTensor(value) !== undefined || value.type.shape.every((dim) => dim === 1));
  // A scale an axis would have to move along, in ops that only some axes pass.
  const plain = inside.every((value) => (value.type.quant?.scale.length ?? 1) === 1);
  return alike && free && plain && perm.length === rank && (op.def.elementwise || rest.every((value) => value.type.shape.length === rank)) ? perm : undefined;
}

/** An operand with its axes in the order from before the transposes. */
function turnedBack(value: Value, perm: readonly number[], b: Builder): Value {
  if (value.producer?.def === transpose) return value.producer.operands[0]!;
  const shape = value.type.shape as readonly number[];
  if (shape.length === 0) return value;
  const full = b.create(reshape, { x: value }, { shape: [...new Array<number>(perm.length - shape.length).fill(1), ...shape] });
  return b.create(transpose, { x: full }, { perm: perm.map((_, axis) => perm.indexOf(axis)) });
}
