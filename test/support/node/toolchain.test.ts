import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CSource } from "../../../src/support/c-source.ts";
import { findCompilers, identify } from "../../../src/support/node/compilers.ts";
import { compileC } from "../../../src/support/node/toolchain.ts";
import { loadTarget } from "../../../src/target/load.ts";
import type { TargetProfile } from "../../../src/target/profile.ts";
import { target } from "../../executors/targets.ts";

const found = await findCompilers();
const clang = found.find((c) => c.family === "clang" && c.hasLld)?.command;
const gcc = found.find((c) => c.family === "gcc" && c.machine.startsWith("x86_64"))?.command;

const source: CSource = {
  name: "model.c",
  contract: "fast",
  text: `#include "model.h"\n__attribute__((visibility("default"))) float twice(float x) {\n  return TWO * x;\n}\n`,
};
const headers = [{ name: "model.h", text: "#define TWO 2\n" }];
const v3 = target("x86-64-v3");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "neo-tools-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A program that answers like gcc 99 and else does what the script says. */
function fakeGcc(script: string): string {
  const path = join(folder, "gcc");
  writeFileSync(path, `#!/bin/sh\ncase "$1" in --version) echo "gcc (Fake) 99.1.0";; -dumpmachine) echo x86_64-linux-gnu;; *) ${script};; esac\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("finding compilers", () => {
  test("one program with several names is found once, others by what they say they are", async () => {
    const fake = fakeGcc("exit 1");
    symlinkSync(fake, join(folder, "gcc-99"));
    writeFileSync(join(folder, "clang"), "#!/bin/sh\necho something else\n", { mode: 0o755 });
    symlinkSync("/nowhere", join(folder, "cc"));
    mkdirSync(join(folder, "clang-19"));
    expect(await findCompilers(folder)).toEqual([{ command: fake, family: "gcc", version: "99.1.0", major: 99, machine: "x86_64-linux-gnu", hasLld: false }]);
    expect(await identify("/bin/true")).toBeUndefined();
  });

  test("releases too old for the printed C are left out", async () => {
    writeFileSync(join(folder, "gcc"), '#!/bin/sh\ncase "$1" in --version) echo "gcc (Fake) 9.4.0";; *) echo x86_64-linux-gnu;; esac\n', { mode: 0o755 });
    expect(await findCompilers(folder)).toEqual([]);
  });
});

describe("errors", () => {
  test("no compiler for the target names what to install", async () => {
    const fake = fakeGcc("exit 0");
    await expect(compileC([source], target("arm64"), { compiler: fake })).rejects.toMatchObject({
      code: "NEO3010",
      hint: expect.stringContaining("apt install clang-19 lld-19") as string,
    });
    await expect(compileC([source], v3, { compiler: join(folder, "nothing") })).rejects.toMatchObject({ code: "NEO3010" });
  });

  test("what the compiler says comes with the error", async () => {
    const fake = fakeGcc("echo 'model.c:1: error: too clever' >&2; exit 1");
    await expect(compileC([source], v3, { compiler: fake })).rejects.toMatchObject({
      code: "NEO3011",
      notes: [{ where: "gcc", text: "model.c:1: error: too clever" }],
    });
  });

  test("a compiler that hangs is ended, with its children", async () => {
    const fake = fakeGcc(`sleep 300 & echo $! > ${folder}/child; wait`);
    await expect(compileC([source], v3, { compiler: fake, timeLimitMs: 400 })).rejects.toMatchObject({ code: "NEO3012" });
    const child = execFileSync("cat", [join(folder, "child")], { encoding: "utf8" }).trim();
    expect(spawnSync("ps", ["-o", "stat=", "-p", child], { encoding: "utf8" }).stdout.trim()).toMatch(/^(?:Z.*)?$/);
  });

  test("an interrupt ends the compiler", async () => {
    const fake = fakeGcc("sleep 300");
    const control = new AbortController();
    setTimeout(() => control.abort(new Error("stopped by the user")), 200);
    await expect(compileC([source], v3, { compiler: fake, signal: control.signal })).rejects.toThrow("stopped by the user");
  });
});

const native = process.arch === "x64" && process.platform === "linux";

describe.each([
  ["gcc", gcc],
  ["clang", clang],
])("%s", (name, command) => {
  const missing = !command || !native;

  test.skipIf(missing && process.env.CI !== "true")(`equal input gives equal bytes, wherever and by whomever (wants ${name})`, async () => {
    const first = await compileC([source], v3, { compiler: command!, headers });
    const previous = { TMPDIR: process.env.TMPDIR, LANG: process.env.LANG, CPATH: process.env.CPATH, TZ: process.env.TZ };
    const mask = process.umask(0o077);
    writeFileSync(join(folder, "model.h"), "#define TWO 3\n");
    Object.assign(process.env, { TMPDIR: folder, LANG: "de_DE.UTF-8", CPATH: folder, TZ: "Asia/Tokyo" });
    try {
      const second = await compileC([source], v3, { compiler: command!, headers });
      expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    } finally {
      process.umask(mask);
      for (const [key, value] of Object.entries(previous))
        if (value === undefined) delete process.env[key];
        else process.env[key] = value;
    }
    expect(readdirSync(folder)).toEqual(["model.h"]);
    expect(first.warnings).toBe("");
    expect(Buffer.from(first.bytes).includes(tmpdir())).toBe(false);
  });

  test.skipIf(missing && process.env.CI !== "true")(`exports what is marked and needs nothing (wants ${name}, nm)`, async () => {
    writeFileSync(join(folder, "a.so"), (await compileC([source], v3, { compiler: command!, headers })).bytes);
    const symbols = execFileSync("nm", ["-D", "--format=posix", join(folder, "a.so")], { encoding: "utf8" });
    expect(
      symbols
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" ").slice(0, 2)),
    ).toEqual([["twice", "T"]]);
  });
});

describe("other systems, linked by clang and lld", () => {
  const systems: readonly (readonly [string, Partial<TargetProfile> & { extends: string }, RegExp])[] = [
    ["Android", { extends: "arm64", os: "android", toolchain: { ...target("arm64").toolchain!, triple: "aarch64-linux-android24" } }, /^\x7fELF/],
    ["Windows", { extends: "x86-64-v3", os: "windows", toolchain: { ...v3.toolchain!, triple: "x86_64-pc-windows-msvc", extension: "dll" } }, /^MZ/],
    [
      "Windows with the GNU interface",
      { extends: "x86-64-v3", os: "windows", toolchain: { ...v3.toolchain!, triple: "x86_64-pc-windows-gnu", extension: "dll" } },
      /^MZ/,
    ],
    [
      "Windows on Arm",
      { extends: "arm64", os: "windows", toolchain: { ...target("arm64").toolchain!, triple: "aarch64-pc-windows-msvc", extension: "dll" } },
      /^MZ/,
    ],
    [
      "macOS",
      { extends: "arm64", os: "macos", toolchain: { ...target("arm64").toolchain!, triple: "arm64-apple-macos12", extension: "dylib" } },
      /^\xcf\xfa\xed\xfe/,
    ],
  ];
  const text = `#if defined(_WIN32)\n#define EXPORT __declspec(dllexport)\n#else\n#define EXPORT __attribute__((visibility("default")))\n#endif
#ifdef _MSC_VER\nint _fltused = 1;\n#elif defined(_WIN32)\nint DllMainCRTStartup(void *a, unsigned b, void *c) { return !a + !b + !c + 1; }\n#endif\nEXPORT float twice(float x) { return 2 * x; }\n`;

  test.skipIf(!clang && process.env.CI !== "true").each(systems)("%s gets an object of its kind, the same each time", async (_name, profile, magic) => {
    const other = loadTarget(JSON.stringify(profile), { read: (base) => JSON.stringify(target(base)) });
    const [first, second] = [await compileC([{ ...source, text }], other), await compileC([{ ...source, text }], other)];
    expect(Buffer.from(first.bytes.subarray(0, 4)).toString("latin1")).toMatch(magic);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
  });
});
