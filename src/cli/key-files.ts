import { homedir } from "node:os";
import { join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** The user's configuration folder: `NEO_HOME`, else the platform's place. */
export function configFolder(env: Env): string {
  if (env["NEO_HOME"]) return env["NEO_HOME"];
  if (process.platform === "win32") return join(env["APPDATA"] ?? join(homedir(), "AppData", "Roaming"), "neo");
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "neo");
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "neo");
}

/** Where `keygen --default` puts the secret key. */
export function defaultSecretKey(env: Env): string {
  return join(configFolder(env), "default.key");
}

export function defaultPublicKey(env: Env): string {
  return join(trustFolder(env), "default.pub");
}

/** Public keys that are trusted when neither `--trust` nor `NEO_TRUST` says otherwise. */
export function trustFolder(env: Env): string {
  return join(configFolder(env), "trust");
}
