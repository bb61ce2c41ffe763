import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseTile, cutEvenly, registersUsed } from "../../../src/backends/schedules/tile.ts";
import { target } from "../../executors/targets.ts";

test("cuts cover everything once, in pieces that differ by at most one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 40 }), (n, max) => {
      const cuts = cutEvenly(n, max);
      const pieces = cuts.flatMap((cut) => Array.from({ length: cut.count }, (_, i) => ({ start: cut.start + i * cut.size, size: cut.size })));
      expect(pieces.reduce((end, piece) => (expect(piece.start).toBe(end), end + piece.size), 0)).toBe(n);
      const sizes = pieces.map((piece) => piece.size);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(max);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      expect(pieces.length).toBe(Math.ceil(n / max));
    }),
  );
});

describe.each(["x86-64-v2", "x86-64-v3", "x86-64-v4", "arm64", "armv7", "riscv64", "wasm"])("tiles of %s", (name) => {
  const profile = target(name);

  test("fit into the registers", () => {
    const size = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 40 }), fc.constantFrom(1, 2), fc.integer({ min: 1, max: 5000 }), (rows, cols, groups, quantum, k) => {
        const tile = chooseTile({ rows, cols, units: groups * quantum, quantum, k }, profile);
        expect(registersUsed(tile.rows * tile.cols, tile.nv, tile.sets, tile.unroll, profile)).toBeLessThanOrEqual(profile.registers);
        expect(tile.unroll % tile.sets).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test("of large problems are the ones the profile prefers", () => {
    const { rows, cols, nv } = chooseTile({ rows: 60, cols: 60, units: 24, quantum: 1, k: 576 }, profile);
    expect(profile.tiles).toContainEqual([rows * cols, nv]);
  });
});
