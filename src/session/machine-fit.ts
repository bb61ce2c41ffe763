import { CODE_ABI, type Artifact } from "../package/manifest.ts";
import type { MachineProbe } from "../support/machine.ts";
import { hasWasmFeature } from "./wasm-features.ts";

/** What an artifact needs and this machine has not, in words; empty where it fits. `machine` is absent where native code can't run. */
export function whatIsMissing(artifact: Artifact, machine: MachineProbe | undefined): string[] {
  const { os, arch, cpuFeatures, abi } = artifact.needs;
  const missing: string[] = [];
  if (abi !== CODE_ABI) missing.push(`has calling convention ${abi}, this version calls ${CODE_ABI}`);
  if (artifact.kind === "wasm") {
    if (typeof WebAssembly === "undefined") return [...missing, "needs WebAssembly, this host has none"];
    return [
      ...missing,
      ...lacking(
        cpuFeatures.filter((feature) => !hasWasmFeature(feature)),
        "this host's WebAssembly",
      ),
    ];
  }
  if (!machine) return [...missing, `needs ${os} on ${arch}, here only WebAssembly can run`];
  if (os !== "any" && os !== machine.os) missing.push(`needs ${os}, this is ${machine.os}`);
  if (arch !== machine.arch) return [...missing, `needs ${arch}, this is ${machine.arch}`];
  return [
    ...missing,
    ...lacking(
      cpuFeatures.filter((feature) => !machine.cpuFeatures.includes(feature)),
      machine.model || "this processor",
    ),
  ];
}

function lacking(features: readonly string[], who: string): string[] {
  return features.length > 0 ? [`needs ${features.join(", ")}, which ${who} lacks`] : [];
}
