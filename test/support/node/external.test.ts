import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readExternalFile } from "../../../src/support/node/external.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "neo-test-"));
  mkdirSync(join(folder, "model", "data"), { recursive: true });
  writeFileSync(join(folder, "secret"), "secret");
  writeFileSync(join(folder, "model", "data", "weights.bin"), "weights");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a plain file below the model's folder is read", () => {
  expect(new TextDecoder().decode(readExternalFile(join(folder, "model"), "data/weights.bin"))).toBe("weights");
});

test.each(["../secret", "data/../../secret", "link", "twin", "data"])("%s is refused", (name) => {
  symlinkSync(join(folder, "secret"), join(folder, "model", "link"));
  linkSync(join(folder, "secret"), join(folder, "model", "twin"));
  expect(() => readExternalFile(join(folder, "model"), name)).toThrow(expect.objectContaining({ code: "NEO2091" }));
});
