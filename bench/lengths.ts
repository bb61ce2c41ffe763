/**
 * What a length that is known at run time only costs: bundles compiled for a range against bundles of one fixed size, interleaved
 * run by run on one thread.
 *
 *   npx tsx bench/lengths.ts [--seconds 3] [--only mobilenetv2] [--executor native|wasm]
 */
import { parseArgs } from "node:util";
import { compile, load, type Session } from "../src/index.ts";
import { bertMini, mobilenetV2 } from "./models.ts";

const { values } = parseArgs({ options: { seconds: { type: "string" }, only: { type: "string" }, executor: { type: "string" } } });
const target = values.executor === "wasm" ? "wasm" : "host";

interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  readonly dim: string;
  readonly full: number;
  readonly shape: (length: number) => readonly number[];
}

const CASES: readonly Case[] = [
  { name: "mobilenetv2", model: mobilenetV2(true), dim: "N", full: 4, shape: (n) => [n, 3, 224, 224] },
  { name: "bert-mini", model: bertMini(4, 256, 4, 128, true), dim: "S", full: 128, shape: (s) => [1, s, 256] },
];

console.log(`| model (${target}) | length | fixed ms | open ms | open / fixed at full | fixed at this length |`);
console.log("|---|---|---|---|---|---|");
for (const one of CASES.filter(({ name }) => !values.only || name === values.only)) {
  const { full, dim } = one;
  const open = await opened(one, { low: 1, high: full, step: 1 });
  const half = Math.ceil(full / 2);
  const fixed = new Map([
    [full, await opened(one, full)],
    [half, await opened(one, half)],
  ]);
  const runs: Record<string, { readonly run: () => void; readonly times: number[] }> = {};
  const add = (name: string, session: Session, length: number): void => {
    const shape = one.shape(length);
    const data = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => ((i * 7919) % 2003) / 1001 - 1);
    const bound = session.bindSync({ input: { data, shape } });
    runs[name] = { run: () => bound.run(), times: [] };
  };
  add("fixed full", fixed.get(full)!, full);
  add("open full", open, full);
  add("fixed half", fixed.get(half)!, half);
  const opens: Session[] = [open];
  for (const length of [half, 1]) {
    opens.push(await opened(one, { low: 1, high: full, step: 1 }));
    add(`open ${length}`, opens.at(-1)!, length);
  }
  const end = performance.now() + 1000 * Number(values.seconds ?? 3);
  for (const { run } of Object.values(runs)) run();
  while (performance.now() < end) {
    for (const { run, times } of Object.values(runs)) {
      const start = performance.now();
      run();
      times.push(performance.now() - start);
    }
  }
  const at = (name: string): string => `${quantile(runs[name]!.times, 0).toFixed(3)} / ${quantile(runs[name]!.times, 0.1).toFixed(3)}`;
  const ratio = (a: string, b: string): string => [0, 0.1].map((q) => (quantile(runs[a]!.times, q) / quantile(runs[b]!.times, q)).toFixed(2)).join(" / ");
  console.log(`| ${one.name} | ${dim}=${full} | ${at("fixed full")} | ${at("open full")} | ${ratio("open full", "fixed full")} | |`);
  console.log(
    `| | ${dim}=${half} | ${at("fixed half")} | ${at(`open ${half}`)} | ${ratio(`open ${half}`, "fixed full")} | ${ratio(`open ${half}`, "fixed half")} |`,
  );
  console.log(`| | ${dim}=1 | | ${at("open 1")} | ${ratio("open 1", "fixed full")} | |`);
}

async function opened({ model, dim, name }: Case, size: number | { low: number; high: number; step: number }): Promise<Session> {
  const { bundle } = await compile(model, { fileName: `${name}.onnx`, targets: [...new Set([target, "wasm"])], bindings: [{ [dim]: size }] });
  return load(bundle, { trust: "unsigned" });
}

function quantile(times: readonly number[], q: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))]!;
}
