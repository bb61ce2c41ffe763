import { hostOpsOf } from "../backends/host-steps.ts";
import { lower } from "../backends/lower.ts";
import { WeightPool } from "../backends/weight-pool.ts";
import { countOps, macsOf, type TargetPartition } from "../compile.ts";
import { describeModel, importModel, type ModelDescription } from "../frontends/index.ts";
import type { Graph } from "../ir/graph.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { load } from "../session/load.ts";
import { nativeRunner } from "../session/node/native-engine.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { formatBytes, formatCount, formatMs, table } from "../support/table.ts";
import type { TargetProfile } from "../target/profile.ts";
import { PARTITION_OPTIONS, partitionError, partitionResult, partitionsOf } from "./accelerators.ts";
import { ASSERTION_OPTIONS, brokenAssertions, type TargetSizes } from "./check-assertions.ts";
import { checkedOperators, findingsOf, findingTable } from "./check-findings.ts";
import { brokenLatency, latencyLimit, measuredLatency } from "./check-latency.ts";
import { sizeFacts, sizeTable, type SizeFact } from "./check-sizes.ts";
import type { CommandSpec, Invocation, OptionValues } from "./command.ts";
import { compileModel, TARGET_OPTION, targetsFrom } from "./compile-model.ts";
import { FALLBACK_OPTION, fallbackError, hostLines, hostNodes, type HostOps } from "./host-steps.ts";
import { MODEL_OPTIONS, modelFrom, type ModelInput } from "./model-options.ts";
import { partitionLines } from "./partition-lines.ts";

export const check: CommandSpec = {
  name: "check",
  args: [{ name: "model", text: "a model file" }],
  options: [TARGET_OPTION, FALLBACK_OPTION, ...PARTITION_OPTIONS, ...MODEL_OPTIONS, ...ASSERTION_OPTIONS],
  examples: ["neo check model.onnx", 'neo check model.onnx -t arm64 --assert-arena "<256KiB"'],
  exits: { 0: "ok", 2: "usage", 3: "something is not supported", 4: "an assertion does not hold", 6: "no such file", 7: "the model exceeds a limit" },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const { options, reporter } = invocation;
    const model = await modelFrom(file, invocation);
    const targets = await targetsFrom(invocation);
    const limit = latencyLimit(options);
    const description = describeModel(model.bytes, model.fileName, model.limits);
    const seen = look(model, targets, description, options);
    const findings = findingsOf(seen.errors);
    const latency = limit && seen.errors.length === 0 ? await timed(model, targets, limit, invocation) : undefined;
    const failed = [...brokenAssertions(options, description.opCounts, seen.sizes), ...(latency?.broken ?? [])];
    const unwanted = [
      fallbackError(seen.host, options, model.fileName),
      seen.errors.length === 0 ? partitionError(seen.partitions, options, model.fileName) : undefined,
    ];
    const diagnostics = [
      ...seen.errors,
      ...unwanted.filter((error) => error !== undefined),
      ...(failed.length > 0 ? [assertionError(model.fileName, failed)] : []),
    ];
    const lines = [
      `${model.fileName}: ${description.format}, ${description.nodes} nodes, ${Object.keys(description.opCounts).length} operators`,
      ...(seen.facts.length > 0 ? ["", sizeTable(seen.facts), ""] : []),
      ...findingTable(findings, reporter.verbose),
      ...(seen.errors.length === 0 ? sizeLines(seen) : []),
      ...seen.partitions.flatMap((partition) => partitionLines(partition, reporter.verbose)),
      ...(latency ? [`${limit!.figure} ${formatMs(latency.ms)} on ${latency.artifact}`] : []),
      ...(diagnostics.length === 0 ? [`next: neo compile ${file}`] : []),
    ];
    return {
      text: lines.join("\n"),
      diagnostics,
      result: {
        model: { format: description.format, version: description.version, inputs: description.inputs, outputs: description.outputs, nodes: description.nodes },
        ops: checkedOperators(description, findings),
        findings,
        dims: seen.facts,
        fallback: { nodes: hostNodes(seen.host), macShare: 0 },
        estimate: { macs: seen.macs, targets: seen.sizes },
        ...partitionResult(seen.partitions),
        ...(latency ? { latency: { artifact: latency.artifact, figure: limit!.figure, ms: latency.ms } } : {}),
      },
    };
  },
};

