import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProcess } from "../../support/node/processes.ts";
import { withTemporaryFolder } from "../../support/node/temporary.ts";
import type { RegionFile } from "../engines/region-engine.ts";

export interface TrialOptions {
  /** The module that exports `nodeEngines`; default: those of this package. */
  readonly module?: string;
  readonly timeLimitMs?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What the process of a trial is told. */
export interface TrialRequest {
  readonly engine: string;
  readonly module: string;
  readonly region: Omit<RegionFile, "bytes">;
}

interface Trial {
  readonly engine: string;
  readonly region: RegionFile;
  readonly inputs: readonly Uint8Array[];
}

/** An engine that compiles a large region for the first time takes its time. */
const TIME_LIMIT_MS = 120_000;

/**
 * Runs a region in its engine, once, in a process and a folder of its own: an engine that crashes or hangs takes nothing with it.
 * Throws an error whose message is the engine's own words, or what became of it.
 */
export function tryRegion(
  { engine, region, inputs }: Trial,
  options: TrialOptions = {},
): Promise<{ readonly version: string; readonly outputs: readonly Uint8Array[] }> {
  return withTemporaryFolder(async (folder) => {
    const at = (name: string): string => join(folder, name);
    const { bytes, ...rest } = region;
    const request: TrialRequest = { engine, module: options.module ?? new URL(`./engines${extension()}`, import.meta.url).href, region: rest };
    writeFileSync(at("request.json"), JSON.stringify(request));
    writeFileSync(at("region"), bytes);
    inputs.forEach((data, i) => writeFileSync(at(`input${i}`), data));
    const limit = options.timeLimitMs ?? TIME_LIMIT_MS;
    const { exitCode, stderr, timedOut } = await runProcess(process.execPath, [...loader(), child(), folder], {
      folder,
      env: textsOf(options.env ?? process.env),
      timeLimitMs: limit,
    });
    if (timedOut) throw new Error(`is not through after ${limit / 1000} s`);
    if (exitCode === undefined) throw new Error(`crashed${words(stderr, ": ")}`);
    if (exitCode !== 0) throw new Error(words(stderr, "") || `ended with exit code ${exitCode}`);
    if (!existsSync(at("result.json"))) throw new Error(`ended and left no result${words(stderr, ": ")}`);
    const { version } = JSON.parse(readFileSync(at("result.json"), "utf8")) as { readonly version: string };
    return { version, outputs: region.outputs.map((_, i) => new Uint8Array(readFileSync(at(`output${i}`)))) };
  });
}

/** Sources are run as they are while this package is developed. */
function extension(): string {
  return extname(fileURLToPath(import.meta.url));
}

function child(): string {
  return fileURLToPath(new URL(`./region-child${extension()}`, import.meta.url));
}

function loader(): readonly string[] {
  return extension() === ".ts" ? ["--import", import.meta.resolve("tsx")] : [];
}

function textsOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** The last line that somebody wrote, without the codes of colours. */
function words(stderr: string, before: string): string {
  const lines = stderr
    .replace(/\u001b\[[0-9;]*m/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const last = lines.at(-1)?.trim().slice(0, 500);
  return last ? `${before}${last}` : "";
}
