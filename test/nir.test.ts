import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runPasses } from "../src/passes/pass.ts";
import { passesByName } from "../src/passes/pipelines.ts";
import { runNirFile, type RunPasses } from "./nir/runner.ts";

const folder = fileURLToPath(new URL("nir/", import.meta.url));

const runByName: RunPasses = (graph, names) => {
  const found = passesByName(names);
  if ("unknown" in found) throw new Error(`there is no pass ${found.unknown}`);
  runPasses(graph, found.passes, undefined, { verifyEach: true });
};

const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".nir"))
  .sort();

test("there are test files", () => expect(files).not.toEqual([]));

test.each(files)("%s", (name) => runNirFile(readFileSync(join(folder, name), "utf8"), runByName));
