/** What code needs of a machine and what a machine has, in the same words: the profiles, the manifest and the probe agree on them. */

export type MachineArch = "x86_64" | "aarch64" | "armv7" | "riscv64" | "wasm32";
export type MachineOs = "linux" | "android" | "windows" | "macos" | "ios";

/** Facts about the machine we run on, collected by an adapter. */
export interface MachineProbe {
  readonly os: MachineOs | "unknown";
  readonly arch: MachineArch | "unknown";
  /** Words of `CPU_FEATURES`. */
  readonly cpuFeatures: readonly string[];
  /** The processor's own name; empty if nobody told. */
  readonly model: string;
  readonly cores: number;
  readonly l1Bytes?: number;
  readonly l2Bytes?: number;
}

/** Every feature word of an architecture, with its name in Linux' /proc/cpuinfo (x86 `flags`, Arm `Features`, RISC-V letter of `isa`). */
export const CPU_FEATURES: Readonly<Record<MachineArch, Readonly<Record<string, string>>>> = {
  x86_64: {
    cx16: "cx16",
    lahf: "lahf_lm",
    popcnt: "popcnt",
    sse3: "pni",
    ssse3: "ssse3",
    "sse4.1": "sse4_1",
    "sse4.2": "sse4_2",
    avx: "avx",
    avx2: "avx2",
    bmi1: "bmi1",
    bmi2: "bmi2",
    f16c: "f16c",
    fma: "fma",
    lzcnt: "abm",
    movbe: "movbe",
    avx512f: "avx512f",
    avx512bw: "avx512bw",
    avx512cd: "avx512cd",
    avx512dq: "avx512dq",
    avx512vl: "avx512vl",
    avxvnni: "avx_vnni",
    avx512vnni: "avx512_vnni",
    avx512vbmi: "avx512_vbmi",
    avx512bf16: "avx512_bf16",
  },
  aarch64: { neon: "asimd", dotprod: "asimddp", fp16: "asimdhp", i8mm: "i8mm", bf16: "bf16", sve: "sve" },
  armv7: { neon: "neon", vfpv4: "vfpv4", idiva: "idiva" },
  riscv64: { v: "v" },
  wasm32: { simd128: "", "relaxed-simd": "", threads: "" },
};

/** Feature words found in the words of /proc/cpuinfo, sorted. */
export function featuresFromCpuinfo(arch: MachineArch, words: ReadonlySet<string>): string[] {
  return Object.entries(CPU_FEATURES[arch])
    .filter(([, name]) => words.has(name))
    .map(([word]) => word)
    .sort();
}
