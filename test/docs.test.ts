import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { supportTables } from "../scripts/support-tables.ts";

test("docs/support.md is what the records say (npm run tables)", () => {
  expect(readFileSync(new URL("../docs/support.md", import.meta.url), "utf8")).toBe(supportTables());
});
