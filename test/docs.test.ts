import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { onnxTables } from "../scripts/onnx-tables.ts";
import { supportTables } from "../scripts/support-tables.ts";

test("docs/support.md is what the records say (npm run tables)", () => {
  expect(readFileSync(new URL("../docs/support.md", import.meta.url), "utf8")).toBe(supportTables());
});

test("docs/onnx-support.md is what records and data sets say (npm run tables)", () => {
  expect(readFileSync(new URL("../docs/onnx-support.md", import.meta.url), "utf8")).toBe(onnxTables());
});
