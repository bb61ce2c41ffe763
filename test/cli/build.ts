import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs once before the tests of the command line: they start the real `bin/neo.js`, built from the sources as they are. */
export default function setup(): void {
  const { status, error } = spawnSync(process.execPath, [fileURLToPath(new URL("../../scripts/setup.mjs", import.meta.url)), "--build-only"], {
    stdio: "inherit",
  });
  if (status !== 0) throw error ?? new Error(`scripts/setup.mjs ended with ${status}`);
}
