import { Builder } from "../ir/builder.ts";
import type { Graph, Op, Value } from "../ir/graph.ts";
import { returnOp } from "../ir/ops/control.ts";
import { TypeMismatch, type AnyOpDef } from "../ir/op-def.ts";
import { equalTypes } from "../ir/types.ts";
import { InternalError } from "../support/errors.ts";
import { matchAt, type Rule } from "./pattern.ts";

/** Sweeps until nothing changes; a set of rules that still changes the graph after so many is a bug of the set. */
const MAX_SWEEPS = 64;

/** Applies rules everywhere in a graph, to a fixed point. True when the graph changed. */
export function rewrite(graph: Graph, rules: readonly Rule[]): boolean {
  const byRoot = new Map<AnyOpDef, Rule[]>();
  for (const rule of rules) byRoot.set(rule.root.def, [...(byRoot.get(rule.root.def) ?? []), rule]);
  let changed = false;
  for (let sweep = 0; ; sweep++) {
    if (sweep === MAX_SWEEPS) throw new InternalError("rewrite", `rules undo each other: ${rules.map((r) => r.name).join(", ")}`);
    if (!sweepOnce(graph, byRoot)) break;
    changed = true;
  }
  return changed;
}

function sweepOnce(graph: Graph, byRoot: ReadonlyMap<AnyOpDef, readonly Rule[]>): boolean {
  let changed = false;
  const ops: Op[] = [];
  for (const op of graph.ops) {
    const replacement = isDead(op) ? undefined : firstRewrite(op, byRoot.get(op.def) ?? []);
    if (replacement) {
      ops.push(...replacement.created);
      op.results.forEach((result, i) => graph.replaceUses(result, replacement.values[i]!));
      changed = true;
    }
    ops.push(op);
  }
  graph.ops = ops;
  return eraseDead(graph) || changed;
}

function isDead(op: Op): boolean {
  return isPure(op) && op.results.every((result) => result.uses.size === 0);
}

function firstRewrite(op: Op, rules: readonly Rule[]): { created: readonly Op[]; values: readonly Value[] } | undefined {
  for (const rule of rules) {
    const match = matchAt(rule.root, op);
    if (!match) continue;
    const builder = new Builder();
    builder.loc = [...new Set([op, ...match.ops].flatMap((matched) => matched.loc))];
    const made = applyChecked(rule, () => rule.apply(match, builder));
    if (made === undefined) {
      for (const unused of builder.ops.reverse()) unused.operands.forEach((_, i) => unused.setOperand(i, undefined));
      continue;
    }
    const values = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
    op.results.forEach((result, i) => {
      const given = values[i];
      if (!given || !equalTypes(given.type, result.type))
        throw new InternalError(
          `rule ${rule.name}`,
          `result ${i} of ${op.name} has type ${JSON.stringify(result.type)}, the rule gave ${JSON.stringify(given?.type)}`,
        );
    });
    return { created: builder.ops, values };
  }
  return undefined;
}

function applyChecked<T>(rule: Rule, apply: () => T): T {
  try {
    return apply();
  } catch (error) {
    if (error instanceof TypeMismatch) throw new InternalError(`rule ${rule.name}`, error.message);
    throw error;
  }
}

/** No state is written, and nothing else done but results given, neither by the op nor in its regions. */
function isPure(op: Op): boolean {
  return op.def.pure && op.regions.every((region) => region.ops.every((inner) => inner.def === returnOp || isPure(inner)));
}

/** Erases pure ops whose results nobody reads, and what only they read. True when there were any. */
export function eraseDead(graph: Graph): boolean {
  const dead = new Set<Op>();
  for (const op of [...graph.ops].reverse()) {
    if (isPure(op) && op.results.every((result) => [...result.uses].every((user) => dead.has(user)))) dead.add(op);
  }
  if (dead.size > 0) graph.erase(dead);
  return dead.size > 0;
}
