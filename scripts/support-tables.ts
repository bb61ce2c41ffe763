import { isLowered } from "../src/backends/lower.ts";
import { FRONTENDS } from "../src/frontends/index.ts";
import { OPS } from "../src/ir/ops/index.ts";
import { readTargetFile, targetNames } from "../src/support/node/target-files.ts";
import { loadTarget } from "../src/target/load.ts";

/** The text of docs/support.md. */
export function supportTables(): string {
  const targets = targetNames().map((name) => loadTarget(name, { read: readTargetFile, names: targetNames() }));
  return [
    "# What is supported",
    "",
    "Written by `npm run tables` from the records themselves.",
    ...FRONTENDS.flatMap(({ name, operators }) => {
      const list = operators();
      if (list.length === 0) return []; // text of graphs has ops, listed below
      return ["", `## Operators of ${name}: ${list.length}`, "", "| domain | operators (since opset) |", "|---|---|", ...byDomain(list)];
    }),
    "",
    `## Ops of the graph: ${OPS.length}`,
    "",
    "| op | operands | on the CPU | meaning |",
    "|---|---|---|---|",
    ...OPS.map(
      (def) =>
        `| ${def.name} | ${(def.operands as readonly string[]).join(", ")} | ${isLowered({ name: def.name, def }) ? "yes" : "interpreter only"} | ${def.summary.replaceAll("|", "\\|")} |`,
    ),
    "",
    "## Targets",
    "",
    "| target | code | system | processor | vectors | needs | summary |",
    "|---|---|---|---|---|---|---|",
    ...targets.map((t) => `| ${t.name} | ${t.kind} | ${t.os} | ${t.arch} | ${t.vectorBytes * 8} bit | ${t.cpuFeatures.join(" ") || "–"} | ${t.summary} |`),
    "",
  ].join("\n");
}

function byDomain(list: readonly { readonly domain: string; readonly name: string; readonly since: number }[]): string[] {
  const domains = [...new Set(list.map((op) => op.domain))];
  return domains.map(
    (domain) =>
      `| ${domain || "ai.onnx"} | ${list
        .filter((op) => op.domain === domain)
        .map((op) => `${op.name} ${op.since}`)
        .join(", ")} |`,
  );
}
