import { table } from "../support/table.ts";
import type { NodeDifference } from "./compare-layers.ts";
import { short } from "./compare-limits.ts";
import { clean } from "./reporter.ts";
import type { TensorDifference } from "./tensor-difference.ts";

const COLUMNS = ["elements", "max abs", "max rel", "rmse", "cosine", "SQNR dB"];

export function outputTable(outputs: readonly TensorDifference[]): string {
  const top = outputs.some((d) => d.topk) ? `top ${outputs.find((d) => d.topk)!.topk!.k}` : "top";
  return table(
    [{ title: "output", max: 40 }, ...[...COLUMNS, top].map((title) => ({ title, align: "right" as const }))],
    outputs.map((d) => [d.name, ...figures(d), d.topk ? `${d.topk.equalRows}/${d.topk.rows}` : d.topEqual ? "same" : "differs"]),
  );
}

/** What would just accept each output. */
export function requirements(outputs: readonly TensorDifference[]): string[] {
  return outputs
    .filter((d) => d.maxAbs > 0)
    .map((d) => `${clean(d.name)} needs --max-abs ${above(d.requiredTolerance)} or --max-rel ${above(d.maxRel)}; largest error at ${placeOf(d)}`);
}

/** Where the error is largest, with both numbers. */
export function placeOf({ worst }: TensorDifference): string {
  return worst ? `[${worst.index.join(", ")}]: found ${worst.found}, wanted ${worst.wanted}` : "no single place";
}

const MOST_ROWS = 40;

/** All values in the order of the graph, or the worst of them where they are many. */
export function nodeTable(nodes: readonly NodeDifference[], verbose: boolean): string {
  const all = verbose || nodes.length <= MOST_ROWS;
  const worst = new Set(nodes.toSorted((a, b) => Number(b.bad) - Number(a.bad) || b.ratio - a.ratio).slice(0, MOST_ROWS));
  const rows = all ? nodes : nodes.filter((node) => worst.has(node));
  return [
    table(
      [{ title: "node", max: 40 }, { title: "op" }, ...COLUMNS.map((title) => ({ title, align: "right" as const })), { title: "" }],
      rows.map((node) => [node.node, node.op, ...figures(node), node.bad ? "bad" : ""]),
    ),
    ...(all ? [] : [`the worst ${MOST_ROWS} of ${nodes.length} values (--verbose shows all)`]),
  ].join("\n");
}

function figures(d: TensorDifference): (string | number)[] {
  return [d.elements, short(d.maxAbs), short(d.maxRel), short(d.rmse), d.cosine.toFixed(6), Number.isFinite(d.sqnrDb) ? d.sqnrDb.toFixed(1) : "inf"];
}

/** Three digits, rounded up: as a limit, it holds. */
function above(x: number): string {
  if (!Number.isFinite(x) || x === 0) return String(x);
  const unit = 10 ** (Math.floor(Math.log10(x)) - 2);
  return (Math.ceil(x / unit) * unit * (1 + 1e-12)).toExponential(2);
}
