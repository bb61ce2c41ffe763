import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands.ts";
import { neo } from "./run-neo.ts";

const help = async (args: readonly string[], columns: number): Promise<string> => {
  const { code, stdout, stderr } = await neo([...args, "--help"], { cwd: tmpdir(), env: { COLUMNS: String(columns) } });
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
};

describe.each([80, 120])("help at %d columns", (columns) => {
  test.concurrent.for(["neo", ...COMMANDS.map(({ name }) => name)])("of %s", async (name, { expect }) => {
    const text = await help(name === "neo" ? [] : [name], columns);
    await expect(text).toMatchFileSnapshot(`../golden/help/${name}.${columns}.txt`);
    const lines = text.split("\n");
    expect(lines.slice(0, 2).every((line) => line.startsWith("  $ neo "))).toBe(true);
    expect(lines.filter((line) => line.length > columns && !line.startsWith("  $ "))).toEqual([]);
    expect(text).toMatch(/\nExit codes:\n(?: +\d+ {2}\S.*\n)+$/);
  });
});

test("without arguments the help is printed", async () => {
  const { code, stdout } = await neo([], { cwd: tmpdir() });
  expect(code).toBe(0);
  expect(stdout).toBe(await help([], 80));
});
