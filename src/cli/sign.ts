import { resolve } from "node:path";
import { keyId, parseSecretKey } from "../package/keys.ts";
import { signBundle } from "../package/sign-bundle.ts";
import { NeoError } from "../support/errors.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { readFileBytes } from "../support/node/files.ts";
import { existsSync } from "node:fs";
import { textOption, type CommandSpec, type Invocation } from "./command.ts";
import { readInput, writeOutput } from "./files.ts";
import { defaultSecretKey } from "./key-files.ts";

export const sign: CommandSpec = {
  name: "sign",
  args: [{ name: "bundle", text: "a .neo file, or - for stdin" }],
  options: [
    { flags: "--key <file>", text: "secret key (default: the user's default key)" },
    { flags: "-o, --output <file>", text: "where to write; default: over the bundle; - is stdout" },
  ],
  examples: ["neo sign model.neo --key release.key", "neo sign model.neo"],
  exits: { 0: "ok", 2: "usage, no key", 5: "the bundle is damaged, the key file is no key", 6: "a file can't be read or written" },
  async run(invocation) {
    const [bundle] = invocation.args as [string];
    const { options, cwd } = invocation;
    const secret = await secretKeyFrom(invocation, textOption(options, "key"));
    if (!secret)
      throw new NeoError({ code: "NEO1007", message: "no secret key to sign with", hint: "`neo keygen --default` makes one, `--key FILE` names one" });
    const signed = signBundle(await readInput(bundle, cwd), secret, nodeCrypto, bundle);
    const output = textOption(options, "output") ?? bundle;
    const id = keyId(nodeCrypto, nodeCrypto.publicKeyOf(secret));
    if (output === "-") return { text: "", result: { path: "-", keyId: id, bytes: signed.length }, bytes: signed };
    await writeOutput(output, signed, cwd);
    return { text: `${output}: signed by ${id.slice(0, 16)}…\nnext: neo verify ${output}`, result: { path: output, keyId: id, bytes: signed.length } };
  },
};

/** The secret key of a file, or the user's default key; undefined where there is neither. */
export async function secretKeyFrom({ env, cwd }: Invocation, named: string | undefined): Promise<Uint8Array | undefined> {
  const path = named === undefined ? defaultSecretKey(env) : resolve(cwd, named);
  if (named === undefined && !existsSync(path)) return undefined;
  return parseSecretKey(new TextDecoder().decode(await readFileBytes(path, 1 << 20)), path);
}
