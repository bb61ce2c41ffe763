import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { goodModel } from "./models.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { neo, testFolder, type NeoOptions } from "./run-neo.ts";

let folder: Awaited<ReturnType<typeof preparedFolder>>;
beforeAll(async () => {
  folder = await preparedFolder();
}, 180_000);
afterAll(() => folder.remove());
const here = (args: string, more: Partial<NeoOptions> = {}) => neo(args.split(" "), { cwd: folder.path, ...more });

describe("a slip of the pen is answered with what was meant", () => {
  test.concurrent.each([
    ["compil good.onnx", "compile"],
    ["compile good.onnx --taget wasm", "--target"],
    ["compile good.onnx -t wsam", "wasm"],
    ["explain NOE2004", "NEO2004"],
    ["run good.neo --allow-unsigned --input xx=1,2,3,4", "`neo inspect`"],
    ["opt good.nir --passes canonicalise", "canonicalize"],
  ])("neo %s: %s", async (args, meant) => {
    const { code, stdout, stderr } = await here(args);
    expect(code).toBeGreaterThan(1);
    expect(stdout).toBe("");
    expect(
      stderr
        .split("\n")
        .filter((line) => /^hint: |did you mean/.test(line))
        .join("\n"),
    ).toContain(meant);
  });
});

describe("streams", () => {
  test("-o - writes the bundle to stdout, - reads it from stdin", async () => {
    const compiled = await here("compile - -t wasm --no-sign --name good -o -", { input: goodModel() });
    expect(compiled.stderr).toBe("");
    const signed = await here("sign - --key key.key -o -", { input: compiled.bytes });
    expect(signed.code).toBe(0);
    const verified = await here("verify - --trust key.pub", { input: signed.bytes });
    expect([verified.code, verified.stderr]).toEqual([0, ""]);
  });

  test("raw bytes on stdin become an input", async () => {
    const { code, stdout } = await here("run good.neo --allow-unsigned --input x=1x4xf32=@- --json", { input: new Uint8Array(16) });
    expect(code).toBe(0);
    const { result } = JSON.parse(stdout) as { result: { outputs: [{ data: number[] }] } };
    expect(result.outputs[0].data.map((y) => Number(y.toFixed(4)))).toEqual([0.4621, 0, -0.4621, 0.7616]);
  });

  test.skipIf(process.platform === "win32")("a reader that goes away ends the command quietly", async () => {
    const bin = fileURLToPath(new URL("../../bin/neo.js", import.meta.url));
    const child = spawn("/bin/sh", ["-c", `"$0" "${bin}" ops --json 2>&1 >&3 | cat; exit`, process.execPath], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const reader = child.stdio[3] as Readable;
    reader.once("data", () => reader.destroy());
    let said = "";
    child.stdout!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await new Promise((resolve) => child.on("close", resolve));
    expect(said).toBe("");
  });

  test("progress goes to stderr as NDJSON when asked", async () => {
    const { stderr } = await here("compile good.onnx -t wasm --no-sign -o progress.neo --progress json");
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { t: string; stage: string });
    expect(events.map(({ t }) => t)).toEqual(["start", "end"]);
  });
});

describe("colour", () => {
  test.concurrent.each([
    ["compile none.onnx", {}, false],
    ["compile none.onnx --color always", {}, true],
    ["compile none.onnx --color always", { NO_COLOR: "1" }, true],
    ["compile none.onnx", { NO_COLOR: "1" }, false],
    ["compile none.onnx", { NEO_COLOR: "always" }, true],
    ["compile none.onnx --color never", { NEO_COLOR: "always" }, false],
  ])("neo %s with %o: %o", async (args, env, coloured) => {
    const { stderr } = await here(args, { env });
    expect(stderr.includes("\x1b[")).toBe(coloured);
  });
});

