import { NeoError } from "../support/errors.ts";
import { table } from "../support/table.ts";
import type { OptionSpec, OptionValues } from "./command.ts";

/** Nodes of steps of the host, by the function that does them. */
export type HostOps = Readonly<Record<string, readonly string[]>>;

export const FALLBACK_OPTION: OptionSpec = {
  flags: "--no-fallback",
  text: "exit 3 if anything runs in steps of the host instead of code, or on the CPU instead of the accelerators asked for",
};

export function hostNodes(hostOps: HostOps): readonly string[] {
  return Object.values(hostOps).flat();
}

/** What does not run as code, as a table with its share of the ops; no lines where all is code. */
export function hostLines(hostOps: HostOps, ops: number): string[] {
  const nodes = hostNodes(hostOps);
  if (nodes.length === 0) return [];
  return [
    `${nodes.length} of ${ops} ops (${percent(nodes.length, ops)}) run in steps of the host between the code, none of the multiply-accumulates:`,
    table(
      [{ title: "function" }, { title: "ops", align: "right" }, { title: "share", align: "right" }, { title: "nodes", max: 60 }],
      Object.entries(hostOps).map(([name, of]) => [name, of.length, percent(of.length, ops), of.join(", ")]),
    ),
  ];
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

/** The error that `--no-fallback` asks for. */
export function fallbackError(hostOps: HostOps, options: OptionValues, file: string): NeoError | undefined {
  const nodes = hostNodes(hostOps);
  if (options["fallback"] !== false || nodes.length === 0) return undefined;
  return new NeoError({
    code: "NEO3101",
    message: `${nodes.length} ${nodes.length === 1 ? "op" : "ops"} of ${file} would run in steps of the host, and --no-fallback asks for code alone`,
    notes: Object.entries(hostOps).flatMap(([name, of]) => of.map((node) => ({ where: node, text: `runs as ${name}` }))),
    hint: "leave --no-fallback out, or do this before and behind the model",
  });
}
