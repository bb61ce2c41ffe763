import type { Lowered } from "../backends/lower.ts";
import { formatBytes, table } from "../support/table.ts";

const COLUMNS = 60;
const MAX_ROWS = 40;

/** The largest buffers of the arena, one line each, with the calls during which they live. */
export function memoryChart({ memory, calls }: Lowered): string {
  const rows = [...memory.buffers].sort((a, b) => b.bytes - a.bytes || a.offset - b.offset).slice(0, MAX_ROWS);
  const scale = Math.min(1, COLUMNS / Math.max(1, calls.length));
  const bar = (from: number, to: number): string => {
    const [start, end] = [Math.floor(from * scale), Math.max(Math.floor(from * scale) + 1, Math.ceil((to + 1) * scale))];
    return " ".repeat(start) + "█".repeat(end - start);
  };
  return [
    `arena ${formatBytes(memory.plannedBytes)}, largest live set ${formatBytes(memory.lowerBoundBytes)} (${(memory.plannedBytes / Math.max(1, memory.lowerBoundBytes)).toFixed(2)}x), ${calls.length} calls`,
    table(
      [{ title: "buffer", max: 32 }, { title: "offset", align: "right" }, { title: "size", align: "right" }, { title: "alive" }],
      rows.map((b) => [b.name, b.offset, formatBytes(b.bytes), bar(b.from, b.to)]),
    ),
    ...(memory.buffers.length > rows.length ? [`… and ${memory.buffers.length - rows.length} smaller buffers (--json has all)`] : []),
  ].join("\n");
}
