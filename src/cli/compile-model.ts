import { compile, type Compiled } from "../compile.ts";
import type { PassHooks } from "../passes/pass.ts";
import { tryRegion } from "../session/node/try-region.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { hostCompiler } from "../support/node/toolchain.ts";
import type { TargetProfile } from "../target/profile.ts";
import { acceleratorsAsked } from "./accelerators.ts";
import { listOption, textOption, type Invocation, type OptionSpec } from "./command.ts";
import { findCompilers } from "../support/node/compilers.ts";
import { preprocessFrom, type ModelInput } from "./model-options.ts";
import { targetByName } from "../target-by-name.ts";
import { VERSION } from "../support/node/version.ts";

export const TARGET_OPTION: OptionSpec = {
  flags: "-t, --target <targets>",
  text: "what to compile for: names of `neo targets` or profile files, best first (default: this machine; wasm where no C compiler is found)",
};

/** The targets asked for; without any, this machine, or WebAssembly where no C compiler is found. */
export async function targetsFrom({ options, cwd, env, reporter }: Invocation): Promise<TargetProfile[]> {
  const words = listOption(options, "target");
  if (words.length > 0) return Promise.all(words.map((word) => targetByName(word, cwd)));
  if (env["NEO_CC"] || (await findCompilers(env["PATH"] ?? "")).length > 0) return [await targetByName("host", cwd)];
  reporter.warn("no C compiler found: compiling to WebAssembly (`neo doctor` tells how to get one)");
  return [await targetByName("wasm", cwd)];
}

/** Compiles a model with the tools of this machine; progress goes to the reporter. */
export async function compileModel(model: ModelInput, targets: readonly TargetProfile[], invocation: Invocation, hooks?: PassHooks): Promise<Compiled> {
  const { options, reporter, env } = invocation;
  const name = textOption(options, "name");
  const version = textOption(options, "modelVersion");
  const accelerators = acceleratorsAsked(options);
  return reporter.stage(`compiling ${model.fileName}`, () =>
    compile(
      model.bytes,
      {
        fileName: model.fileName,
        compiler: `neo ${VERSION}`,
        targets,
        bindings: model.bindings,
        constants: model.constants,
        absent: model.absent,
        bounds: model.bounds,
        state: model.state,
        outputKinds: model.outputKinds,
        iterations: model.iterations,
        external: model.external,
        limits: model.limits,
        warn: model.warn,
        preprocess: preprocessFrom(options),
        profile: options["profile"] === true || options["kernel"] !== undefined,
        cpuFallback: options["cpuFallback"] === true,
        ...(name === undefined ? {} : { name }),
        ...(version === undefined ? {} : { version }),
        ...(hooks ? { hooks } : {}),
        ...(accelerators ? { accelerators } : {}),
      },
      { crypto: nodeCrypto, compileC: hostCompiler(env), tryRegion: (trial) => tryRegion(trial, { env }), now: () => performance.now() },
    ),
  );
}
