import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SCHEDULES } from "../../../src/backends/schedules/index.ts";
import { isLowered } from "../../../src/backends/lower.ts";
import { OPS } from "../../../src/ir/ops/index.ts";

const folder = fileURLToPath(new URL("../../../src/backends/schedules/", import.meta.url));

test("every schedule of the folder is listed", () => {
  const listed = readFileSync(`${folder}index.ts`, "utf8");
  const exported = readdirSync(folder).flatMap((file) =>
    [...readFileSync(folder + file, "utf8").matchAll(/^export const (\w+Schedule): Schedule/gm)].map((match) => match[1]!),
  );
  expect(exported.filter((name) => !new RegExp(`\\b${name}\\b(?!.*from)`).test(listed.slice(listed.indexOf("SCHEDULES"))))).toEqual([]);
});

test("no op has two schedules", () => {
  const names = SCHEDULES.flatMap((schedule) => schedule.ops.map((def) => def.name));
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

/** What passes make other ops of, because its result is as long as the data say. */
const BEFORE_LOWERING = ["reshapeSymbolic", "stretch", "broadcastSymbolic", "nonZero", "unique", "compress", "nonMaxSuppression", "span"];

test("every other op of the op table is lowered", () => {
  expect(OPS.filter((def) => !isLowered({ name: def.name, def })).map((def) => def.name)).toEqual(BEFORE_LOWERING);
});
