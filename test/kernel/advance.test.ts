import { describe, expect, test } from "vitest";
import { withAdvances, type AdvancedStmt } from "../../src/kernel/advance.ts";
import { KernelBuilder, scalar } from "../../src/kernel/build.ts";
import type { Kernel, Stmt, Trips } from "../../src/kernel/kernel.ts";
import { simplify } from "../../src/kernel/simplify.ts";
import { accessesOf } from "../../src/kernel/walk.ts";
import { randomKernel } from "./random-kernel.ts";

const N = 2;

function tripsOf(trips: Trips): number {
  return typeof trips === "number" ? trips : Math.ceil(N / trips.per);
}

/** Where each access of a run lands, by what the records say. */
function addressesOf(kernel: Kernel): string[] {
  const seen: string[] = [];
  const at = Object.fromEntries(Object.entries(kernel.cursors).map(([name, cursor]) => [name, cursor.base]));
  const move = (loop: string, times: number): void => {
    for (const [name, cursor] of Object.entries(kernel.cursors)) at[name]! += (cursor.steps[loop] ?? 0) * times;
  };
  const run = (body: readonly Stmt[]): void => {
    for (const stmt of body) {
      if (stmt.kind === "for") {
        const trips = tripsOf(stmt.trips);
        for (let i = 0; i < trips; i++, move(stmt.name, 1)) run(stmt.body);
        move(stmt.name, -trips);
      } else for (const access of accessesOf(stmt)) seen.push(`${access.at.cursor} ${at[access.at.cursor]! + access.at.offset}`);
    }
  };
  run(kernel.body);
  return seen;
}

/** The same, moving cursors only where a statement says so. */
function advancedAddressesOf(kernel: Kernel): string[] {
  const seen: string[] = [];
  const at = Object.fromEntries(Object.entries(kernel.cursors).map(([name, cursor]) => [name, cursor.base]));
  const run = (body: readonly AdvancedStmt[]): void => {
    for (const stmt of body) {
      if (stmt.kind === "advance") at[stmt.cursor]! += stmt.by * (stmt.times === undefined ? 1 : tripsOf(stmt.times));
      else if (stmt.kind === "for") for (let i = tripsOf(stmt.trips); i > 0; i--) run(stmt.body);
      else for (const access of accessesOf(stmt)) seen.push(`${access.at.cursor} ${at[access.at.cursor]! + access.at.offset}`);
    }
  };
  run(withAdvances(kernel));
  return seen;
}

describe("advances", () => {
  test("reach the addresses that the steps mean, in any kernel", () => {
    for (let seed = 0; seed < 100; seed++) {
      const kernel = randomKernel(seed);
      for (const k of [kernel, simplify(kernel)]) expect(advancedAddressesOf(k).join("\n") === addressesOf(k).join("\n"), kernel.name).toBe(true);
    }
  });

  test("a rewind at the end of a body joins the advance of its loop", () => {
    const k = new KernelBuilder("nest", { lanes: 1, mode: "exact" });
    k.param("x", "i32", 960, "in");
    k.param("y", "i32", 1, "out");
    const [i, o] = [k.cursor("i", "x"), k.cursor("o", "y")];
    const I32 = scalar("i32");
    k.loop("kh", 3, { [i]: 320 }, () => k.loop("kw", 3, { [i]: 16 }, () => k.store(o, 0, k.load(I32, i))));
    const [outer] = withAdvances(k.finish()) as [Extract<AdvancedStmt, { kind: "for" }>];
    expect(outer.body.slice(1)).toEqual([{ kind: "advance", cursor: "i", by: 320 - 3 * 16 }]);
  });
});
