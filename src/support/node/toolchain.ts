import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { C_FLAGS, type CHeader, type CSource } from "../c-source.ts";
import { InternalError, NeoError } from "../errors.ts";
import { findCompilers, identify, type Compiler } from "./compilers.ts";
import { runProcess } from "./processes.ts";
import { withTemporaryFolder } from "./temporary.ts";

/** What the compiler must know of a target; a target profile of kind native is one. */
export interface CompileTarget {
  readonly name: string;
  readonly os: string;
  readonly arch: string;
  readonly toolchain?: {
    readonly triple: string;
    readonly flags: readonly string[];
    readonly gcc?: readonly string[];
    readonly clang?: readonly string[];
    readonly extension: string;
  };
}

export interface CompileOptions {
  /** A command to use instead of the best compiler found. */
  readonly compiler?: string;
  readonly headers?: readonly CHeader[];
  /** Further flags at the end, such as warnings. */
  readonly flags?: readonly string[];
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}

export interface Compiled {
  /** The shared object. */
  readonly bytes: Uint8Array;
  readonly compiler: Compiler;
  /** What the compiler printed although it succeeded. */
  readonly warnings: string;
}

/** The best compiler of this machine, or the one that `NEO_CC` names, as the compiler's port. */
export function hostCompiler(
  env: Readonly<Record<string, string | undefined>>,
): (code: { readonly sources: readonly CSource[]; readonly headers: readonly CHeader[] }, target: CompileTarget) => Promise<Uint8Array> {
  const { NEO_CC: compiler } = env;
  return async ({ sources, headers }, target) => (await compileC(sources, target, { headers, ...(compiler ? { compiler } : {}) })).bytes;
}

/** Compiles C to one shared object. Nothing of this machine but the compiler goes into it: equal input gives equal bytes. */
export async function compileC(sources: readonly CSource[], target: CompileTarget, options: CompileOptions = {}): Promise<Compiled> {
  const compiler = await chooseCompiler(target, options.compiler);
  return withTemporaryFolder(async (folder) => {
    for (const file of [...sources, ...(options.headers ?? [])]) await writeFile(join(folder, file.name), file.text, { mode: 0o600 });
    const run = (args: readonly string[]): Promise<string> => runCompiler(compiler, args, folder, target, options);
    const objectOf = (source: CSource): string => source.name.replace(/\.c$/, ".o");
    const compile = (source: CSource): Promise<string> =>
      run(["-c", source.name, "-o", objectOf(source), ...compileFlags(target, compiler), `-ffp-contract=${source.contract}`, ...(options.flags ?? [])]);
    // All of them end before the folder goes, also where one fails.
    const warnings = (await Promise.allSettled(sources.map(compile))).map((result) => {
      if (result.status === "rejected") throw result.reason as Error;
      return result.value;
    });
    const output = `model.${target.toolchain!.extension}`;
    warnings.push(
      await run([...sources.map(objectOf), "-o", output, ...linkFlags(target, compiler), ...(options.flags ?? []).filter((f) => f.startsWith("-fsanitize"))]),
    );
    return { bytes: new Uint8Array(await readFile(join(folder, output))), compiler, warnings: warnings.join("") };
  });
}

/** The flags after the file names, as for a Makefile: what `compileC` says to that compiler. */
export function compileFlags(target: CompileTarget, compiler: Pick<Compiler, "family" | "machine">): string[] {
  const toolchain = target.toolchain;
  if (!toolchain) throw new InternalError("toolchain", `target ${target.name} has no toolchain`);
  const clang = compiler.family === "clang";
  return [
    ...(clang ? [`--target=${toolchain.triple}`] : []),
    ...C_FLAGS,
    ...toolchain.flags,
    ...(clang ? (toolchain.clang ?? []) : (toolchain.gcc ?? [])),
    // gcc makes calls of memset and memcpy out of loops even in freestanding code.
    ...(clang ? [] : ["-fno-tree-loop-distribute-patterns"]),
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fvisibility=hidden",
    ...(target.os === "windows" ? [] : ["-fPIC"]),
  ];
}

