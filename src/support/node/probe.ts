import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, arch, cpus, platform } from "node:os";
import { CPU_FEATURES, featuresFromCpuinfo, type MachineArch, type MachineOs, type MachineProbe } from "../machine.ts";

const ARCH: Readonly<Record<string, MachineArch>> = { x64: "x86_64", arm64: "aarch64", arm: "armv7", riscv64: "riscv64" };
const OS: Readonly<Record<string, MachineOs>> = { linux: "linux", android: "android", win32: "windows", darwin: "macos" };

/** What the machine we run on is. Reads files (Linux, Android) or asks `sysctl` (macOS); unknown facts are left out. */
export function probeMachine(): MachineProbe {
  const machine = ARCH[arch()] ?? "unknown";
  const cache = { ...cacheBytes("l1Bytes", 1), ...cacheBytes("l2Bytes", 2) };
  return {
    os: OS[platform()] ?? "unknown",
    arch: machine,
    cpuFeatures: machine === "unknown" ? [] : cpuFeatures(machine),
    model: cpus()[0]?.model.trim() ?? "",
    cores: availableParallelism(),
    ...cache,
  };
}

function cpuFeatures(machine: MachineArch): string[] {
  const cpuinfo = readText("/proc/cpuinfo");
  if (cpuinfo !== undefined) return featuresFromCpuinfo(machine, cpuinfoWords(cpuinfo));
  if (platform() === "darwin") return machine === "aarch64" ? ["dotprod", "fp16", "neon"] : sysctlFeatures();
  // Windows tells features only through a C call. Windows 11 does not start without these.
  if (platform() === "win32" && machine === "x86_64") return ["cx16", "lahf", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"];
  return platform() === "win32" && machine === "aarch64" ? ["neon"] : [];
}

/** The words of the first `flags` (x86) or `Features` (Arm) line, or the letters of RISC-V's `isa`. */
export function cpuinfoWords(cpuinfo: string): Set<string> {
  const list = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1];
  if (list !== undefined) return new Set(list.trim().split(/\s+/));
  const isa = /^isa\s*:\s*rv\d+([a-z]*)/m.exec(cpuinfo)?.[1] ?? "";
  return new Set(isa.split("_")[0]!);
}

function sysctlFeatures(): string[] {
  try {
    const out = execFileSync("/usr/sbin/sysctl", ["-n", "machdep.cpu.features", "machdep.cpu.leaf7_features", "machdep.cpu.extfeatures"], { encoding: "utf8" });
    const words = new Set(
      out
        .toLowerCase()
        .split(/\s+/)
        .map((w) =>
          w
            .replaceAll(".", "")
            .replace("avx10", "avx")
            .replace(/^lahf$/, "lahf_lm"),
        ),
    );
    const names = CPU_FEATURES.x86_64;
    return Object.keys(names)
      .filter((word) => words.has(word.replaceAll(".", "")) || words.has(names[word]!.replaceAll("_", "")))
      .sort();
  } catch {
    return [];
  }
}

function cacheBytes<K extends string>(key: K, level: number): Partial<Record<K, number>> {
  for (let i = 0; i < 8; i++) {
    const folder = `/sys/devices/system/cpu/cpu0/cache/index${i}`;
    if (readText(`${folder}/level`)?.trim() !== String(level) || readText(`${folder}/type`)?.trim() === "Instruction") continue;
    const size = /^(\d+)K/.exec(readText(`${folder}/size`) ?? "");
    if (size) return { [key]: Number(size[1]) * 1024 } as Partial<Record<K, number>>;
  }
  return {};
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
