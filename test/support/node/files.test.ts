import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readFileBytes, writeFileAtomic, type WriteCalls } from "../../../src/support/node/files.ts";
import * as fs from "node:fs/promises";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "neo-files-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The real calls, of which the `n`-th fails; a write that fails has written half. */
function failingAt(n: number, code: string): WriteCalls & { count: number } {
  const calls = {
    count: 0,
    step(): void {
      calls.count++;
      if (calls.count === n) throw Object.assign(new Error(code), { code });
    },
    async create(path: string) {
      calls.step();
      const file = await fs.open(path, "wx");
      return {
        async write(data: Uint8Array) {
          await file.writeFile(data.subarray(0, data.length / 2));
          calls.step();
          await file.writeFile(data.subarray(data.length / 2));
        },
        async sync() {
          calls.step();
          await file.sync();
        },
        async close() {
          await file.close();
          calls.step();
        },
      };
    },
    async rename(from: string, to: string) {
      calls.step();
      await fs.rename(from, to);
    },
    unlink: fs.unlink,
    async syncFolder() {},
  };
  return calls;
}

describe("writing", () => {
  test("replaces a file as a whole and leaves nothing beside it", async () => {
    const path = join(folder, "a.bin");
    await writeFileAtomic(path, bytes("one"));
    await writeFileAtomic(path, bytes("two"));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  test.each([1, 2, 3, 4, 5])("a fault in call %i keeps the old file and leaves nothing beside it", async (n) => {
    const path = join(folder, "a.bin");
    await writeFile(path, "old");
    const calls = failingAt(n, "ENOSPC");
    await expect(writeFileAtomic(path, bytes("something new"), calls)).rejects.toMatchObject({ code: "NEO6002" });
    expect(calls.count).toBeGreaterThanOrEqual(n);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  test("there are five calls that can fail", async () => {
    const calls = failingAt(0, "");
    await writeFileAtomic(join(folder, "a.bin"), bytes("x"), calls);
    expect(calls.count).toBe(5);
  });

  test.each([
    ["missing/a.bin", "NEO6000"],
    [".", "NEO6003"],
  ])("%s is refused with %s", async (name, code) => {
    await expect(writeFileAtomic(join(folder, name), bytes("x"))).rejects.toMatchObject({ code });
  });

  test("other faults keep the system's word", async () => {
    await expect(writeFileAtomic(join(folder, "a"), bytes("x"), failingAt(2, "EIO"))).rejects.toMatchObject({
      code: "NEO6004",
      message: expect.stringContaining("EIO") as string,
    });
  });

  test.skipIf(process.getuid?.() === 0)("a folder without permission is refused", async () => {
    await chmod(folder, 0o500);
    await expect(writeFileAtomic(join(folder, "a"), bytes("x"))).rejects.toMatchObject({ code: "NEO6001" });
    await chmod(folder, 0o700);
  });

  test("a call without permission is refused", async () => {
    await expect(writeFileAtomic(join(folder, "a"), bytes("x"), failingAt(1, "EACCES"))).rejects.toMatchObject({ code: "NEO6001" });
  });
});

describe("reading", () => {
  test("gives the bytes", async () => {
    await writeFile(join(folder, "a"), "abc");
    expect(await readFileBytes(join(folder, "a"))).toEqual(bytes("abc"));
  });

  test("a file above the limit is refused before it is read, a device at the limit", async () => {
    await writeFile(join(folder, "a"), "abcd");
    await expect(readFileBytes(join(folder, "a"), 3)).rejects.toMatchObject({ code: "NEO6005" });
    await expect(readFileBytes("/dev/zero", 1000)).rejects.toMatchObject({ code: "NEO6005" });
  });

  test.each([
    ["missing", "NEO6000"],
    [".", "NEO6003"],
  ])("%s is refused with %s", async (name, code) => {
    await expect(readFileBytes(join(folder, name))).rejects.toMatchObject({ code });
  });
});