function linkFlags(target: CompileTarget, compiler: Compiler): string[] {
  const clang = compiler.family === "clang";
  const common = [...(clang ? [`--target=${target.toolchain!.triple}`] : []), ...(clang && compiler.hasLld ? ["-fuse-ld=lld"] : []), "-shared"];
  switch (target.os) {
    case "windows":
      return [...common, "-nostdlib", ...(target.toolchain!.triple.endsWith("gnu") ? ["-Wl,--no-insert-timestamp"] : ["-Wl,/noentry", "-Wl,/Brepro"])];
    case "macos":
    case "ios":
      return [...common, ...(compiler.hasLld ? ["-nostdlib"] : []), "-Wl,-install_name,@rpath/model.dylib"];
    default:
      return [...common, "-nostdlib", "-s", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,noseparate-code", "-Wl,-soname,model.so"];
  }
}

/** The best compiler for the target: one that compiles for it by itself, else clang with lld. */
export async function chooseCompiler(target: CompileTarget, command?: string): Promise<Compiler> {
  const found = command === undefined ? await findCompilers() : [await identify(command)].filter((c) => c !== undefined);
  const chosen = found.find((c) => serves(c, target));
  if (chosen) return chosen;
  throw new NeoError({
    code: "NEO3010",
    message: command === undefined ? `no C compiler found that compiles for ${target.name}` : `${command} can't compile for ${target.name}`,
    notes: found.map((c) => ({
      where: c.command,
      text: `${c.family} ${c.version} for ${c.machine}${c.family === "clang" && !c.hasLld ? ", without lld" : ""}`,
    })),
    hint: `install clang and lld (Debian: \`apt install clang-19 lld-19\`), which serve every target${target.arch === "x86_64" ? ", or gcc 12" : ""}; \`-t wasm\` needs no compiler`,
  });
}

/** clang links for other machines with lld only. A gcc serves the one machine it was built for. */
function serves(compiler: Compiler, target: CompileTarget): boolean {
  const own = machineOf(compiler.machine);
  const same = own.arch === target.arch && own.os === target.os;
  return compiler.family === "clang" ? compiler.hasLld || same : same;
}

function machineOf(triple: string): { arch: string; os: string } {
  const first = triple.split("-")[0]!;
  const arch = first === "arm64" ? "aarch64" : first === "amd64" ? "x86_64" : first.startsWith("arm") ? "armv7" : first;
  const os = /android/.test(triple)
    ? "android"
    : /linux/.test(triple)
      ? "linux"
      : /apple|darwin/.test(triple)
        ? "macos"
        : /windows|mingw/.test(triple)
          ? "windows"
          : "none";
  return { arch, os };
}

async function runCompiler(compiler: Compiler, args: readonly string[], folder: string, target: CompileTarget, options: CompileOptions): Promise<string> {
  const timeLimitMs = options.timeLimitMs ?? 300_000;
  const result = await runProcess(compiler.command, args, {
    folder,
    env: environment(folder),
    timeLimitMs,
    ...(options.signal ? { signal: options.signal } : {}),
  }).catch((error: unknown) => {
    if (options.signal?.aborted) throw error;
    throw new NeoError({
      code: "NEO3011",
      message: `${compiler.command} could not be started: ${(error as Error).message}`,
      hint: "`neo doctor` checks the compilers",
      cause: error,
    });
  });
  if (result.timedOut) {
    throw new NeoError({
      code: "NEO3012",
      message: `${compiler.command} did not finish ${args[1]} within ${timeLimitMs / 1000} s`,
      hint: "give it more time, or compile for `-t wasm`",
    });
  }
  if (result.exitCode === 0) return result.stderr;
  throw new NeoError({
    code: "NEO3011",
    message: `${compiler.command} (${compiler.family} ${compiler.version}) failed on the C of ${target.name}`,
    notes: result.stderr
      .split("\n")
      .filter((line) => /error|warning|undefined/.test(line))
      .slice(0, 20)
      .map((line) => ({ where: compiler.family, text: line })),
    hint: "`--emit c` writes the C to look at; another compiler is chosen with NEO_CC",
  });
}

/** Nothing of the user's settings reaches the compiler: no include paths, no locale, no linker options. */
function environment(folder: string): Record<string, string> {
  const kept = ["PATH", "SystemRoot", "SYSTEMROOT", "PATHEXT", "DEVELOPER_DIR", "SDKROOT"].filter((name) => process.env[name] !== undefined);
  return {
    ...Object.fromEntries(kept.map((name) => [name, process.env[name]!])),
    LC_ALL: "C",
    TMPDIR: folder,
    TEMP: folder,
    TMP: folder,
    HOME: folder,
    SOURCE_DATE_EPOCH: "0",
  };
}
