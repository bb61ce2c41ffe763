import type { Graph, Op, Value } from "../ir/graph.ts";
import type { TargetProfile } from "../target/profile.ts";
import { lanesOf } from "../target/profile.ts";
import type { DType } from "../ir/types.ts";
import type { Elem } from "../kernel/kernel.ts";
import { imageLayout, plainLayout, type Halo, type Layout } from "./layout.ts";
import type { Schedule, Wish } from "./schedule.ts";

/**
 * Storage element of a dtype inside the arena and at the border; 4-bit elements take a byte each in the arena, and a string is its
 * place among the texts of a run: equal ones have one place, and 0 is the empty one.
 */
export const ELEM_OF: Readonly<Record<DType, Elem>> = {
  f64: "f64",
  f32: "f32",
  f16: "u16",
  bf16: "u16",
  i64: "i64",
  u64: "i64",
  i32: "i32",
  u32: "i32",
  i16: "i16",
  u16: "u16",
  i8: "i8",
  u8: "u8",
  i4: "i8",
  u4: "u8",
  bool: "u8",
  string: "i32",
};

export function elemOf(value: Value): Elem {
  return ELEM_OF[value.type.dtype];
}

export function shapeOf(value: Value): readonly number[] {
  return value.type.shape as readonly number[];
}

export interface OpWishes {
  readonly operands: readonly Wish[];
  readonly results: readonly Wish[];
}

const PLAIN: Wish = { kind: "plain" };

export function wishesOf(op: Op, schedule: Schedule | undefined, target: TargetProfile): OpWishes {
  if (op.name === "storageCast") return { operands: [{ kind: "any", loose: true }], results: [{ kind: "any" }] };
  const given = schedule?.wishes?.(op, target);
  return {
    operands: op.operands.map((_, i) => given?.operands[i] ?? PLAIN),
    results: op.results.map((_, i) => given?.results[i] ?? PLAIN),
  };
}

/** What makes a layout: the planner of layouts decides per value, lowering builds the numbers. */
export type Form = { readonly kind: "plain" } | { readonly kind: "image"; readonly halo: Halo; readonly fill: number };

/**
 * One form per value. Ops that take any form tie their operands and results of one rank together; a tied group becomes images
 * when at least as many fixed wishes ask for images as for plain tensors. The halo of a value is the largest any reader asks for.
 */
export function assignForms(graph: Graph, wishes: ReadonlyMap<Op, OpWishes>): Map<Value, Form> {
  const parent = new Map<Value, Value>();
  const find = (value: Value): Value => {
    let root = value;
    while (parent.get(root) && parent.get(root) !== root) root = parent.get(root)!;
    parent.set(value, root);
    return root;
  };
  const votes = new Map<Value, number>();
  const ballots: [Value, number][] = [];
  for (const op of graph.ops) {
    if (op.name === "storageCast") {
      parent.set(find(op.result), find(op.operands[0]!));
      continue;
    }
    const wish = wishes.get(op)!;
    const ports: [Value | undefined, Wish][] = [
      ...op.operands.map((v, i) => [v, wish.operands[i]!] as [Value | undefined, Wish]),
      ...op.results.map((v, i) => [v, wish.results[i]!] as [Value, Wish]),
    ];
    let tied: Value | undefined;
    for (const [value, kind] of ports) {
      if (!value) continue;
      if (kind.kind === "any") {
        if (!canBeImage(value) || value.producer?.name === "constant" || !(kind.loose || matches(value, op.results[0]!))) continue;
        if (tied) parent.set(find(value), find(tied));
        tied = value;
      } else ballots.push([value, kind.kind === "image" ? 1 : -1]);
    }
  }
  for (const [value, vote] of ballots) votes.set(find(value), (votes.get(find(value)) ?? 0) + vote);
  const asked = new Set(ballots.filter(([, vote]) => vote > 0).map(([value]) => find(value)));

  const forms = new Map<Value, Form>();
  for (const value of [...graph.params, ...graph.ops.flatMap((op) => op.results)]) {
    if (value.producer?.name === "storageCast") {
      forms.set(value, forms.get(value.producer.operands[0]!)!);
      continue;
    }
    const root = find(value);
    const image =
      canBeImage(value) &&
      value.producer !== undefined &&
      value.producer.name !== "constant" &&
      asked.has(root) &&
      votes.get(root)! >= 0 &&
      producerAllows(value, wishes);
    forms.set(value, image ? { kind: "image", ...haloOf(value, wishes) } : { kind: "plain" });
  }
  return forms;
}

function canBeImage(value: Value): boolean {
  return value.type.dtype !== "string" && (value.type.shape.length === 3 || value.type.shape.length === 4);
}

/** Operands that broadcast along anything but whole axes next to the channel stay out of the tie. */
function matches(value: Value, result: Value): boolean {
  const [a, b] = [shapeOf(value), shapeOf(result)];
  return a.length === b.length && a.every((dim, i) => dim === b[i] || (dim === 1 && i !== 1));
}

function producerAllows(value: Value, wishes: ReadonlyMap<Op, OpWishes>): boolean {
  const producer = value.producer!;
  return wishes.get(producer)!.results[producer.results.indexOf(value)]!.kind !== "plain";
}

function haloOf(value: Value, wishes: ReadonlyMap<Op, OpWishes>): { halo: Halo; fill: number } {
  const halo: [number, number, number, number] = [0, 0, 0, 0];
  let fill: number | undefined;
  for (const [read, user] of readersOf(value)) {
    user.operands.forEach((operand, i) => {
      const wish = wishes.get(user)?.operands[i];
      if (operand !== read || wish?.kind !== "image" || !wish.halo.some((h) => h > 0)) return;
      fill ??= wish.fill;
      if (Object.is(wish.fill, fill)) wish.halo.forEach((h, side) => (halo[side] = Math.max(halo[side]!, h)));
    });
  }
  return { halo, fill: fill ?? 0 };
}

/** Who reads a value, also as other names of the same integers. */
function readersOf(value: Value): (readonly [Value, Op])[] {
  return [...value.uses].flatMap((user) => (user.name === "storageCast" ? readersOf(user.result) : [[value, user] as const]));
}

/** The numbers of a form on a target. */
export function layoutOf(value: Value, form: Form, target: TargetProfile): Layout {
  const elem = elemOf(value);
  if (form.kind === "plain") return plainLayout(elem, shapeOf(value));
  return imageLayout(elem, shapeOf(value), target.imageBlock, lanesOf(target), form.halo, form.fill);
}

/** True when a tensor in `layout` serves a reader that wishes `wish`. */
export function satisfies(layout: Layout, form: Form, wish: Wish): boolean {
  if (wish.kind === "any") return true;
  if (wish.kind === "plain") return form.kind === "plain";
  if (form.kind !== "image") return false;
  const [top, right, bottom, left] = wish.halo;
  const need =
    layout.shape.length === 4
      ? [
          [0, 0],
          [0, 0],
          [top, bottom],
          [left, right],
        ]
      : [
          [0, 0],
          [0, 0],
          [left, right],
        ];
  const enough = need.every(([before, after], axis) => layout.halo[axis]![0] >= before! && layout.halo[axis]![1] >= after!);
  return enough && (wish.halo.every((h) => h === 0) || Object.is(layout.fill, wish.fill));
}
