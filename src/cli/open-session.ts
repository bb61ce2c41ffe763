import { nodeCrypto } from "../support/node/crypto.ts";
import { load } from "../session/load.ts";
import { nodeEngines } from "../session/node/engines.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import type { Session } from "../session/session.ts";
import { NeoError } from "../support/errors.ts";
import { listOption, type Invocation, type OptionSpec } from "./command.ts";
import { compileModel, TARGET_OPTION, targetsFrom } from "./compile-model.ts";
import { isBundle, readInput } from "./files.ts";
import { MODEL_OPTIONS, modelFrom, PREPROCESS_OPTION } from "./model-options.ts";
import { TRUST_OPTIONS, trustFrom } from "./trust-options.ts";

/** Flags of commands that run a bundle, or a model compiled in memory. */
export const SESSION_OPTIONS: readonly OptionSpec[] = [
  { flags: "--executor <kinds>", text: "native, wasm: the first that runs here" },
  ...TRUST_OPTIONS,
  TARGET_OPTION,
  ...MODEL_OPTIONS,
  PREPROCESS_OPTION,
];

const KINDS = ["native", "wasm"] as const;

/** A session of a bundle file, verified by the flags of trust; or of a model, compiled in memory for this machine, which needs no key. */
export async function openSession(file: string, invocation: Invocation): Promise<Session> {
  const bytes = await readInput(file, invocation.cwd);
  const prefer = kindsFrom(invocation);
  const shared = { crypto: nodeCrypto, native: nativeRunner(), engines: nodeEngines(invocation.env), file, ...(prefer ? { prefer } : {}) };
  if (isBundle(bytes)) return load(bytes, { ...shared, trust: await trustFrom(invocation) });
  if (file === "-")
    throw new NeoError({ code: "NEO1018", message: "a model on stdin can't be run", hint: "give its path, or compile it first: neo compile - -o model.neo" });
  const wantsWasm = prefer?.[0] === "wasm";
  const targets = wantsWasm ? await targetsFrom({ ...invocation, options: { ...invocation.options, target: "wasm" } }) : await targetsFrom(invocation);
  const { bundle } = await compileModel(await modelFrom(file, invocation), targets, invocation);
  return load(bundle.bytes, { ...shared, trust: "unsigned" });
}

function kindsFrom({ options }: Invocation): ("native" | "wasm")[] | undefined {
  const words = listOption(options, "executor");
  if (words.length === 0) return undefined;
  const unknown = words.find((word) => !KINDS.includes(word as "native"));
  if (unknown)
    throw new NeoError({
      code: "NEO1019",
      message: `--executor ${unknown}: there is no such executor`,
      hint: `one of ${KINDS.join(", ")}${unknown === "interpreter" ? "; `neo run` and `neo compare` run the interpreter" : ""}`,
    });
  return words as ("native" | "wasm")[];
}
