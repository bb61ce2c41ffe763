import type { Kernel, Stmt, Trips } from "./kernel.ts";

/** A statement of a body whose cursors move by statements of their own. */
export type AdvancedStmt =
  | Exclude<Stmt, { kind: "for" }>
  | {
      readonly kind: "for";
      readonly name: string;
      readonly trips: Trips;
      readonly mode: "serial" | "unrolled" | "parallel";
      readonly body: readonly AdvancedStmt[];
    }
  /** Moves a cursor by `by` elements, or by `by` for each of `times`. */
  | { readonly kind: "advance"; readonly cursor: string; readonly by: number; readonly times?: Trips };

/**
 * The body of a kernel as it is printed: cursors advance at the end of each iteration and are rewound behind the loop. A rewind at
 * the end of a body joins the advance of that body's loop; the last rewinds of a kernel are left out.
 */
export function withAdvances(kernel: Kernel): readonly AdvancedStmt[] {
  return advanceBody(kernel, kernel.body, undefined);
}

type For = Extract<Stmt, { kind: "for" }>;

function advanceBody(kernel: Kernel, body: readonly Stmt[], loop: For | undefined): AdvancedStmt[] {
  const out: AdvancedStmt[] = [];
  let constant = new Map<string, number>();
  let dynamic: AdvancedStmt[] = [];
  const move = (cursor: string, by: number): void => void constant.set(cursor, (constant.get(cursor) ?? 0) + by);
  const flush = (): void => {
    for (const [cursor, by] of constant) if (by !== 0) out.push({ kind: "advance", cursor, by });
    out.push(...dynamic);
    constant = new Map();
    dynamic = [];
  };
  for (const stmt of body) {
    flush();
    if (stmt.kind !== "for") {
      out.push(stmt);
      continue;
    }
    out.push({ ...stmt, body: advanceBody(kernel, stmt.body, stmt) });
    for (const [cursor, { steps }] of Object.entries(kernel.cursors)) {
      const step = steps[stmt.name] ?? 0;
      if (step === 0) continue;
      if (typeof stmt.trips === "number") move(cursor, -step * stmt.trips);
      else dynamic.push({ kind: "advance", cursor, by: -step, times: stmt.trips });
    }
  }
  if (!loop) return out;
  for (const [cursor, { steps }] of Object.entries(kernel.cursors)) if (steps[loop.name]) move(cursor, steps[loop.name]!);
  flush();
  return out;
}