/** What there is to say of a model, as far as it can be followed. */
interface Seen {
  /** Of the graph as imported. */
  readonly facts: readonly SizeFact[];
  readonly ops: number;
  readonly macs: number;
  readonly sizes: readonly TargetSizes[];
  /** What sessions do themselves, beside compiled code. */
  readonly host: HostOps;
  readonly errors: readonly NeoError[];
  readonly partitions: readonly TargetPartition[];
}

const NOTHING: Seen = { facts: [], ops: 0, macs: 0, sizes: [], host: {}, errors: [], partitions: [] };

function look(model: ModelInput, targets: readonly TargetProfile[], description: ModelDescription, options: OptionValues): Seen {
  const shapes = model.bindings[0]!;
  const graph = attempt(() => importModel(model.bytes, { ...model, shapes }));
  if (graph instanceof NeoError) return { ...NOTHING, facts: sizeFacts(description, undefined, shapes), errors: [graph] };
  const facts = sizeFacts(description, graph, shapes);
  const partitions = attempt(() => partitionsOf(graph, targets, options));
  if (partitions instanceof NeoError) return { ...NOTHING, facts, errors: [partitions] };
  const lowered = targets.map((target) => attempt(() => sizesOf(graph, target)));
  return {
    facts,
    ops: Object.values(countOps(graph)).reduce((n, c) => n + c, 0),
    macs: macsOf(graph),
    sizes: lowered.filter((size): size is TargetSizes => !(size instanceof NeoError)),
    host: hostOpsOf(graph),
    errors: lowered.filter((size) => size instanceof NeoError),
    partitions,
  };
}

function attempt<T>(run: () => T): T | NeoError {
  try {
    return run();
  } catch (error) {
    if (error instanceof NeoError) return error;
    throw error;
  }
}

function sizesOf(graph: Graph, target: TargetProfile): TargetSizes {
  const pool = new WeightPool();
  const { memory, program } = lower(graph, target, pool);
  return { target: target.name, arenaBytes: memory.plannedBytes, weightsBytes: pool.bytes().length, kernels: program.kernels.length };
}

function sizeLines({ ops, macs, host, sizes, partitions }: Seen): string[] {
  return [
    `${formatCount(macs)} multiply-accumulates in ${ops} ops after passes${partitions.some(({ partition }) => partition.regions.length > 0) ? "" : ", all compiled for the CPU"}`,
    ...hostLines(host, ops),
    table(
      [{ title: "target" }, { title: "kernels", align: "right" }, { title: "weights", align: "right" }, { title: "arena", align: "right" }],
      sizes.map((s) => [s.target, s.kernels, formatBytes(s.weightsBytes), formatBytes(s.arenaBytes)]),
    ),
  ];
}

async function timed(
  model: ModelInput,
  targets: readonly TargetProfile[],
  limit: NonNullable<ReturnType<typeof latencyLimit>>,
  invocation: Invocation,
): Promise<{ readonly ms: number; readonly artifact: string; readonly broken: readonly Note[] }> {
  const { bundle } = await compileModel(model, targets, invocation);
  const session = await load(bundle.bytes, { crypto: nodeCrypto, native: nativeRunner(), trust: "unsigned", file: model.fileName });
  try {
    const artifact = session.artifact.id;
    const ms = await invocation.reporter.stage(`timing ${session.name}`, () => measuredLatency(session, limit, invocation.cwd));
    return { ms, artifact, broken: brokenLatency(limit, ms, artifact) };
  } finally {
    session.close();
  }
}

function assertionError(file: string, failed: readonly Note[]): NeoError {
  return new NeoError({
    code: "NEO4002",
    message: `${failed.length} assertion${failed.length > 1 ? "s do" : " does"} not hold for ${file}`,
    notes: failed,
    hint: "`neo inspect --cost --memory` shows where the figures come from",
  });
}
