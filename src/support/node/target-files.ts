import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../../../targets/", import.meta.url);

/** The text of `targets/<name>.json` of this package. */
export function readTargetFile(name: string): string | undefined {
  try {
    return readFileSync(fileURLToPath(new URL(`${name}.json`, FOLDER)), "utf8");
  } catch {
    return undefined;
  }
}

/** Names of the profiles this package has, sorted. */
export function targetNames(): string[] {
  return readdirSync(fileURLToPath(FOLDER))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}
