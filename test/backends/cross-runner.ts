import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CSources } from "../../src/backends/c/print.ts";
import { hasSessionSteps, weightBytesOf } from "../../src/backends/program-facts.ts";
import type { Program } from "../../src/kernel/program.ts";
import { chooseCompiler, compileFlags } from "../../src/support/node/toolchain.ts";
import type { Around } from "../executors/around.ts";
import type { TargetProfile } from "../../src/target/profile.ts";
import { NotGuarded } from "../executors/guarded.ts";

/** The emulator of a foreign processor, as Debian's qemu-user calls it. */
export const EMULATORS: Readonly<Record<string, readonly string[]>> = {
  aarch64: ["qemu-aarch64"],
  armv7: ["qemu-arm"],
  riscv64: ["qemu-riscv64"],
};

export function hasEmulator(profile: TargetProfile): boolean {
  const [command] = EMULATORS[profile.arch] ?? [];
  return command !== undefined && spawnSync(command, ["--version"]).status === 0;
}

/**
 * Runs a program on another processor under qemu-user: linked into a static executable without any libc that reads weights and
 * inputs from its standard input, runs twice over an arena of 0xff, and writes the outputs.
 */
export async function runEmulated(
  c: CSources,
  program: Program,
  profile: TargetProfile,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const compiler = await chooseCompiler(profile);
  const link = [`--target=${profile.toolchain!.triple}`, "-fuse-ld=lld", "-static", "-nostdlib", "-Wl,--entry=start"];
  return run(c, program, { compiler, flags: compileFlags(profile, compiler), link, emulator: EMULATORS[profile.arch]! }, weights, inputs);
}

/** Runs a program here, with gcc's checks of every address and every operation that C leaves undefined; a finding is an error. */
export async function runSanitized(
  c: CSources,
  program: Program,
  profile: TargetProfile,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around?: Around,
  more: readonly string[] = [],
): Promise<Uint8Array[]> {
  if (hasSessionSteps(program)) throw new NotGuarded("steps of the session run in a session only");
  const compiler = await chooseCompiler(profile, "gcc");
  const checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1"];
  return run(
    c,
    program,
    { compiler, flags: [...compileFlags(profile, compiler), ...more, ...checks], link: [...checks, "-lm"], emulator: [] },
    weights,
    inputs,
    around,
  );
}

interface Build {
  readonly compiler: { readonly command: string };
  readonly flags: readonly string[];
  readonly link: readonly string[];
  readonly emulator: readonly string[];
}

function run(c: CSources, program: Program, build: Build, weights: Uint8Array, inputs: readonly Uint8Array[], around: Around = {}): Uint8Array[] {
  const folder = mkdtempSync(join(tmpdir(), "neo-cross-"));
  try {
    for (const file of [...c.sources, ...c.headers]) writeFileSync(join(folder, file.name), file.text);
    writeFileSync(join(folder, "main.c"), mainText(program));
    const call = (args: readonly string[]): void => {
      const { status, stderr } = spawnSync(build.compiler.command, args, { cwd: folder, encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
    };
    const objects = [...c.sources, { name: "main.c", contract: "off" }].map(({ name, contract }) => {
      const object = `${name}.o`;
      call(["-c", name, "-o", object, ...build.flags, `-ffp-contract=${contract}`]);
      return object;
    });
    call([...objects, "-o", "model", ...build.link]);
    const state = new Uint8Array(program.stateBytes);
    around.start?.(state);
    const [command, ...args] = [...build.emulator, join(folder, "model")];
    const done = spawnSync(command!, args, { input: Buffer.concat([weights.subarray(0, weightBytesOf(program)), ...inputs, state]), maxBuffer: 2 ** 30 });
    if (done.status !== 0) throw new Error(`${command} ended with ${done.status ?? done.signal}: ${done.stderr.toString()}`);
    let at = 0;
    const outputs = program.outputs.map((port) => new Uint8Array(done.stdout.subarray(at, (at += port.bytes))));
    around.end?.(done.stdout.subarray(at));
    return outputs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** System calls by hand: number in a register of its own, answer in the first. */
const SYSTEM = `
#include "model.h"
#if defined(__aarch64__)
enum { READ = 63, WRITE = 64, EXIT = 93 };
static long call(long n, long a, long b, long c) {
  register long x8 __asm__("x8") = n; register long x0 __asm__("x0") = a; register long x1 __asm__("x1") = b; register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
#elif defined(__arm__)
enum { READ = 3, WRITE = 4, EXIT = 1 };
static long call(long n, long a, long b, long c) {
  register long r7 __asm__("r7") = n; register long r0 __asm__("r0") = a; register long r1 __asm__("r1") = b; register long r2 __asm__("r2") = c;
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
  return r0;
}
#elif defined(__riscv)
enum { READ = 63, WRITE = 64, EXIT = 93 };
static long call(long n, long a, long b, long c) {
  register long a7 __asm__("a7") = n; register long a0 __asm__("a0") = a; register long a1 __asm__("a1") = b; register long a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}
#else
#include <stdlib.h>
#include <unistd.h>
/* From the heap, where a sanitizer watches both ends. */
#define ROOM(name, bytes) uint8_t *name = calloc(bytes, 1)
#define TABLE
enum { READ, WRITE, EXIT };
static long call(long n, long a, long b, long c) {
  if (n == READ) return read((int)a, (void *)b, (size_t)c);
  if (n == WRITE) return write((int)a, (const void *)b, (size_t)c);
  exit((int)a);
}
void start(void);
int main(void) { start(); }
#endif
#ifndef ROOM
#define ROOM(name, bytes) static uint8_t name[bytes] __attribute__((aligned(128)))
#define TABLE static
#endif
static void all(long n, long file, uint8_t *at, long bytes) {
  while (bytes > 0) {
    long done = call(n, file, (long)at, bytes);
    if (done <= 0) call(EXIT, 9, 0, 0);
    at += done;
    bytes -= done;
  }
}
`;

function mainText(program: Program): string {
  const weightBytes = weightBytesOf(program);
  const room = (name: string, bytes: number): string => `  ROOM(${name}, ${Math.max(bytes, 1)});`;
  const table = (kind: "input" | "output", count: number): string => Array.from({ length: count }, (_, i) => `${kind}${i}`).join(", ") || "0";
  return [
    SYSTEM,
    "void start(void);",
    "void start(void) {",
    room("weights", weightBytes),
    room("arena", program.arenaBytes),
    ...program.inputs.map((port, i) => room(`input${i}`, port.bytes)),
    ...program.outputs.map((port, i) => room(`output${i}`, port.bytes)),
    `  TABLE const void *const inputs[] = {${table("input", program.inputs.length)}};`,
    `  TABLE void *const outputs[] = {${table("output", program.outputs.length)}};`,
    `  all(READ, 0, weights, ${weightBytes});`,
    ...program.inputs.map((port, i) => `  all(READ, 0, input${i}, ${port.bytes});`),
    `  for (long i = ${program.stateBytes}; i < ${program.arenaBytes}; i++) arena[i] = 255;`,
    `  all(READ, 0, arena, ${program.stateBytes});`,
    `  for (int i = 0; i < ${program.stateBytes > 0 ? 1 : 2}; i++) model_run(weights, inputs, outputs, arena);`,
    ...program.outputs.map((port, i) => `  all(WRITE, 1, output${i}, ${port.bytes});`),
    `  all(WRITE, 1, arena, ${program.stateBytes});`,
    "  call(EXIT, 0, 0, 0);",
    "}",
    "",
  ].join("\n");
}
