import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGES = join(ROOT, "docs", "errors");

/** Error codes in the TypeScript files below a folder; examples in help texts count too: they must exist. */
function codesIn(folder: string): Set<string> {
  const codes = new Set<string>();
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    for (const [code] of readFileSync(join(entry.parentPath, entry.name), "utf8").matchAll(/\bNEO\d{4}\b/g)) codes.add(code);
  }
  return codes;
}

const thrown = [...codesIn("src")].sort();
const documented = readdirSync(PAGES)
  .map((file) => file.replace(/\.md$/, ""))
  .sort();

test("every code has a page, and every page a code", () => {
  expect(documented).toEqual(thrown);
});

test.each(documented)("the page of %s says what it means and how to get past it", (code) => {
  const page = readFileSync(join(PAGES, `${code}.md`), "utf8");
  expect(page).toMatch(new RegExp(`^# ${code}: \\S.{4,72}\\n`));
  expect(page).toMatch(/\n## What it means\n\n.{40,}/);
  expect(page).toMatch(/\n## How to get past it\n\n.{20,}/);
});

test("every code is provoked by a test", () => {
  const tested = codesIn("test");
  expect(thrown.filter((code) => !tested.has(code))).toEqual([]);
});
