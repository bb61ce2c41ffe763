import { existsSync, readFileSync, writeFileSync } from "node:fs";

const file = new URL("RESULTS.md", import.meta.url);

/** Parts of RESULTS.md in their order; each is written by a command of its own; those of rows and of C by hand, from what the scripts in Python print. */
const PARTS = ["trees", "peers", "corpus", "networks", "rows", "c-size"] as const;

/** Replaces one part of RESULTS.md and leaves the others. */
export function writeResults(part: (typeof PARTS)[number], text: string): void {
  const held = existsSync(file) ? readFileSync(file, "utf8") : "";
  const bodies = PARTS.map((name) => (name === part ? text : partOf(held, name)));
  writeFileSync(file, ["# Results", "", ...PARTS.flatMap((name, i) => [`<!-- ${name} -->`, "", bodies[i]!.trim(), ""])].join("\n"));
}

function partOf(text: string, name: string): string {
  const start = text.indexOf(`<!-- ${name} -->`);
  if (start < 0) return "";
  const end = text.indexOf("\n<!-- ", start);
  return text.slice(text.indexOf("\n", start), end < 0 ? undefined : end);
}
