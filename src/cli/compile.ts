import { join } from "node:path";
import type { Compiled, CompileReport } from "../compile.ts";
import type { Pass, PassHooks } from "../passes/pass.ts";
import { signBundle } from "../package/sign-bundle.ts";
import { keyId } from "../package/keys.ts";
import { NeoError } from "../support/errors.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { formatBytes, formatCount, formatMs } from "../support/table.ts";
import type { TargetProfile } from "../target/profile.ts";
import { listOption, textOption, type CommandSpec, type Invocation, type Outcome } from "./command.ts";
import { hostLatency } from "./host-latency.ts";
import { PARTITION_OPTIONS, partitionError, partitionResult } from "./accelerators.ts";
import { compileModel, TARGET_OPTION, targetsFrom } from "./compile-model.ts";
import { dumpFolder, dumpIr } from "./dump-ir.ts";
import { FALLBACK_OPTION, fallbackError, hostLines, hostNodes } from "./host-steps.ts";
import { makeFolder, writeOutput } from "./files.ts";
import { MODEL_OPTIONS, modelFrom, PREPROCESS_OPTION, type ModelInput } from "./model-options.ts";
import { partitionLines } from "./partition-lines.ts";
import { secretKeyFrom } from "./sign.ts";

const EMITS = ["bundle", "c", "wasm"];

export const compileCommand: CommandSpec = {
  name: "compile",
  args: [{ name: "model", text: "a model file, or - for stdin" }],
  options: [
    TARGET_OPTION,
    { flags: "-o, --output <file>", text: "the bundle (default: MODEL.TARGET.neo), or the folder for other --emit; - is stdout" },
    {
      flags: "--emit <kinds>",
      text: "what to write: bundle, c (readable C, model.h, weights.bin; of trees without -t NAME.c and NAME.h for any machine), wasm (module and weights.bin)",
    },
    ...MODEL_OPTIONS,
    PREPROCESS_OPTION,
    { flags: "--sign <keyfile>", text: "secret key to sign with (default: the user's default key)" },
    FALLBACK_OPTION,
    ...PARTITION_OPTIONS,
    { flags: "--cpu-fallback", text: "puts code for everything into the bundle, too, for where the engines of accelerators are missing" },
    { flags: "--no-sign", text: "leave the bundle unsigned" },
    { flags: "--name <name>", text: "name in the manifest (default: the file's)" },
    { flags: "--model-version <version>", text: "version in the manifest" },
    { flags: "--print-ir-after <pass>", text: "prints the graph to stderr after this pass, or after each (all)" },
    { flags: "--dump-ir <after-each:folder>", text: "writes the graph behind each pass that changed it, and the program of each target, as text" },
    { flags: "--stop-after <pass>", text: "stops behind this pass and prints the graph, or writes it to -o; import stops before the first" },
    { flags: "--profile", text: "keeps the steps of the code apart, with what each computes, for `neo bench --profile`" },
    { flags: "--timing", text: "shows what each pass took" },
  ],
  examples: ["neo compile model.onnx", "neo compile model.onnx -t wasm,x86-64-v3 --shape N=1,8 --sign release.key -o model.neo"],
  exits: {
    0: "ok",
    2: "usage",
    3: "unsupported or malformed model, unknown target, no compiler for it",
    5: "the key file is no key",
    6: "a file can't be read or written",
    7: "the model exceeds a limit",
  },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const { options } = invocation;
    const emits = listOption(options, "emit").length > 0 ? listOption(options, "emit") : ["bundle"];
    const unknown = emits.find((kind) => !EMITS.includes(kind));
    if (unknown) throw new NeoError({ code: "NEO1014", message: `--emit ${unknown}: there is no such output`, hint: `one of ${EMITS.join(", ")}` });
    const targets = await targetsFrom(invocation);
    const model = await modelFrom(file, invocation);
    const stop = textOption(options, "stopAfter");
    const folder = dumpFolder(invocation);
    const outcome = stop === undefined ? undefined : await stopAfter(stop, model, invocation);
    const dump = folder === undefined ? [] : await dumpIr(folder, model, targets, stop, invocation);
    const made = outcome ?? (await compileAndWrite(file, model, emits, targets, invocation));
    if (folder === undefined) return made;
    invocation.reporter.info(`${folder}  ${dump.length} files of text, for neo opt`);
    return { ...made, result: { ...made.result, dump } };
  },
};

async function compileAndWrite(
  file: string,
  model: ModelInput,
  emits: readonly string[],
  targets: readonly TargetProfile[],
  invocation: Invocation,
): Promise<Outcome> {
  if (!emits.includes("bundle")) return emitSources(emits, model, targets, invocation);
  const compiled = await compileModel(model, targets, invocation, await hooksFrom(invocation));
  const refusal =
    fallbackError(compiled.report.hostOps, invocation.options, model.fileName) ??
    partitionError(compiled.report.partitions, invocation.options, model.fileName);
  if (refusal) throw refusal;
  const outcome = await writeBundle(file, compiled, targets, invocation);
  const others = emits.filter((kind) => kind !== "bundle");
  if (others.length > 0) await emitSources(others, model, targets, invocation);
  return outcome;
}

