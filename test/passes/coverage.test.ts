import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { PASSES, RULES } from "../../src/passes/pipelines.ts";

const folder = fileURLToPath(new URL("../nir/passes/", import.meta.url));

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".nir"));
const texts = files.map((name) => readFileSync(join(folder, name), "utf8"));

describe("every rule has an example", () => {
  // A name ends where no letter, digit or hyphen follows.
  test.each(RULES.map((rule) => rule.name))("%s", (name) => expect(texts.some((text) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text))).toBe(true));
});

test("rules have names of their own", () => {
  const names = RULES.map((rule) => rule.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test.each(PASSES.map((pass) => pass.name))("the pass %s has examples", (name) => {
  expect(texts.some((text) => text.startsWith(`// RUN: neo opt --passes ${name}\n`))).toBe(true);
});
