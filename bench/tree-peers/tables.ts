export interface Line {
  readonly model: string;
  readonly contender: string;
  /** Contenders of one run were interleaved. */
  readonly run: number;
  readonly batch: number;
  /** Nanoseconds a row. */
  readonly min: number;
  readonly p10: number;
  readonly median: number;
  /** Against the trainer's own raw scores: the largest difference, and how many are other numbers. */
  readonly error: number;
  readonly other: number;
}

const ns = (x: number): string => (x < 1000 ? x.toFixed(0) : x.toLocaleString("en-US", { maximumFractionDigits: 0 }));

/** How many times as fast neo is as a peer in the same run, by minima. */
function leadOver(lines: readonly Line[], peer: Line): number {
  const own = lines.find((line) => line.contender === "neo" && line.model === peer.model && line.batch === peer.batch && line.run === peer.run)!;
  return peer.min / own.min;
}

/** The smallest lead by model and batch, then that over each peer. */
export function leadTable(lines: readonly Line[]): string {
  const models = [...new Set(lines.map(({ model }) => model))];
  const batches = [...new Set(lines.map(({ batch }) => batch))];
  const peers = [...new Set(lines.map(({ contender }) => contender))].filter((name) => name !== "neo");
  const cells = (make: (model: string, batch: number) => string): string =>
    models.map((model) => batches.map((batch) => make(model, batch)).join(" / ")).join(" | ");
  const leads = (model: string, batch: number): readonly { readonly lead: number; readonly peer: string }[] =>
    lines
      .filter((line) => line.model === model && line.batch === batch && line.contender !== "neo")
      .map((line) => ({ lead: leadOver(lines, line), peer: line.contender }))
      .sort((a, b) => a.lead - b.lead);
  const times = (lead: number | undefined): string => (lead === undefined ? "–" : `${lead.toFixed(1)}x`);
  return [
    `| lead over | ${models.join(" | ")} |`,
    `|---|${models.map(() => "---|").join("")}`,
    `| **the fastest peer** | ${cells((model, batch) => `**${times(leads(model, batch)[0]?.lead)}**`)} |`,
    `| which is | ${cells((model, batch) => leads(model, batch)[0]?.peer.replace(/-[\d.]+/, "") ?? "–")} |`,
    ...peers.map((peer) => `| ${peer} | ${cells((model, batch) => times(leads(model, batch).find((other) => other.peer === peer)?.lead))} |`),
  ].join("\n");
}

/** Nanoseconds a row, minimum and median. */
export function timesTable(lines: readonly Line[]): string {
  const rows = lines.filter(({ contender, run }) => contender !== "neo" || run === 0);
  const groups = new Map<string, Line[]>();
  for (const line of rows) groups.set(`${line.model} ${line.contender}`, [...(groups.get(`${line.model} ${line.contender}`) ?? []), line]);
  return [
    "| model | | 1 row: ns a row, min (median) | 100 rows | 1,000 rows | largest error | other bits |",
    "|---|---|---|---|---|---|---|",
    ...[...groups.values()].map((group) => {
      const [first] = group as [Line];
      const largest = Math.max(...group.map(({ error }) => error));
      return `| ${[first.model, first.contender, ...group.map(({ median, min }) => `${ns(min)} (${ns(median)})`), largest.toExponential(1), Math.max(...group.map(({ other }) => other))].join(" | ")} |`;
    }),
  ].join("\n");
}

/** A compiled form of a model; bytes. */
export interface Size {
  readonly model: string;
  readonly rows: number;
  readonly nodes: number;
  readonly data: number;
  readonly object: number;
  readonly source: number;
  readonly milliseconds: number;
  readonly wasm: number;
  /** What code of the peers that make code takes. */
  readonly peers: Readonly<Record<string, { readonly seconds: number; readonly text: number; readonly source?: number }>>;
}

export function sizesTable(sizes: readonly Size[]): string {
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KB`;
  return [
    "| model | rows a call | nodes | data | a node | code | native | WebAssembly | tl2cgen: code, time | lleaves: code, time |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...sizes.map(({ model, rows, nodes, data, object, milliseconds, wasm, peers }) => {
      const told = (of: string): string => (peers[of] ? `${kilobytes(peers[of].text)}, ${peers[of].seconds.toFixed(0)} s` : "–");
      const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
      return `| ${[model, rows, nodes, kilobytes(data), `${(data / nodes).toFixed(1)} B`, kilobytes(object), seconds(milliseconds), seconds(wasm), told("tl2cgen1"), told("lleaves")].join(" | ")} |`;
    }),
  ].join("\n");
}
