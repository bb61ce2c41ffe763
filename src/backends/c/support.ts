import type { MachineArch } from "../../support/machine.ts";
import { typedefOf } from "./names.ts";

/**
 * The beginning of a C file: the typedefs and inline functions that its kernels use, each once, in the order of their first use
 * (so that what a function calls stands before it).
 */
export class Support {
  readonly arch: MachineArch;
  /** Without, compilers take vectors apart: tests and choices are then better written lane by lane. */
  readonly hasVectors: boolean;
  private readonly types = new Set<string>();
  private readonly functions = new Map<string, string>();

  constructor(target: { readonly arch: MachineArch; readonly cpuFeatures: readonly string[] }) {
    this.arch = target.arch;
    this.hasVectors = target.arch !== "riscv64" || target.cpuFeatures.includes("v");
  }

  /** Declares a type by the name `typeName` gave it. */
  type(name: string): string {
    this.types.add(name);
    return name;
  }

  /**
   * Defines `<result> <name>(<params>)` with a body of lines, unless it is there. Params are "type name" words. Gives the name.
   * The body is asked for only once, and before the function is listed.
   */
  define(name: string, result: string, params: readonly string[], body: () => readonly string[]): string {
    if (this.functions.has(name)) return name;
    for (const type of [result, ...params.map((p) => p.split(" ")[0]!)]) this.type(type);
    const lines = body();
    this.functions.set(
      name,
      [`INLINE ${result} ${name}(${params.join(", ")}) {`, ...lines.map((line) => (line.startsWith("#") ? line : `  ${line}`)), "}"].join("\n"),
    );
    return name;
  }

  text(): string {
    const types = [...this.types].sort(byLanes).map(typedefOf);
    const inline = this.functions.size > 0 ? ["#define INLINE static inline __attribute__((always_inline))", ""] : [];
    return ["#include <stdint.h>", "", ...inline, ...types, ...(types.length ? [""] : []), ...[...this.functions.values()].flatMap((text) => [text, ""])].join(
      "\n",
    );
  }
}

/** Scalars before vectors, "i32x8" before "i32x16". */
function byLanes(a: string, b: string): number {
  const lanes = (name: string): number => Number(name.split("x")[1] ?? 1);
  return lanes(a) - lanes(b) || (a < b ? -1 : 1);
}

/** Lines for gcc and lines for other compilers (clang), which take vector extensions apart better. */
export function byCompiler(gcc: readonly string[], other: readonly string[]): string[] {
  return ["#ifdef __clang__", ...other, "#else", ...gcc, "#endif"];
}
