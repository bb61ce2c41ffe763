import type { LoadOptions } from "./session/load.ts";
import type { Session } from "./session/session.ts";

/** Verifies a bundle and makes it ready to run: native code where it fits this machine, else WebAssembly. */
export async function load(bytes: Uint8Array, options: LoadOptions): Promise<Session> {
  const [session, crypto, native] = await Promise.all([import("./session/load.ts"), import("./support/node/crypto.ts"), import("./session/node/native-engine.ts")]);
  return session.load(bytes, { crypto: crypto.nodeCrypto, native: native.nativeRunner(), ...options });
}

export { NeoError } from "./support/errors.ts";
