import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { keyId, printPublicKey, printSecretKey } from "../package/keys.ts";
import { NeoError } from "../support/errors.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { ioError } from "../support/node/io-errors.ts";
import { textOption, type CommandSpec } from "./command.ts";
import { defaultPublicKey, defaultSecretKey } from "./key-files.ts";

export const keygen: CommandSpec = {
  name: "keygen",
  args: [],
  options: [
    { flags: "-o, --output <name>", text: "writes NAME.key (mode 0600) and NAME.pub; default: neo" },
    { flags: "--default", text: "makes it the user's default: compile signs with it, run trusts it" },
  ],
  examples: ["neo keygen --default", "neo keygen -o release"],
  exits: { 0: "ok", 2: "the key exists already", 6: "the files can't be written" },
  async run({ options, cwd, env }) {
    const isDefault = options["default"] === true;
    const name = textOption(options, "output") ?? "neo";
    const secretFile = isDefault ? defaultSecretKey(env) : resolve(cwd, `${name}.key`);
    const publicFile = isDefault ? defaultPublicKey(env) : resolve(cwd, `${name}.pub`);
    for (const file of [secretFile, publicFile]) {
      if (existsSync(file))
        throw new NeoError({
          code: "NEO1006",
          message: `${file} exists: keys are never overwritten`,
          hint: "choose another name with `-o`, or move the old pair away",
        });
    }
    const secret = new Uint8Array(randomBytes(32));
    const open = nodeCrypto.publicKeyOf(secret);
    await writeNew(secretFile, printSecretKey(secret), 0o600);
    await writeNew(publicFile, printPublicKey(open), 0o644);
    const id = keyId(nodeCrypto, open);
    const next = isDefault
      ? "next: neo compile model.onnx   (signs with it)"
      : `next: neo compile model.onnx --sign ${name}.key, then neo run model.neo --trust ${name}.pub`;
    return {
      text: [`secret key  ${secretFile}  (keep it)`, `public key  ${publicFile}`, `key id      ${id}`, next].join("\n"),
      result: { secretKey: secretFile, publicKey: publicFile, keyId: id },
    };
  },
};

/** A file that must not exist, with its mode from the first byte on. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ioError(path, error);
  }
}
