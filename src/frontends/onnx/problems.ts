import { NeoError, type ErrorCode, type Note, type NoteReason } from "../../support/errors.ts";
import { Remarks } from "./remarks.ts";

/** Kinds of findings about a model, most fundamental first; each is one error code. */
const KINDS = {
  structure: {
    reason: "structure",
    code: "NEO2002",
    says: (n: number, file: string) => `${count(n, "place")} in ${file} ${n === 1 ? "breaks" : "break"} the rules of ONNX`,
    hint: "check the file with `onnx.checker.check_model`, or export it again",
  },
  type: {
    reason: "dtype",
    code: "NEO2008",
    says: (n: number, file: string) => `${count(n, "tensor")} of ${file} ${n === 1 ? "has" : "have"} a type that neo has not`,
    hint: "export the model with float32, float16, bfloat16 or integer tensors",
  },
  tensor: {
    reason: "constant",
    code: "NEO2007",
    says: (n: number, file: string) => `${count(n, "constant")} of ${file} can't be read`,
    hint: "export the model again together with its weights",
  },
  external: {
    reason: "constant",
    code: "NEO2011",
    says: (n: number, file: string) => `${count(n, "constant")} of ${file} ${n === 1 ? "lies" : "lie"} in an outside file that may not be read`,
    hint: "outside files must lie beside the model or below it",
  },
  operator: {
    reason: "operator",
    code: "NEO2004",
    says: (n: number, file: string, opset: string) =>
      `${count(n, "node")} of ${file} ${n === 1 ? "uses an operator that has" : "use operators that have"} no importer (${opset})`,
    hint: "`neo ops --frontend onnx` lists those that do",
  },
  binding: {
    reason: "binding",
    code: "NEO2010",
    says: (n: number, file: string) => `${count(n, "given size or value", "given sizes or values")} ${n === 1 ? "does" : "do"} not fit ${file}`,
    hint: "`neo inspect` lists the inputs and their dims",
  },
  dim: {
    reason: "dim",
    code: "NEO2003",
    says: (n: number, file: string) => `${count(n, "dim")} of ${file} ${n === 1 ? "has" : "have"} no size`,
    hint: "give sizes with `--shape`",
  },
  dataDependent: {
    reason: "length",
    code: "NEO2006",
    says: (n: number, file: string) =>
      `${count(n, "node")} of ${file} ${n === 1 ? "needs a size" : "need sizes"} that only ${n === 1 ? "its" : "their"} data tell`,
    hint: "make the input that decides it a constant with `--set`, or cut the model before the node",
  },
  node: {
    reason: undefined,
    code: "NEO2005",
    says: (n: number, file: string) => `${count(n, "node")} of ${file} can't be imported`,
    hint: "change these nodes in the source framework, or cut the model before them",
  },
} as const satisfies Record<
  string,
  { reason: NoteReason | undefined; code: ErrorCode; says: (n: number, file: string, opset: string) => string; hint: string }
>;

export type ProblemKind = keyof typeof KINDS;

export interface ProblemDetail extends Pick<Note, "op" | "opset" | "reason" | "nearest"> {
  /** Instead of the hint of its kind. */
  readonly hint?: string | undefined;
  readonly awsName?: string | undefined;
}

interface Problem extends Note, ProblemDetail {}

/** Problems by kind. */
export type Found = Map<ProblemKind, { count: number; shown: Problem[] }>;

/** Notes that one error carries; more of them tell a reader nothing new. */
const MOST_NOTES = 1000;

/** Everything that is wrong with a file, collected; one error in the end. */
export class Problems {
  private readonly file: string;
  private found: Found = new Map();
  /** "opset 17", as the error about operators says it. */
  opset = "no opset";
  /** What is to be said and is no problem. */
  readonly remarks = new Remarks();

  constructor(file: string) {
    this.file = file;
  }

  add(kind: ProblemKind, where: string, text: string, detail: ProblemDetail = {}): void {
    let group = this.found.get(kind);
    if (!group) this.found.set(kind, (group = { count: 0, shown: [] }));
    group.count++;
    const nearest = detail.nearest === undefined ? {} : { nearest: printable(detail.nearest) };
    if (group.shown.length < MOST_NOTES) group.shown.push({ where: printable(where), text: printable(text), ...detail, ...nearest });
  }

