import type { TargetProfile } from "../../src/target/profile.ts";

/** A machine that no profile describes: vectors of so many f32 lanes, images in blocks of so many channels. */
export function targetOf(lanes: number, imageBlock: number, more: Partial<TargetProfile> = {}): TargetProfile {
  return {
    name: `test${lanes}b${imageBlock}`,
    summary: "",
    kind: "native",
    os: "linux",
    arch: "x86_64",
    vectorBytes: lanes * 4,
    registers: lanes === 16 ? 32 : 16,
    fma: "yes",
    pressure: "order",
    imageBlock,
    tiles: [],
    unrollK: 2,
    prefetch: true,
    fmaPerCycle: 2,
    loadsPerCycle: 2,
    l1Bytes: 32768,
    l2Bytes: 262144,
    cores: 1,
    cpuFeatures: [],
    ...more,
  };
}
