/** What the steps of a program compute, for people who look where its time goes. */
import type { Stmt } from "../kernel/kernel.ts";
import type { Program, Step } from "../kernel/program.ts";
import type { CallInfo } from "./open-steps.ts";

export interface StepNote {
  /** Of the graph; `layout` for what prepares tensors for the kernel that computes an op, `if` and `loop` for all that stands in them. */
  readonly op: string;
  /** Nodes of the model file; none for what the compiler adds. */
  readonly nodes: readonly string[];
  readonly kernels: readonly string[];
  readonly macs: number;
  /** Of all buffers that the kernels are handed. */
  readonly bytes: number;
}

/** One note a step, and one of the empty step behind them. `calls` are in the order of the text; a loop counts as often as is known to run, else once. */
export function stepNotes(program: Program, calls: readonly CallInfo[]): StepNote[] {
  const notes = callNotes(calls, new Map(program.kernels.map((kernel) => [kernel.name, multiplications(kernel.body)])));
  let next = 0;
  const noteOf = (step: Step): StepNote => {
    switch (step.kind) {
      case "call":
        return notes[next++]!;
      case "if": {
        const [then, otherwise] = [step.then.map(noteOf), step.else.map(noteOf)];
        return together("if", [...then, ...otherwise], 1);
      }
      case "loop":
        return together("loop", step.body.map(noteOf), typeof step.trips === "number" ? step.trips : 1);
      default:
        return { op: step.name, nodes: [], kernels: [], macs: 0, bytes: 0 };
    }
  };
  return [...program.steps.map(noteOf), { op: "", nodes: [], kernels: [], macs: 0, bytes: 0 }];
}

/** Of several calls for one op the one that multiplies most computes it. */
function callNotes(calls: readonly CallInfo[], work: ReadonlyMap<string, number>): StepNote[] {
  const notes: StepNote[] = [];
  for (let from = 0; from < calls.length;) {
    let to = from + 1;
    while (to < calls.length && calls[to]!.op === calls[from]!.op && calls[to]!.loc === calls[from]!.loc) to++;
    const group = calls.slice(from, to);
    const most = Math.max(...group.map(({ kernel }) => work.get(kernel)!));
    const main = group.findLastIndex(({ kernel }) => work.get(kernel) === most);
    for (const [i, { op, loc, kernel, macs, bytes }] of group.entries())
      notes.push({ op: i === main || macs === 0 ? op : "layout", nodes: loc, kernels: [kernel], macs: i === main ? macs : 0, bytes });
    from = to;
  }
  return notes;
}

/** How often a kernel multiplies, lane by lane; loops whose end a run tells count once. */
function multiplications(body: readonly Stmt[]): number {
  return body.reduce(
    (n, stmt) => n + (stmt.kind === "for" ? (typeof stmt.trips === "number" ? stmt.trips : 1) * multiplications(stmt.body) : inStatement(stmt)),
    0,
  );
}

function inStatement(stmt: Stmt): number {
  let count = 0;
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { op, type } = value as { readonly op?: unknown; readonly type?: { readonly lanes?: number } };
    if (op === "madd" || op === "mul" || op === "dot2") count += type?.lanes ?? 1;
    Object.values(value).forEach(walk);
  };
  walk(stmt);
  return count;
}

function together(op: string, notes: readonly StepNote[], times: number): StepNote {
  const sum = (pick: (note: StepNote) => number): number => times * notes.reduce((n, note) => n + pick(note), 0);
  const distinct = (pick: (note: StepNote) => readonly string[]): string[] => [...new Set(notes.flatMap(pick))];
  return { op, nodes: distinct((n) => n.nodes), kernels: distinct((n) => n.kernels), macs: sum((n) => n.macs), bytes: sum((n) => n.bytes) };
}
