import type { KernelBuilder, Term } from "../../kernel/build.ts";

/**
 * Rows of a square tile to its columns. Within quarters of 128 bits this is the unpack-and-move of 4x4; quarters are then swapped
 * as elements of a smaller square. Each shuffle is one instruction.
 */
export function transposeTile(b: KernelBuilder, rows: readonly Term[]): Term[] {
  const lanes = rows.length;
  const quarter = Math.min(4, lanes);
  let tile = [...rows];
  const pick = (first: Term, second: Term, lane: (block: number, within: number) => number): Term =>
    b.let(
      "t",
      b.op(
        "shuffle",
        first.type,
        [first, second],
        Array.from({ length: lanes }, (_, i) => lane(i - (i % quarter), i % quarter)),
      ),
    );

  for (let half = 1; half < quarter; half *= 2) {
    const next = [...tile];
    for (let at = 0; at < lanes; at += quarter) {
      if (half === 1) {
        // a0 b0 a1 b1 | a2 b2 a3 b3 of rows 0, 1 and of rows 2, 3.
        for (let pair = 0; pair < quarter; pair += 2) {
          const [first, second] = [tile[at + pair]!, tile[at + pair + 1]!];
          const unpack = (high: number) => pick(first, second, (block, i) => block + (i >> 1) + high + (i & 1 ? lanes : 0));
          next[at + pair] = unpack(0);
          next[at + pair + 1] = unpack(quarter / 2);
        }
      } else {
        // Low and high halves of both pairs side by side: columns.
        const [low, high, low2, high2] = [tile[at]!, tile[at + 1]!, tile[at + 2]!, tile[at + 3]!];
        const join = (first: Term, second: Term, part: number) => pick(first, second, (block, i) => block + part + (i & 1) + (i & 2 ? lanes : 0));
        next[at] = join(low, low2, 0);
        next[at + 1] = join(low, low2, 2);
        next[at + 2] = join(high, high2, 0);
        next[at + 3] = join(high, high2, 2);
      }
    }
    tile = next;
  }
  for (let distance = quarter; distance < lanes; distance *= 2) {
    const next = [...tile];
    for (let row = 0; row < lanes; row++) {
      if (row & distance) continue;
      const [first, second] = [tile[row]!, tile[row + distance]!];
      const swap = (from: number) =>
        b.let(
          "t",
          b.op(
            "shuffle",
            first.type,
            [first, second],
            Array.from({ length: lanes }, (_, i) => (i & distance ? lanes : 0) + ((i & ~distance) | from)),
          ),
        );
      next[row] = swap(0);
      next[row + distance] = swap(distance);
    }
    tile = next;
  }
  return tile;
}
