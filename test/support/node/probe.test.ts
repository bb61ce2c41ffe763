import { expect, test } from "vitest";
import { featuresFromCpuinfo } from "../../../src/support/machine.ts";
import { cpuinfoWords, probeMachine } from "../../../src/support/node/probe.ts";

test("features are read from the first processor, under our own words", () => {
  const x86 = "processor\t: 0\nflags\t\t: fpu pni ssse3 fma cx16 sse4_1 sse4_2 popcnt avx abm avx2\nbugs\t: x\n\nprocessor\t: 1\nflags\t\t: avx512f\n";
  expect(featuresFromCpuinfo("x86_64", cpuinfoWords(x86))).toEqual(["avx", "avx2", "cx16", "fma", "lzcnt", "popcnt", "sse3", "sse4.1", "sse4.2", "ssse3"]);
  expect(featuresFromCpuinfo("aarch64", cpuinfoWords("Features\t: fp asimd evtstrm crc32 asimddp\n"))).toEqual(["dotprod", "neon"]);
  expect(featuresFromCpuinfo("armv7", cpuinfoWords("Features\t: half thumb vfp neon vfpv4\n"))).toEqual(["neon", "vfpv4"]);
  expect(featuresFromCpuinfo("riscv64", cpuinfoWords("isa\t\t: rv64imafdcv_zicsr_zvl128b\n"))).toEqual(["v"]);
  expect(featuresFromCpuinfo("riscv64", cpuinfoWords("isa\t\t: rv64imafdc_sv39\n"))).toEqual([]);
});

test("this machine is probed", () => {
  const probe = probeMachine();
  expect(probe.cores).toBeGreaterThanOrEqual(1);
  expect(probe.arch).not.toBe("unknown");
});
