import { readdirSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runProcess } from "./processes.ts";

/** A C compiler found on this machine. */
export interface Compiler {
  /** Path of the program. */
  readonly command: string;
  readonly family: "gcc" | "clang";
  readonly version: string;
  readonly major: number;
  /** What it compiles for when not told otherwise, e.g. "x86_64-linux-gnu". */
  readonly machine: string;
  /** clang only: whether lld stands beside it, so that it links for other machines. */
  readonly hasLld: boolean;
}

const NAME = /^(?:[a-z0-9_]+-linux-[a-z0-9]+-)?(?:clang|gcc|cc)(?:-(\d+))?(?:\.exe)?$/;

/** The oldest releases that know the vector extensions and -march levels we print for. */
const OLDEST = { gcc: 12, clang: 14 } as const;

/** gcc and clang in the folders of `path`, new enough to be used; clang before gcc, newest first. */
export async function findCompilers(path = process.env.PATH ?? ""): Promise<readonly Compiler[]> {
  const found = await Promise.all(candidates(path).map(identify));
  return found
    .filter((c) => c !== undefined && c.major >= OLDEST[c.family])
    .map((c) => c!)
    .sort((a, b) => a.family.localeCompare(b.family) || b.major - a.major || (a.command < b.command ? -1 : 1));
}

/** One command a real program: `gcc` and `gcc-12` are often the same. */
function candidates(path: string): string[] {
  const byProgram = new Map<string, string>();
  for (const folder of path.split(delimiter).filter((f) => f !== "")) {
    for (const name of names(folder)
      .filter((n) => NAME.test(n))
      .sort()) {
      const command = join(folder, name);
      try {
        const key = `${realpathSync(command)} ${name.includes("clang") ? "clang" : "gcc"}`;
        if (!byProgram.has(key)) byProgram.set(key, command);
      } catch {
        // A dangling link.
      }
    }
  }
  return [...byProgram.values()];
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** What a command says it is; undefined if it is no C compiler of these two families. */
export async function identify(command: string): Promise<Compiler | undefined> {
  const first = (await ask(command, ["--version"]))?.split("\n")[0] ?? "";
  const clang = /\bclang version (\d+)([.\d]*)/.exec(first);
  const gcc = clang ? null : /^\S*(?:gcc|cc)\S* .*?(\d+)(\.\d+[.\d]*)\s*(?:\d+)?$/.exec(first);
  const match = clang ?? gcc;
  const machine = match ? (await ask(command, ["-dumpmachine"]))?.trim() : undefined;
  if (!match || !machine) return undefined;
  const lld = clang ? (await ask(command, ["-print-prog-name=ld.lld"]))?.trim() : undefined;
  return {
    command,
    family: clang ? "clang" : "gcc",
    version: `${match[1]}${match[2]}`,
    major: Number(match[1]),
    machine,
    hasLld: lld !== undefined && lld !== "ld.lld" && lld !== "",
  };
}

async function ask(command: string, args: readonly string[]): Promise<string | undefined> {
  const result = await runProcess(command, args, { folder: ".", env: { PATH: process.env.PATH ?? "", LC_ALL: "C" }, timeLimitMs: 10_000 }).catch(
    () => undefined,
  );
  return result?.exitCode === 0 ? result.stdout : undefined;
}
