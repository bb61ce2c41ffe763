import { NeoError } from "../support/errors.ts";
import type { MachineProbe } from "../support/machine.ts";
import type { TargetProfile } from "./profile.ts";

/** Best first. */
const BY_ARCH: Readonly<Record<string, readonly string[]>> = {
  x86_64: ["x86-64-v4", "x86-64-v3", "x86-64-v2"],
  aarch64: ["arm64"],
  armv7: ["armv7"],
  riscv64: ["riscv64"],
};

const TOOLCHAIN_BY_OS: Readonly<Record<string, { readonly triple: Readonly<Record<string, string>>; readonly extension: string }>> = {
  android: { triple: { x86_64: "x86_64-linux-android24", aarch64: "aarch64-linux-android24", armv7: "armv7a-linux-androideabi24" }, extension: "so" },
  windows: { triple: { x86_64: "x86_64-pc-windows-msvc", aarch64: "aarch64-pc-windows-msvc" }, extension: "dll" },
  macos: { triple: { x86_64: "x86_64-apple-macos12", aarch64: "arm64-apple-macos12" }, extension: "dylib" },
};

/** The first profile of the machine's architecture whose features it has, with the machine's system, caches and cores. */
export function hostProfile(probe: MachineProbe | undefined, load: (name: string) => TargetProfile): TargetProfile {
  const candidates = probe ? (BY_ARCH[probe.arch] ?? []).map(load) : [];
  const base = candidates.find((profile) => profile.cpuFeatures.every((feature) => probe!.cpuFeatures.includes(feature)));
  const system = probe?.os === "linux" ? undefined : TOOLCHAIN_BY_OS[probe?.os ?? "unknown"];
  const triple = system?.triple[probe?.arch ?? ""];
  if (!probe || !base || probe.os === "unknown" || (system && !triple) || (!system && probe.os !== "linux")) throw noHost(probe, candidates);
  return {
    ...base,
    name: "host",
    summary: `${probe.model || "this machine"}, as ${base.name}`,
    os: probe.os,
    cores: probe.cores,
    ...(probe.l1Bytes ? { l1Bytes: probe.l1Bytes } : {}),
    ...(probe.l2Bytes ? { l2Bytes: probe.l2Bytes } : {}),
    toolchain: system ? { ...base.toolchain!, triple: triple!, extension: system.extension } : base.toolchain!,
  };
}

function noHost(probe: MachineProbe | undefined, candidates: readonly TargetProfile[]): NeoError {
  return new NeoError({
    code: "NEO3003",
    message: "no native target fits this machine",
    notes: probe
      ? [
          { where: "machine", text: `${probe.os} on ${probe.arch}${probe.model ? ` (${probe.model})` : ""}` },
          ...candidates.map((c) => ({ where: c.name, text: `lacks ${c.cpuFeatures.filter((f) => !probe.cpuFeatures.includes(f)).join(", ")}` })),
        ]
      : [{ where: "machine", text: "not probed" }],
    hint: "compile for `-t wasm`, which runs anywhere",
  });
}
