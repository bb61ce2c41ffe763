import { readFileSync } from "node:fs";
import { probeMachine } from "../../src/support/node/probe.ts";
import { loadTarget } from "../../src/target/load.ts";
import type { TargetProfile } from "../../src/target/profile.ts";

const known = new Map<string, TargetProfile>();

/** A shipped target, or `host`. */
export function target(name: string): TargetProfile {
  const found =
    known.get(name) ??
    loadTarget(name, { probe: probeMachine(), read: (other) => readFileSync(new URL(`../../targets/${other}.json`, import.meta.url), "utf8") });
  known.set(name, found);
  return found;
}
