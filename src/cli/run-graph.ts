import { compileGraphs } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import type { Data, Tensor } from "../ir/tensor.ts";
import type { DType } from "../ir/types.ts";
import { load } from "../session/load.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import type { Session } from "../session/session.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import type { TargetProfile } from "../target/profile.ts";
import { targetByName } from "../target-by-name.ts";
import { listOption, type Invocation } from "./command.ts";
import { hostCompiler } from "../support/node/toolchain.ts";
import { targetsFrom } from "./compile-model.ts";
import { VERSION } from "../support/node/version.ts";

/** Results of an optimised graph on its parameters, in order. */
export type RunGraph = (graph: Graph, inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;

/** Compiles each graph for `target`, as a bundle in memory, and runs it once. Throws a NeoError for what can't be compiled alone. */
export function compiledRun(target: TargetProfile, { env }: Invocation): RunGraph {
  const ports = { crypto: nodeCrypto, compileC: hostCompiler(env) };
  const native = nativeRunner();
  return async (graph, inputs) => {
    const options = { name: graph.name, compiler: `neo ${VERSION}`, targets: [target], bindings: [{}], withoutSelfTest: true };
    const { bundle } = await compileGraphs([graph], options, ports);
    const session = await load(bundle.bytes, { crypto: nodeCrypto, native, trust: "unsigned" });
    try {
      const outputs = await session.run(Object.fromEntries(session.inputs.map((port, i) => [port.name, inputs[i]!])));
      // By name: an object has names that are numbers, as exporters give them, in an order of its own.
      return session.outputs.map(({ name }) => ({
        type: { dtype: outputs[name]!.dtype as DType, shape: outputs[name]!.shape },
        data: outputs[name]!.data as Data,
      }));
    } finally {
      session.close();
    }
  };
}

/** The target that the code of a session was compiled for. */
export async function targetOf(session: Session, invocation: Invocation): Promise<TargetProfile> {
  const { name } = session.artifact.target;
  const asked = listOption(invocation.options, "target").length > 0 ? await targetsFrom(invocation) : [];
  return asked.find((target) => target.name === name) ?? targetByName(session.kind === "wasm" ? "wasm" : name, invocation.cwd);
}
