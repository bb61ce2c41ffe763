import { chosenAccelerators } from "../backends/accelerators/chosen.ts";
import type { Accelerator } from "../backends/accelerators/accelerator.ts";
import { applyPartition } from "../backends/partition/apply.ts";
import type { PartitionReport } from "../backends/partition/report.ts";
import { acceleratorsFor, optimize, type TargetPartition } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import { NeoError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";
import { listOption, type OptionSpec, type OptionValues } from "./command.ts";

export const ACCELERATORS_OPTION: OptionSpec = {
  flags: "--accelerators <names>",
  text: "what may run parts of the model beside native code, best first, or none (default: what the target profile says)",
};
const REQUIRED_OPTION: OptionSpec = { flags: "--accelerator-required", text: "exit 3 if multiply-accumulates stay on the CPU" };
export const PARTITION_OPTIONS: readonly OptionSpec[] = [ACCELERATORS_OPTION, REQUIRED_OPTION];

/** The accelerators that `--accelerators` names; undefined without it. */
export function acceleratorsAsked(options: OptionValues): readonly Accelerator[] | undefined {
  const names = listOption(options, "accelerators");
  if (names.length === 0) return undefined;
  return names.length === 1 && names[0] === "none" ? [] : chosenAccelerators(names.map((name) => ({ name })));
}

/** Makes a graph ready for the CPU, and tells how its parts go to accelerators of targets that have some. */
export function partitionsOf(graph: Graph, targets: readonly TargetProfile[], options: OptionValues): TargetPartition[] {
  const asked = acceleratorsAsked(options);
  const found: TargetPartition[] = [];
  optimize(graph, {}, undefined, () => {
    for (const target of targets) {
      const accelerators = acceleratorsFor(target, asked);
      if (accelerators.length > 0) found.push({ target: target.name, partition: applyPartition(graph, target, accelerators).report });
    }
  });
  return found;
}

/** The error that `--accelerator-required` asks for, or `--no-fallback` where accelerators were asked. */
export function partitionError(partitions: readonly TargetPartition[], options: OptionValues, file: string): NeoError | undefined {
  const [required, alone] = [options["acceleratorRequired"] === true, options["fallback"] === false];
  if (!required && !(alone && partitions.length > 0)) return undefined;
  const flag = alone && partitions.length > 0 ? "--no-fallback" : "--accelerator-required";
  if (partitions.length === 0)
    return new NeoError({
      code: "NEO3102",
      message: `${flag}: no target of ${file} has an accelerator`,
      hint: "name one with --accelerators, and a native target",
    });
  const left = partitions.flatMap(({ target, partition }) => {
    const ops = partition.cpuOps.filter(({ macs }) => flag === "--no-fallback" || macs > 0);
    return ops.map(({ node, op, accelerator, code, reason }) => ({ where: node, text: `${op} on ${target}, ${accelerator}: ${code}, ${reason}`, op }));
  });
  const idle = partitions.find(({ partition }) => partition.regions.length === 0);
  if (left.length === 0 && !idle) return undefined;
  return new NeoError({
    code: "NEO3102",
    message: idle
      ? `${flag}: nothing of ${file} would run on an accelerator of ${idle.target}`
      : `${flag}: ${new Set(left.map(({ where }) => where)).size} ops of ${file} would run on the CPU`,
    notes: left,
    hint: "`neo check --accelerators NAME` shows the partition, and what would help",
  });
}

/** Partitions as JSON has them, by target. */
export function partitionResult(partitions: readonly TargetPartition[]): { readonly partitions?: Readonly<Record<string, PartitionReport>> } {
  return partitions.length === 0 ? {} : { partitions: Object.fromEntries(partitions.map(({ target, partition }) => [target, partition])) };
}
