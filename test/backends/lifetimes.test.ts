import { expect, test } from "vitest";
import { requestsOf } from "../../src/backends/lifetimes.ts";
import type { OpenBuffer, OpenStep } from "../../src/backends/open-steps.ts";

const buffers = new Map<string, OpenBuffer>();
const buffer = (name: string): OpenBuffer => {
  const known = buffers.get(name) ?? { id: buffers.size, name, bytes: 8, home: { space: "arena" } as const };
  buffers.set(name, known);
  return known;
};
const call = (...names: string[]): OpenStep => ({
  kind: "call",
  kernel: "k",
  args: Object.fromEntries(names.map((name) => [name, buffer(name)])),
  parts: 1,
  info: { kernel: "k", op: "k", loc: [], macs: 0, bytes: 0 },
});

/** Whether two buffers are alive at one time. */
function meet(steps: readonly OpenStep[], a: string, b: string): boolean {
  const lives = new Map(requestsOf(steps).map((request) => [request.id, request]));
  const [x, y] = [lives.get(buffer(a).id)!, lives.get(buffer(b).id)!];
  return x.firstUse <= y.lastUse && y.firstUse <= x.lastUse;
}

test("in a straight line a buffer is alive from its first use to its last", () => {
  const steps = [call("a"), call("a", "b"), call("b", "c")];
  expect([meet(steps, "a", "b"), meet(steps, "b", "c"), meet(steps, "a", "c")]).toEqual([true, true, false]);
});

test("what a body takes from outside is alive to the end of the loop, what it makes for itself is not", () => {
  const steps: OpenStep[] = [call("taken"), { kind: "loop", trips: 3, body: [call("taken", "early"), call("early"), call("late")] }, call("after")];
  expect(meet(steps, "taken", "late")).toBe(true);
  expect(meet(steps, "early", "late")).toBe(false);
  expect(meet(steps, "taken", "after")).toBe(false);
});

test("what a body leaves is alive from the start of the loop", () => {
  const steps: OpenStep[] = [call("before"), { kind: "loop", trips: 3, body: [call("own"), call("left")] }, call("left")];
  expect(meet(steps, "own", "left")).toBe(true);
  expect(meet(steps, "before", "left")).toBe(false);
});

test("what an inner body shares with an outer one is alive as long as the inner loop only", () => {
  const inner: OpenStep = { kind: "loop", trips: 2, body: [call("shared", "x"), call("y")] };
  const steps: OpenStep[] = [{ kind: "loop", trips: 3, body: [call("first"), call("shared"), inner, call("last")] }];
  expect(meet(steps, "shared", "y")).toBe(true);
  expect([meet(steps, "shared", "first"), meet(steps, "shared", "last"), meet(steps, "x", "y")]).toEqual([false, false, false]);
});

test("the condition of a loop is read behind each turn, its trips once", () => {
  const loop: OpenStep = { kind: "loop", trips: buffer("trips"), condition: buffer("go"), body: [call("t"), call("go")] };
  const steps: OpenStep[] = [call("trips"), call("go"), loop];
  expect(meet(steps, "go", "t")).toBe(true);
  expect(meet(steps, "trips", "t")).toBe(false);
});

test("branches share memory", () => {
  const steps: OpenStep[] = [call("c"), { kind: "if", condition: buffer("c"), then: [call("t")], else: [call("e")] }];
  expect([meet(steps, "t", "e"), meet(steps, "c", "t")]).toEqual([false, false]);
});