async function writeBundle(file: string, compiled: Compiled, targets: readonly TargetProfile[], invocation: Invocation): Promise<Outcome> {
  const { options, cwd, reporter } = invocation;
  const named = options["sign"];
  const secret = named === false ? undefined : await secretKeyFrom(invocation, typeof named === "string" ? named : undefined);
  const bytes = secret ? signBundle(compiled.bundle.bytes, secret, nodeCrypto) : compiled.bundle.bytes;
  if (!secret && named !== false) reporter.warn("the bundle is unsigned: `neo keygen --default` makes a key, --sign names one, --no-sign means it");
  const output = textOption(options, "output") ?? `${file === "-" ? compiled.report.name : file.replace(/\.[a-z0-9]+$/i, "")}.${targets[0]!.name}.neo`;
  const { report } = compiled;
  const [ops, onHost] = [Object.values(report.ops).reduce((n, c) => n + c, 0), hostNodes(report.hostOps).length];
  const latency = await hostLatency(bytes, report.macs, cwd);
  const result = {
    ...(latency ? { hostMs: latency.ms } : {}),
    bundle: { path: output, bytes: bytes.length, digest: report.digest, ...(secret ? { keyId: keyId(nodeCrypto, nodeCrypto.publicKeyOf(secret)) } : {}) },
    artifacts: report.artifacts,
    arena: { planned: Math.max(...report.artifacts.map((a) => a.arenaBytes)), lowerBound: Math.max(...report.artifacts.map((a) => a.arenaLowerBound)) },
    weightsBytes: report.artifacts[0]!.weightsBytes,
    codeBytes: report.artifacts.reduce((n, a) => n + a.codeBytes, 0),
    macs: report.macs,
    ops: report.ops,
    regions: [
      ...partRows(report, ops - onHost),
      ...(onHost > 0
        ? [{ id: 1, accelerator: "host", nodes: onHost, macShare: 0, reason: `functions of the session: ${Object.keys(report.hostOps).join(", ")}` }]
        : []),
    ],
    passes: report.passes,
    ...partitionResult(report.partitions),
  };
  if (output === "-") return { text: "", result, bytes };
  await writeOutput(output, bytes, cwd);
  const lines = [
    `${output}  ${formatBytes(bytes.length)}, ${secret ? "signed" : "unsigned"}, ${report.digest.slice(0, 16)}…`,
    ...report.artifacts.map(
      (a) =>
        `  ${a.target}: ${a.kernels} kernels, ${formatBytes(a.codeBytes)} code, ${formatBytes(a.weightsBytes)} weights, ${formatBytes(a.arenaBytes)} arena (${(a.arenaBytes / Math.max(1, a.arenaLowerBound)).toFixed(2)}x of the largest live set)`,
    ),
    `  ${formatCount(report.macs)} multiply-accumulates${report.partitions.some(({ partition }) => partition.regions.length > 0) ? "" : ", all of them compiled for the CPU"}`,
    ...report.partitions.flatMap((partition) => partitionLines(partition, invocation.reporter.verbose).map((line) => `  ${line.replaceAll("\n", "\n  ")}`)),
    ...hostLines(report.hostOps, ops),
    ...(latency ? [`  ${formatMs(latency.ms)} a run on this machine (${latency.artifact})`] : []),
    ...(options["timing"] === true ? report.passes.map((p) => `  ${p.name.padEnd(24)} ${p.ms.toFixed(1)} ms${p.changed ? "" : "  (no change)"}`) : []),
    `next: neo run ${output}${secret ? "" : " --allow-unsigned"}`,
  ];
  return { text: lines.join("\n"), result };
}

/** The CPU, and each accelerator of the first target, with its share of the work. */
function partRows({ partitions, macs }: CompileReport, ops: number): { id: number; accelerator: string; nodes: number; macShare: number; reason: string }[] {
  const [first] = partitions;
  if (!first) return [{ id: 0, accelerator: "cpu", nodes: ops, macShare: 1, reason: "no accelerator was asked for" }];
  const { regions, ops: all, macShare } = first.partition;
  const inRegions = regions.reduce((n, { nodes }) => n + nodes.length, 0);
  const share = (part: number): number => (macs === 0 ? 0 : part / macs);
  return [
    { id: 0, accelerator: "cpu", nodes: all - inRegions, macShare: 1 - macShare, reason: "what no accelerator has" },
    ...regions.map((region, i) => ({
      id: i + 2,
      accelerator: region.accelerator,
      nodes: region.nodes.length,
      macShare: share(region.macs),
      reason: `${region.name}: estimated ${Math.round(region.us)} us, ${Math.round(region.cpuUs)} us as code`,
    })),
  ];
}

