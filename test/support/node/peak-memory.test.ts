import { expect, test } from "vitest";
import { forgetPeak, peakMemory } from "../../../src/support/node/peak-memory.ts";

test("the peak holds what was given back, until it is forgotten", () => {
  forgetPeak();
  const before = peakMemory();
  let block: Uint8Array | undefined = new Uint8Array(96 << 20).fill(1);
  const during = peakMemory();
  expect(block[5]).toBe(1);
  block = undefined;
  expect(during.bytes - before.bytes).toBeGreaterThan(before.since === "reset" ? 80 << 20 : -1);
  expect(peakMemory().bytes).toBeGreaterThanOrEqual(during.bytes);
  expect(before.since).toBe(process.platform === "linux" ? "reset" : "start");
});