describe("configuration: flag, NEO_*, neo.config.json, default", () => {
  const withConfig = async (config: unknown, args: string, env: Record<string, string> = {}) => {
    const own = testFolder({ "good.onnx": goodModel(), "neo.config.json": typeof config === "string" ? config : JSON.stringify(config) });
    const result = await neo(args.split(" "), { cwd: own.path, env });
    return { ...result, files: own.list() };
  };

  test("the file gives the target", async () => {
    expect((await withConfig({ target: "wasm", compile: { sign: "none.key", "no-sign": true } }, "compile good.onnx --no-sign")).files).toContain(
      "good.wasm.neo",
    );
  });

  test("the environment wins over the file, the flag over both", async () => {
    const config = { compile: { output: "file.neo", "no-sign": true }, target: "wasm" };
    expect((await withConfig(config, "compile good.onnx")).files).toContain("file.neo");
    expect((await withConfig(config, "compile good.onnx", { NEO_OUTPUT: "environment.neo" })).files).toContain("environment.neo");
    expect((await withConfig(config, "compile good.onnx -o flag.neo", { NEO_OUTPUT: "environment.neo" })).files).toContain("flag.neo");
  });

  test("numbers and lists are written as such", async () => {
    const { code, stderr } = await withConfig({ check: { target: ["wasm"], "limit-nodes": 1 } }, "check good.onnx");
    expect([code, stderr]).toEqual([7, expect.stringContaining("NEO7001")]);
  });

  test.each([
    ["{", "is not JSON"],
    ["[]", "is not a JSON object"],
    [{ taget: "wasm" }, 'did you mean "target"?'],
    [{ compile: { timeing: true } }, 'did you mean "timing"?'],
    [{ color: "sometimes" }, "wanted one of auto, always, never"],
    [{ target: { name: "wasm" } }, ""],
    [{ quiet: 3 }, "wanted true or false"],
  ])("%o: %s", async (config, said) => {
    const { code, stderr } = await withConfig(config, "compile good.onnx -o x.neo --no-sign");
    if (said === "") return; // an object below a flag's name could be a command of a later version
    expect(code).toBe(2);
    expect(stderr).toContain("NEO1003");
    expect(stderr).toContain(said);
  });

  test("the file of the user is behind that of the project; neo config tells who says what", async () => {
    const own = testFolder({ "neo.config.json": JSON.stringify({ bench: { "min-runs": 7 } }) });
    mkdirSync(join(own.path, "home"));
    writeFileSync(join(own.path, "home", "neo.config.json"), JSON.stringify({ quiet: true, bench: { "min-runs": 5, "max-secs": 2 } }));
    const env = { NEO_HOME: join(own.path, "home"), NEO_TARGET: "wasm" };
    const { code, stdout } = await neo(["config", "bench", "--json"], { cwd: own.path, env });
    expect(code).toBe(0);
    const { values } = (JSON.parse(stdout) as { result: { values: readonly { key: string; value: unknown; origin: string }[] } }).result;
    expect(values).toEqual([
      { key: "bench.min-runs", value: "7", origin: join(own.path, "neo.config.json") },
      { key: "bench.max-secs", value: "2", origin: join(own.path, "home", "neo.config.json") },
      { key: "bench.target", value: "wasm", origin: "NEO_TARGET" },
      { key: "quiet", value: true, origin: join(own.path, "home", "neo.config.json") },
    ]);
    const text = (await neo(["config", "bench", "--resolved"], { cwd: own.path, env })).stdout;
    expect(text).toMatch(/^bench\.warmup-ms +300 +default$/m);
  });

  test("--config names another file, which must be there", async () => {
    const { code, stderr } = await here("targets --config none.json");
    expect([code, stderr]).toEqual([6, expect.stringContaining("none.json")]);
  });
});

describe("completion", () => {
  const script = async (shell: string) => (await here(`completion ${shell}`)).stdout;

  test.skipIf(spawnSync("bash", ["--version"]).status !== 0)("of bash completes commands and flags", async () => {
    const text = await script("bash");
    expect(spawnSync("bash", ["-n"], { input: text }).status).toBe(0);
    const complete = (words: string): string =>
      spawnSync("bash", ["-c", `${text}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _neo; echo "\${COMPREPLY[@]}"`])
        .stdout.toString()
        .trim();
    expect(complete("neo comp")).toBe("compile compare completion");
    expect(complete("neo bench --max")).toBe("--max-secs");
  });

  test.each(["bash", "zsh", "fish", "pwsh"])("of %s names every command", async (shell) => {
    const text = await script(shell);
    for (const word of ["compile", "verify", "allow-unsigned", "limit-nodes"]) expect(text).toContain(word);
    const syntax = { bash: ["bash", "-n"], zsh: ["zsh", "-n"], fish: ["fish", "--no-execute"], pwsh: undefined }[shell];
    if (syntax && spawnSync(syntax[0]!, ["--version"]).status === 0) expect(spawnSync(syntax[0]!, syntax.slice(1), { input: text }).status).toBe(0);
  });
});

describe("files that are there already", () => {
  test("are replaced whole; a failing run leaves them alone", async () => {
    const own = testFolder({ "good.onnx": goodModel(), "bad.onnx": "no model", "out.neo": "what was here before" });
    const old = openSync(join(own.path, "out.neo"), "r");
    expect((await neo(["compile", "bad.onnx", "-t", "wasm", "-o", "out.neo"], { cwd: own.path })).code).toBe(3);
    expect(readFileSync(join(own.path, "out.neo"), "utf8")).toBe("what was here before");
    const runs = await Promise.all([1, 2].map(() => neo(["compile", "good.onnx", "-t", "wasm", "--no-sign", "-o", "out.neo"], { cwd: own.path })));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(readFileSync(old, "utf8")).toBe("what was here before"); // the old file itself was not written to
    closeSync(old);
    expect((await neo(["verify", "out.neo", "--allow-unsigned"], { cwd: own.path })).code).toBe(0);
    expect(own.list()).toEqual(["bad.onnx", "good.onnx", "out.neo"]);
  });

  test("names and notes from a hostile file reach the terminal escaped", async () => {
    const own = testFolder();
    mkdirSync(join(own.path, "in"));
    writeFileSync(join(own.path, "in", "x.nir"), 'graph @a(%x: tensor<4xf32>) -> (tensor<4xf32>) {\n  %0 = "\x1b[31mred" %x');
    const { stderr } = await neo(["opt", "in/x.nir"], { cwd: own.path });
    expect(stderr).not.toContain("\x1b");
  });
});