async function hooksFrom({ options, reporter }: Invocation): Promise<PassHooks | undefined> {
  const wanted = textOption(options, "printIrAfter");
  if (wanted === undefined) return undefined;
  const { PASSES } = await import("../passes/pipelines.ts");
  const names = ["all", ...PASSES.map((pass) => pass.name)];
  if (!names.includes(wanted))
    throw new NeoError({ code: "NEO1015", message: `--print-ir-after ${wanted}: there is no such pass`, hint: `one of ${names.join(", ")}` });
  const { printGraph } = await import("../ir/text/print.ts");
  return {
    after: (pass: Pass, graph) => void (wanted === "all" || wanted === pass.name ? reporter.info(`// after ${pass.name}\n${printGraph(graph)}`) : undefined),
  };
}

async function stopAfter(pass: string, model: ModelInput, invocation: Invocation): Promise<Outcome> {
  const { importModel } = await import("../frontends/index.ts");
  const { optimize } = await import("../compile.ts");
  const { PASSES } = await import("../passes/pipelines.ts");
  const { printGraph } = await import("../ir/text/print.ts");
  const names = ["import", ...PASSES.map((p) => p.name)];
  if (!names.includes(pass))
    throw new NeoError({ code: "NEO1015", message: `--stop-after ${pass}: there is no such pass`, hint: `one of ${names.join(", ")}` });
  const graph = importModel(model.bytes, { ...model, shapes: model.bindings[0]! });
  if (pass !== "import") optimize(graph, { stopAfter: pass, ...((await hooksFrom(invocation)) ?? {}) });
  const text = printGraph(graph);
  const output = textOption(invocation.options, "output");
  if (output === undefined || output === "-") return { text, result: { graph: text } };
  await writeOutput(output, new TextEncoder().encode(text), invocation.cwd);
  return { text: `${output}  ${graph.ops.length - 1} ops behind ${pass}\nnext: neo opt ${output} --passes cpu`, result: { graph: text, path: output } };
}

/** The model's file name without extension, or `--name`. */
function nameOf({ fileName }: ModelInput, { options }: Invocation): string {
  return textOption(options, "name") ?? fileName.replace(/\.[a-z0-9]+$/i, "");
}

/** Readable sources instead of a bundle: into the folder of `-o`, by default named after the model. */
async function emitSources(emits: readonly string[], model: ModelInput, targets: readonly TargetProfile[], invocation: Invocation): Promise<Outcome> {
  const { importModel } = await import("../frontends/index.ts");
  const { optimize } = await import("../compile.ts");
  const { lower } = await import("../backends/lower.ts");
  const { WeightPool } = await import("../backends/weight-pool.ts");
  const { sessionSteps } = await import("../backends/session-steps.ts");
  const { printPortableC } = await import("../backends/portable-c/print.ts");
  const given = textOption(invocation.options, "output");
  const folder = given !== undefined && emits.length > 0 && !given.endsWith(".neo") ? given : `${model.fileName.replace(/\.[a-z0-9]+$/i, "")}.sources`;
  const written: { path: string; bytes: number }[] = [];
  const put = async (name: string, bytes: Uint8Array): Promise<void> => {
    makeFolder(folder, invocation.cwd);
    await writeOutput(join(folder, name), bytes, invocation.cwd);
    written.push({ path: join(folder, name), bytes: bytes.length });
  };
  const graph = importModel(model.bytes, { ...model, shapes: model.bindings[0]! });
  // Without a target C is for any machine, where the model is one that has such a form.
  const portable = emits.includes("c") && textOption(invocation.options, "target") === undefined ? printPortableC(graph, nameOf(model, invocation)) : undefined;
  if (portable) {
    await put(`${portable.name}.c`, new TextEncoder().encode(portable.source));
    await put(`${portable.name}.h`, new TextEncoder().encode(portable.header));
  }
  optimize(graph);
  for (const kind of emits) {
    if (portable && kind === "c") continue;
    const target =
      kind === "wasm"
        ? (targets.find((t) => t.kind === "wasm") ?? (await (await import("../target-by-name.ts")).targetByName("wasm", invocation.cwd)))
        : targets.find((t) => t.kind === "native");
    if (!target)
      throw new NeoError({
        code: "NEO3011",
        message: `--emit ${kind} wants a native target, found ${targets.map((t) => t.name).join(", ")}`,
        hint: "add -t host, or a name of `neo targets`",
      });
    const pool = new WeightPool();
    const { program, lengths } = lower(graph, target, pool);
    if (kind === "c") {
      const { printC } = await import("../backends/c/print.ts");
      const { sources, headers } = printC(program, target, lengths);
      for (const part of [...sources, ...headers]) await put(part.name, new TextEncoder().encode(part.text));
    } else {
      const { emitWasm } = await import("../backends/wasm/emit.ts");
      await put("model.wasm", await emitWasm(program, target));
    }
    await put("weights.bin", pool.bytes());
    const steps = sessionSteps(program);
    // Who runs such code does these steps, too, and knows what strings in weights stand for.
    if (steps.length > 0 || pool.texts.length > 1)
      await put("steps.json", new TextEncoder().encode(`${JSON.stringify({ texts: pool.texts.list(), steps }, null, 2)}\n`));
  }
  return { text: written.map((f) => `${f.path}  ${formatBytes(f.bytes)}`).join("\n"), result: { files: written } };
}
