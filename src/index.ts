/** The library: bytes in, bytes out. In browsers import `@neo-edge/neo/session`, or `compile` with ports of your own. */
import type { Compiled, CompileOptions, CompilePorts } from "./compile.ts";
import type { LoadOptions } from "./session/load.ts";
import type { Session } from "./session/session.ts";

export type { ArtifactReport, Binding, Compiled, CompileOptions, CompilePorts, CompileReport } from "./compile.ts";
export type { LoadOptions, Session } from "./session/index.ts";
export type { TargetProfile } from "./target/profile.ts";
export { NeoError } from "./support/errors.ts";

/** Everything of `CompileOptions`, with targets also by name. */
export interface LibraryCompileOptions extends Omit<CompileOptions, "targets" | "compiler"> {
  /** Names of `neo targets` or profiles; default: this machine. */
  readonly targets?: readonly (string | CompileOptions["targets"][number])[];
  /** Secret key text (a `.key` file) to sign with. */
  readonly sign?: string;
}

/** A model file to bundle bytes, with the C compiler and crypto of this machine. */
export async function compile(
  bytes: Uint8Array,
  options: LibraryCompileOptions,
): Promise<{ readonly bundle: Uint8Array; readonly report: Compiled["report"] }> {
  const [core, { nodeCrypto }, toolchain, { targetByName }, { VERSION }, { tryRegion }] = await Promise.all([
    import("./compile.ts"),
    import("./support/node/crypto.ts"),
    import("./support/node/toolchain.ts"),
    import("./target-by-name.ts"),
    import("./support/node/version.ts"),
    import("./session/node/try-region.ts"),
  ]);
  const ports: CompilePorts = {
    crypto: nodeCrypto,
    compileC: toolchain.hostCompiler(process.env),
    tryRegion,
    now: () => performance.now(),
  };
  const { sign, targets = ["host"], ...rest } = options;
  const profiles = await Promise.all(targets.map((target) => (typeof target === "string" ? targetByName(target) : target)));
  const { bundle, report } = await core.compile(bytes, { ...rest, compiler: `neo ${VERSION}`, targets: profiles }, ports);
  if (sign === undefined) return { bundle: bundle.bytes, report };
  const [{ signBundle }, { parseSecretKey }] = await Promise.all([import("./package/sign-bundle.ts"), import("./package/keys.ts")]);
  return { bundle: signBundle(bundle.bytes, parseSecretKey(sign), nodeCrypto), report };
}

/** Verifies a bundle and makes it ready to run: native code where it fits this machine, else WebAssembly. */
export async function load(bytes: Uint8Array, options: LoadOptions): Promise<Session> {
  const [session, crypto, native, engines] = await Promise.all([
    import("./session/load.ts"),
    import("./support/node/crypto.ts"),
    import("./session/node/native-engine.ts"),
    import("./session/node/engines.ts"),
  ]);
  return session.load(bytes, { crypto: crypto.nodeCrypto, native: native.nativeRunner(), engines: engines.nodeEngines(), ...options });
}

/** A fresh key pair as the texts of a `.key` and a `.pub` file. */
export async function generateKeys(): Promise<{ readonly secretKey: string; readonly publicKey: string }> {
  const [{ randomBytes }, { nodeCrypto }, keys] = await Promise.all([import("node:crypto"), import("./support/node/crypto.ts"), import("./package/keys.ts")]);
  const secret = new Uint8Array(randomBytes(32));
  return { secretKey: keys.printSecretKey(secret), publicKey: keys.printPublicKey(nodeCrypto.publicKeyOf(secret)) };
}
