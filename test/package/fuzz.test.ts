import fc from "fast-check";
import { expect, test } from "vitest";
import { examineBundle } from "../../src/package/read-bundle.ts";
import { nodeCrypto as crypto } from "../../src/support/node/crypto.ts";
import { fuzzBundleReader } from "./fuzz-bundle.ts";

test("damaged bundles are answered by an error, whatever is damaged", { timeout: 120_000 }, () => {
  const { runs, parsed, taken } = fuzzBundleReader({ seed: 1, runs: 1500 });
  expect(runs).toBe(1500);
  expect(parsed).toBeGreaterThan(500);
  // Some fields may change without harm where nobody signed: names, versions, tolerances.
  expect(taken).toBeGreaterThan(0);
});

test("any bytes are answered by an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => examineBundle(bytes, { trust: "unsigned", crypto }).error?.code === "NEO5000"),
    { seed: 4 },
  );
});
