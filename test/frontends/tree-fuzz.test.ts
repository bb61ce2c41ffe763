import { expect, test } from "vitest";
import { fuzzTrees } from "../fuzz/fuzz-trees.ts";

test.each(["xgboost", "lightgbm", "catboost"] as const)("%s: whatever is done to a file, it is imported or refused", { timeout: 180_000 }, (kind) => {
  const { runs, imported, codes } = fuzzTrees(kind, { seed: 7, runs: 1500, milliseconds: 120_000 });
  expect(runs).toBeGreaterThan(100);
  expect(imported).toBeGreaterThan(runs / 50);
  // Damage of many kinds is met, not one check in front of all others.
  expect(Object.keys(codes).length).toBeGreaterThan(3);
});
