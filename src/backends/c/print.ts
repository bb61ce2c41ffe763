import type { Kernel } from "../../kernel/kernel.ts";
import type { Port, Program } from "../../kernel/program.ts";
import { C_FLAGS, type CHeader, type CSource } from "../../support/c-source.ts";
import { isStepwise, MODEL_ABI, weightBytesOf } from "../program-facts.ts";
import type { PortLength } from "../lower.ts";
import type { TargetProfile } from "../../target/profile.ts";
import { commentText, kernelPrototype, printKernel } from "./kernel.ts";
import { modelPrototypes, printModel } from "./program.ts";
import { Support } from "./support.ts";

/** A program as C. */
export interface CSources {
  /** `model.c`: the functions of `model.h`, and all kernels but exact ones where there are fast ones too. */
  readonly source: string;
  /** `model.h` */
  readonly header: string;
  /** All files to compile: model.c, and model_exact.c where kernels of both modes exist. */
  readonly sources: readonly CSource[];
  readonly headers: readonly CHeader[];
}

/** Prints a program for gcc 12 or clang, freestanding. The same program and target give the same text. */
export function printC(program: Program, target: TargetProfile, lengths: readonly PortLength[] = []): CSources {
  const kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
  const fast = program.kernels.filter((kernel) => kernel.mode === "fast");
  const exact = program.kernels.filter((kernel) => kernel.mode === "exact");
  const apart = fast.length > 0 && exact.length > 0;
  const model: CSource = {
    name: "model.c",
    contract: fast.length > 0 ? "fast" : "off",
    text: printFile(program, target, apart ? fast : program.kernels, fast.length > 0 ? "fast" : "off", "model.c", {
      text: printModel(program, kernels),
      elsewhere: apart ? exact : [],
    }),
  };
  const sources = apart
    ? [model, { name: "model_exact.c", contract: "off" as const, text: printFile(program, target, exact, "off", "model_exact.c") }]
    : [model];
  const header: CHeader = { name: "model.h", text: printHeader(program, lengths) };
  return { source: model.text, header: header.text, sources, headers: [header] };
}

function printFile(
  program: Program,
  target: TargetProfile,
  kernels: readonly Kernel[],
  contract: CSource["contract"],
  name: string,
  model?: { readonly text: string; readonly elsewhere: readonly Kernel[] },
): string {
  const support = new Support(target);
  const isModel = model !== undefined;
  const functions = kernels.map((kernel) => printKernel(kernel, support, isModel ? "static" : "HIDDEN"));
  if (isModel) support.type("i32");
  const prototypes = (model?.elsewhere ?? []).map((kernel) => `HIDDEN ${kernelPrototype(kernel)};\n`);
  for (const kernel of model?.elsewhere ?? []) for (const param of kernel.params) support.type(param.elem);
  const flags = [...C_FLAGS, `-ffp-contract=${contract}`, ...(target.toolchain?.flags ?? [])].join(" ");
  const hidden = !isModel || prototypes.length > 0 ? [HIDDEN] : [];
  return [
    `/* ${commentText(program.name)} for ${target.name}: ${kernels.length} ${kernels.length === 1 ? "kernel" : "kernels"}. Made by neo.`,
    `   cc ${flags} -c ${name} */`,
    isModel ? '#include "model.h"' : "",
    support.text(),
    ...(isModel ? [EXPORT] : []),
    ...hidden,
    ...functions,
    ...prototypes,
    ...(model ? [model.text] : []),
    ...(isModel && target.os === "windows" ? [WINDOWS] : []),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

const EXPORT = `#if defined(_WIN32)
#define EXPORT(name) __declspec(dllexport)
#elif defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name) __attribute__((visibility("default")))
#endif
`;

const HIDDEN = `#if defined(_WIN32)
#define HIDDEN
#else
#define HIDDEN __attribute__((visibility("hidden")))
#endif
`;

/** What the linker wants of code without a C runtime. */
const WINDOWS = `#if defined(__MINGW32__)
int DllMainCRTStartup(void *module, uint32_t reason, void *reserved);
int DllMainCRTStartup(void *module, uint32_t reason, void *reserved) {
  (void)module;
  (void)reason;
  (void)reserved;
  return 1;
}
#elif defined(__x86_64__)
int _fltused = 0x9875;
#endif
`;

function printHeader(program: Program, lengths: readonly PortLength[]): string {
  const stepwise = isStepwise(program);
  return `/* ${commentText(program.name)}. Made by neo.

${portLines("inputs", program.inputs)}
${portLines("outputs", program.outputs)}
${lengths.map((length) => lengthLines(program, length)).join("")}
   Tensors are dense, row-major and aligned to their elements. \`weights\` is the content of weights.bin and may be read-only;
   it and \`arena\` are aligned to 128 bytes. The arena needs no clearing and keeps nothing between runs${program.stateBytes > 0 ? ` but its first ${program.stateBytes} bytes,\n   which are zeroed once before the first run` : ""}.
   Runs over different arenas may go on side by side. */
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <stdint.h>

#define MODEL_ARENA_BYTES ${program.arenaBytes}
#define MODEL_WEIGHT_BYTES ${weightBytesOf(program)}
#define MODEL_ABI ${MODEL_ABI}

#ifdef __cplusplus
extern "C" {
#endif

${modelPrototypes(stepwise)
  .map((prototype) => `${prototype};`)
  .join("\n")}

#ifdef __cplusplus
}
#endif

#endif
`;
}

/** Where the length of an axis stands that a run tells. */
function lengthLines({ extents }: Program, { port, index, axis, extent, low = 0, step = 1 }: PortLength): string {
  const { max, at } = extents[extent]!;
  const range = `${low} to ${max}${step === 1 ? "" : ` in steps of ${step}`}`;
  const when = port === "input" ? "written before each run" : "to be read after a run";
  return `   Axis ${axis} of ${port}s[${index}] is as long as the int32_t at arena + ${at.offset} says: ${range}, ${when}.\n   In memory it has its largest size; what lies behind the end ${port === "input" ? "does not matter" : "is zero"}.\n`;
}

function portLines(label: string, ports: readonly Port[]): string {
  if (ports.length === 0) return `   no ${label}`;
  return ports.map((port, i) => `   ${label}[${i}]  ${commentText(port.name)}: ${port.dtype}[${port.shape.join(", ")}], ${port.bytes} bytes`).join("\n");
}
