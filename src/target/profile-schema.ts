import { CPU_FEATURES, type MachineArch } from "../support/machine.ts";
import type { Note } from "../support/errors.ts";
import { checkAccelerators } from "./accelerator-fields.ts";
import type { TargetProfile } from "./profile.ts";
import { vectorsLive } from "./pressure.ts";

/** A check gives what it wanted, or undefined if the value is that. */
type Check = (value: unknown) => string | undefined;

const text: Check = (v) => (typeof v === "string" && v !== "" ? undefined : "a non-empty string");
const flag: Check = (v) => (typeof v === "boolean" ? undefined : "true or false");
const count =
  (low: number, high: number): Check =>
  (v) =>
    Number.isInteger(v) && (v as number) >= low && (v as number) <= high ? undefined : `an integer from ${low} to ${high}`;
const oneOf =
  (...values: readonly (string | number)[]): Check =>
  (v) =>
    values.includes(v as string) ? undefined : `one of ${values.join(", ")}`;
const texts: Check = (v) => (Array.isArray(v) && v.every((x) => typeof x === "string") ? undefined : "a list of strings");
const tiles: Check = (v) =>
  Array.isArray(v) && v.length > 0 && v.every((t) => Array.isArray(t) && t.length === 2 && t.every((n) => Number.isInteger(n) && n >= 1 && n <= 32))
    ? undefined
    : "a list of [pixels, vectors], each from 1 to 32";

const FIELDS: Readonly<Record<Exclude<keyof TargetProfile, "toolchain" | "accelerators">, Check>> = {
  name: text,
  summary: text,
  kind: oneOf("native", "wasm"),
  os: oneOf("linux", "android", "windows", "macos", "ios", "none", "any"),
  arch: oneOf("x86_64", "aarch64", "armv7", "riscv64", "wasm32"),
  vectorBytes: oneOf(4, 16, 32, 64),
  registers: count(4, 128),
  fma: oneOf("yes", "lane", "no"),
  pressure: oneOf("order", "hoist"),
  imageBlock: count(0, 64),
  tiles,
  unrollK: count(1, 16),
  prefetch: flag,
  fmaPerCycle: count(1, 8),
  loadsPerCycle: count(1, 8),
  l1Bytes: count(1024, 2 ** 30),
  l2Bytes: count(1024, 2 ** 32),
  cores: count(1, 1024),
  cpuFeatures: texts,
};

const TOOLCHAIN: Readonly<Record<string, { check: Check; optional: boolean }>> = {
  triple: { check: text, optional: false },
  flags: { check: texts, optional: false },
  gcc: { check: texts, optional: true },
  clang: { check: texts, optional: true },
  extension: { check: oneOf("so", "dll", "dylib"), optional: false },
};

/** Narrows a parsed profile to its type, or tells everything that is wrong with it, by JSON path. */
export function checkProfile(value: unknown): { readonly profile: TargetProfile } | { readonly findings: readonly Note[] } {
  if (!isRecord(value)) return { findings: [{ where: "$", text: "wanted an object" }] };
  const findings: Note[] = [];
  const want = (where: string, found: unknown, wanted: string | undefined): void => {
    if (wanted) findings.push({ where, text: `${found === undefined ? "missing" : `found ${JSON.stringify(found)}`}, wanted ${wanted}` });
  };
  for (const [name, check] of Object.entries(FIELDS)) want(`$.${name}`, value[name], check(value[name]));
  for (const name of Object.keys(value))
    if (!(name in FIELDS) && name !== "toolchain" && name !== "accelerators") findings.push({ where: `$.${name}`, text: "no such field" });
  if (value.accelerators !== undefined) checkAccelerators(value.accelerators, want);
  if (value.kind === "native" || value.toolchain !== undefined) checkToolchain(value.toolchain, want);
  if (findings.length === 0) findings.push(...contradictions(value as unknown as TargetProfile));
  return findings.length > 0 ? { findings } : { profile: value as unknown as TargetProfile };
}

function checkToolchain(value: unknown, want: (where: string, found: unknown, wanted: string | undefined) => void): void {
  if (!isRecord(value)) return want("$.toolchain", value, "an object with triple, flags and extension");
  for (const [name, { check, optional }] of Object.entries(TOOLCHAIN))
    if (!optional || value[name] !== undefined) want(`$.toolchain.${name}`, value[name], check(value[name]));
  for (const name of Object.keys(value)) if (!(name in TOOLCHAIN)) want(`$.toolchain.${name}`, value[name], `one of ${Object.keys(TOOLCHAIN).join(", ")}`);
}

/** Fields that are each right but not together. */
function contradictions(profile: TargetProfile): Note[] {
  const findings: Note[] = [];
  const lanes = profile.vectorBytes / 4;
  if (profile.imageBlock % lanes !== 0)
    findings.push({ where: "$.imageBlock", text: `found ${profile.imageBlock}, wanted 0 or a multiple of the ${lanes} lanes` });
  if ((profile.kind === "wasm") !== (profile.arch === "wasm32")) findings.push({ where: "$.arch", text: `found ${profile.arch} for kind ${profile.kind}` });
  profile.tiles.forEach(([mr, nv], i) => {
    const live = vectorsLive(mr, nv, profile);
    if (live > profile.registers)
      findings.push({ where: `$.tiles[${i}]`, text: `${mr}x${nv} keeps ${live} vectors alive, there are ${profile.registers} registers` });
  });
  const known = CPU_FEATURES[profile.arch as MachineArch];
  profile.cpuFeatures.forEach((feature, i) => {
    if (!Object.hasOwn(known, feature))
      findings.push({ where: `$.cpuFeatures[${i}]`, text: `found "${feature}", ${profile.arch} knows ${Object.keys(known).join(", ")}` });
  });
  return findings;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
