import { createRequire } from "node:module";
import { existsSync, statSync } from "node:fs";
import { findCompilers } from "../support/node/compilers.ts";
import { probeMachine } from "../support/node/probe.ts";
import type { CommandSpec } from "./command.ts";
import { defaultPublicKey, defaultSecretKey } from "./key-files.ts";
import { VERSION } from "../support/node/version.ts";

export interface Finding {
  readonly id: string;
  readonly level: "ok" | "note" | "problem";
  readonly text: string;
  readonly fix?: string;
}

/** Oldest Node that the package's `engines` allows. */
const OLDEST_NODE = [20, 17] as const;
/** Signatures carry no dates, but certificates and rollouts do: a clock before this build is wrong. */
const EARLIEST_CLOCK = Date.UTC(2025, 0, 1);

export const doctor: CommandSpec = {
  name: "doctor",
  args: [],
  options: [],
  examples: ["neo doctor", "neo doctor --json"],
  exits: { 0: "ok, also with notes", 2: "usage", 3: "something that every compile or run needs is missing" },
  async run({ env }) {
    const findings = [
      node(),
      ...(await compilers(env["PATH"] ?? "")),
      packageFinding("binaryen", "compiles to WebAssembly"),
      packageFinding("koffi", "runs native bundles in Node"),
      ...(await engines(env)),
      simd(),
      machine(),
      ...keys(env),
      clock(),
    ];
    const width = Math.max(...findings.map((f) => f.id.length));
    const marks = { ok: "ok     ", note: "note   ", problem: "problem" };
    const lines = findings.flatMap((f) => [
      `${marks[f.level]}  ${f.id.padEnd(width)}  ${f.text}`,
      ...(f.fix ? [`${" ".repeat(width + 11)}fix: ${f.fix}`] : []),
    ]);
    return { text: [`neo ${VERSION}`, ...lines].join("\n"), result: { findings }, exitCode: findings.some((f) => f.level === "problem") ? 3 : 0 };
  },
};

function node(): Finding {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
  const fits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const text = `Node ${process.versions.node}, V8 ${process.versions.v8}`;
  return fits ? { id: "node", level: "ok", text } : { id: "node", level: "problem", text, fix: `install Node ${OLDEST_NODE.join(".")} or newer` };
}

async function compilers(path: string): Promise<Finding[]> {
  const found = await findCompilers(path);
  if (found.length === 0)
    return [
      {
        id: "cc",
        level: "note",
        text: "no C compiler: only wasm can be compiled for",
        fix: "install gcc 12 or newer, or clang 14 or newer with lld (Debian: apt-get install gcc, or clang-19 lld-19)",
      },
    ];
  const list: Finding[] = found.map((c) => ({ id: "cc", level: "ok", text: `${c.command}: ${c.family} ${c.version} for ${c.machine}` }));
  const cross = found.some((c) => c.family === "clang" && c.hasLld);
  list.push(
    cross
      ? { id: "cross", level: "ok", text: "clang with lld links for every target" }
      : {
          id: "cross",
          level: "note",
          text: "no clang with lld: other processors need their own gcc",
          fix: "install clang and lld (Debian: apt-get install clang-19 lld-19)",
        },
  );
  return list;
}

function packageFinding(name: string, use: string): Finding {
  try {
    const from = createRequire(import.meta.url);
    from.resolve(name);
    return { id: name, level: "ok", text: use };
  } catch {
    return { id: name, level: "note", text: `not installed: ${use}`, fix: `npm install ${name}` };
  }
}

/** What runs regions of accelerators. */
async function engines(env: Readonly<Record<string, string | undefined>>): Promise<Finding[]> {
  const { nodeEngines } = await import("../session/node/engines.ts");
  return Promise.all(
    Object.entries(nodeEngines(env)).map(([id, source]) =>
      source.open().then(
        ({ version }): Finding => ({ id, level: "ok", text: `${version}: runs regions of the accelerator ${id}` }),
        (error: unknown): Finding => ({ id, level: "note", text: `no regions run on ${id}: ${(error as Error).message.split("\n")[0]!}` }),
      ),
    ),
  );
}

/** A function of one v128.const: engines without SIMD refuse it. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11,
]);

function simd(): Finding {
  return WebAssembly.validate(SIMD_MODULE)
    ? { id: "wasm", level: "ok", text: "WebAssembly with SIMD" }
    : { id: "wasm", level: "problem", text: "WebAssembly without SIMD", fix: "use a newer Node" };
}

function machine(): Finding {
  const probe = probeMachine();
  return {
    id: "machine",
    level: "ok",
    text: `${probe.model || "processor"}, ${probe.arch}, ${probe.os}, ${probe.cores} cores; ${probe.cpuFeatures.join(" ") || "features unknown"}`,
  };
}

function keys(env: Readonly<Record<string, string | undefined>>): Finding[] {
  const [secret, open] = [defaultSecretKey(env), defaultPublicKey(env)];
  if (!existsSync(secret))
    return [{ id: "keys", level: "note", text: "no default key: bundles stay unsigned unless --sign names one", fix: "neo keygen --default" }];
  const mode = statSync(secret).mode & 0o777;
  if (process.platform !== "win32" && mode !== 0o600)
    return [{ id: "keys", level: "note", text: `${secret} has mode ${mode.toString(8)}: others can read it`, fix: `chmod 600 ${secret}` }];
  return [
    existsSync(open)
      ? { id: "keys", level: "ok", text: `default key ${open}` }
      : { id: "keys", level: "note", text: `the public half ${open} is missing`, fix: "neo keygen --default in a new folder, or copy it back" },
  ];
}

function clock(): Finding {
  const now = Date.now();
  return now > EARLIEST_CLOCK
    ? { id: "clock", level: "ok", text: new Date(now).toISOString() }
    : { id: "clock", level: "note", text: `the clock says ${new Date(now).toISOString()}`, fix: "set it" };
}
