import type { ModelDescription } from "../frontends/index.ts";
import type { NeoError, Note } from "../support/errors.ts";
import { table } from "../support/table.ts";
import { clean } from "./reporter.ts";

/** One thing that is in the way of compiling. */
export interface Finding {
  /** The node, or the value or dim where it is about none. */
  readonly node: string;
  readonly op?: string;
  readonly opset?: number;
  readonly code: string;
  readonly reason?: string;
  readonly text: string;
  /** The form nearest to it that is taken. */
  readonly nearest?: string;
}

/** An operator of the file; what is in the way of its nodes, if anything. */
export interface CheckedOperator {
  readonly op: string;
  readonly count: number;
  readonly supported: boolean;
  readonly nodes?: readonly string[];
  readonly reason?: string;
  readonly nearest?: string;
  readonly code?: string;
}

export function findingsOf(errors: readonly NeoError[]): Finding[] {
  return errors.flatMap(({ code, notes }) =>
    notes.map((note: Note) => ({
      node: note.where,
      ...(note.op === undefined ? {} : { op: note.op }),
      ...(note.opset === undefined ? {} : { opset: note.opset }),
      code: note.code ?? code,
      ...(note.reason === undefined ? {} : { reason: note.reason }),
      text: note.text,
      ...(note.nearest === undefined ? {} : { nearest: note.nearest }),
    })),
  );
}

export function checkedOperators({ opCounts }: ModelDescription, findings: readonly Finding[]): CheckedOperator[] {
  return Object.entries(opCounts).map(([op, count]) => {
    const of = findings.filter((finding) => finding.op === op);
    const [first] = of;
    if (!first) return { op, count, supported: true };
    const { text, nearest, code } = first;
    return { op, count, supported: false, nodes: of.map(({ node }) => node), reason: text, ...(nearest === undefined ? {} : { nearest }), code };
  });
}

const MOST_ROWS = 40;

/** What is in the way, a row each; the errors that follow say it in full. */
export function findingTable(findings: readonly Finding[], verbose: boolean): string[] {
  if (findings.length === 0) return [];
  const shown = verbose ? findings : findings.slice(0, MOST_ROWS);
  return [
    table(
      [
        { title: "in the way", max: 32 },
        { title: "operator", max: 28 },
        { title: "opset", align: "right" },
        { title: "reason" },
        { title: "nearest that is taken", max: 60 },
      ],
      shown.map(({ node, op, opset, reason, nearest }) => [clean(node), clean(op ?? ""), opset ?? "", reason ?? "", clean(nearest ?? "")]),
    ),
    ...(shown.length < findings.length ? [`… and ${findings.length - shown.length} more (--verbose)`] : []),
  ];
}