  /** Runs `attempt` and keeps what it adds apart, to be taken or forgotten. */
  apart<T>(attempt: () => T): { readonly result: T; readonly added: Found } {
    const outer = this.found;
    const added: Found = new Map();
    this.found = added;
    try {
      return { result: attempt(), added };
    } finally {
      this.found = outer;
    }
  }

  take(added: Found): void {
    for (const [kind, { count, shown }] of added) {
      shown.forEach(({ where, text, ...detail }) => this.add(kind, where, text, detail));
      this.found.get(kind)!.count += count - shown.length;
    }
  }

  /** Takes what is not known yet; of a place inside a function, where the function's own is known. */
  takeNew(added: Found): void {
    const isKnown = (kind: ProblemKind, { where, text }: Problem): boolean =>
      (this.found.get(kind)?.shown ?? []).some((known) => known.text === text && (known.where === where || where.endsWith(`/${known.where}`)));
    const fresh = [...added].map(([kind, { shown }]) => [kind, shown.filter((problem) => !isKnown(kind, problem))] as const);
    for (const [kind, shown] of fresh) for (const { where, text, ...detail } of shown) this.add(kind, where, text, detail);
  }

  /** Those that `test` holds for. */
  where(test: (kind: ProblemKind, problem: Problem) => boolean): Found {
    const kept = [...this.found].map(([kind, { shown }]) => [kind, shown.filter((problem) => test(kind, problem))] as const);
    return new Map(kept.filter(([, shown]) => shown.length > 0).map(([kind, shown]) => [kind, { count: shown.length, shown }]));
  }

  has(kind: ProblemKind, { where, text }: Problem): boolean {
    return this.found.get(kind)?.shown.some((known) => known.where === where && known.text === text) ?? false;
  }

  /** What problems of a kind are about. */
  places(kind: ProblemKind): readonly string[] {
    return this.found.get(kind)?.shown.map(({ where }) => where) ?? [];
  }

  get any(): boolean {
    return this.found.size > 0;
  }

  throwIfAny(): void {
    const kinds = (Object.keys(KINDS) as ProblemKind[]).filter((kind) => this.found.has(kind));
    const [first] = kinds;
    if (first === undefined) return;
    const problems = kinds.flatMap((kind) => this.found.get(kind)!.shown);
    const notes = kinds.flatMap((kind) => this.found.get(kind)!.shown.map((problem) => noteOf(kind, problem)));
    const awsName = problems.find((problem) => problem.awsName)?.awsName ?? (first === "operator" ? "OperatorNotImplemented" : undefined);
    throw new NeoError({
      code: KINDS[first].code,
      message: kinds.map((kind) => KINDS[kind].says(this.found.get(kind)!.count, this.file, this.opset)).join("; "),
      notes,
      hint: this.found.get(first)!.shown.find((problem) => problem.hint)?.hint ?? KINDS[first].hint,
      file: this.file,
      ...(awsName ? { awsName } : {}),
    });
  }
}

function noteOf(kind: ProblemKind, problem: Problem): Note {
  const { where, text, op, opset } = problem;
  return { where, text, op, opset, reason: problem.reason ?? KINDS[kind].reason, nearest: problem.nearest ?? nearestOf(kind, problem), code: KINDS[kind].code };
}

/** What is taken instead, where the finding itself does not say it. */
function nearestOf(kind: ProblemKind, { where, hint }: Problem): string | undefined {
  if (kind === "operator") return "an operator of `neo ops --frontend onnx`, or a function of this name in the file";
  if (kind === "dim") return hint?.includes("whole shape") === true ? hint : `a size: \`--shape ${where}=1\``;
  return kind === "dataDependent" ? (hint ?? KINDS.dataDependent.hint) : undefined;
}

/** "1 node", "3 nodes". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Text from a file as a message may hold it: no control characters, at most 200 characters. */
export function printable(text: string): string {
  const clean = text.slice(0, 400).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}
