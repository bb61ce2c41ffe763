import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { goodModel } from "./models.ts";
import { neo, testFolder } from "./run-neo.ts";

const [compiler] = await findCompilers();

/** A process that has ended and that nobody has asked about yet runs no more. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" && process.platform !== "linux";
  }
}

describe.skipIf(process.platform === "win32")("an interrupt", () => {
  test.skipIf(!compiler && process.env["CI"] !== "true")("while the C compiler runs ends it too, and clears its files away", async () => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const [temporary, pidFile, cc] = ["tmp", "pid", "slow-cc"].map((name) => join(folder.path, name)) as [string, string, string];
    mkdirSync(temporary);
    // It answers questions about itself and never comes to an end with a file.
    writeFileSync(cc, `#!/bin/sh\nif [ "$1" = -c ]; then echo $$ > ${pidFile}; exec sleep 300; fi\nexec ${compiler!.command} "$@"\n`);
    chmodSync(cc, 0o755);
    const before = folder.list();
    const isCompiling = (): boolean => existsSync(pidFile) && readFileSync(pidFile, "utf8").endsWith("\n");
    const start = performance.now();
    let sent = Infinity;
    const result = await neo(["compile", "m.onnx", "-t", "host", "--no-sign"], {
      cwd: folder.path,
      env: { NEO_CC: cc, TMPDIR: temporary },
      interruptWhen: () => isCompiling() && (sent = performance.now()) > start,
    });
    expect(result.code, result.stderr).toBe(130);
    expect(performance.now() - sent).toBeLessThan(10_000);
    expect(readdirSync(temporary)).toEqual([]);
    expect(folder.list()).toEqual([...before, "pid"].sort());
    await expect.poll(() => isRunning(Number(readFileSync(pidFile, "utf8"))), { timeout: 5000 }).toBe(false);
  });

  test("in a stage that never gives a turn ends it at once", async () => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const preload = `import { writeSync } from "node:fs"; Math.tanh = () => { writeSync(2, "busy\\n"); for (;;); };`;
    const result = await neo(["compile", "m.onnx", "-t", "wasm", "--no-sign"], { cwd: folder.path, preload, interruptAfter: /busy/ });
    expect([result.code, result.stdout]).toEqual([130, ""]);
    expect(folder.list()).toEqual(["m.onnx"]);
  });
});

describe.skipIf(!existsSync("/dev/full"))("a full disk", () => {
  test.each([
    ["compile m.onnx -t wasm --no-sign -o -", "-o -"],
    ["inspect m.onnx --svg -", "--svg -"],
  ])("behind stdout: %s", async (args) => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const { closeSync, openSync } = await import("node:fs");
    const full = openSync("/dev/full", "w");
    const result = await neo(args.split(" "), { cwd: folder.path, stdout: full });
    closeSync(full);
    expect([result.code, result.stderr]).toEqual([6, expect.stringMatching(/^error NEO6002: /)]);
  });

  test.each(["compile m.onnx -t wasm --no-sign", "inspect m.onnx --html"])("under a named output: %s", async (args) => {
    const folder = testFolder({ "m.onnx": goodModel() });
    const before = folder.list();
    // The system's own answer to a file that may not grow; a real full disk wants a mount.
    const preload = `import fs from "node:fs/promises"; import { syncBuiltinESMExports } from "node:module";
const open = fs.open;
fs.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  if (flags === "wx") { const full = await open("/dev/full", "w"); file.writeFile = (bytes) => full.writeFile(bytes).finally(() => full.close()); }
  return file;
};
syncBuiltinESMExports();`;
    const words = args.split(" ");
    const result = await neo([...words, ...(words[0] === "compile" ? ["-o"] : []), "out.file"], { cwd: folder.path, preload });
    expect([result.code, result.stderr]).toEqual([6, expect.stringMatching(/^error NEO6002: the disk is full: .*out\.file was not written$/m)]);
    expect(folder.list()).toEqual(before);
  });
});
