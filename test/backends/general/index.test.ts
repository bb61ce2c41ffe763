import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SCHEDULES } from "../../../src/backends/schedules/index.ts";
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

/** What lowering handles itself, and what has a result of unknown size. */
const ELSEWHERE = ["reshape", "constant", "return", "call", "if", "loop", "scan", "readState", "writeState", "nonZero", "unique", "compress"];

test("every other op of the op table has a schedule", () => {
  const scheduled = new Set(SCHEDULES.flatMap((schedule) => schedule.ops));
  expect(OPS.filter((def) => !scheduled.has(def) && !ELSEWHERE.includes(def.name)).map((def) => def.name)).toEqual([]);
});
