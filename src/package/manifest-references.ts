import { safeProduct } from "../support/limits.ts";
import { dtypeBytes } from "./dtypes.ts";
import type { Findings } from "./findings.ts";
import {
  SELF_TEST_FILE,
  WEIGHTS_FILE,
  type Artifact,
  type ArtifactProgram,
  type Manifest,
  type ManifestPort,
  type ManifestProgram,
  type ManifestStep,
  type Range,
  type SessionCall,
  type SelfTestVector,
} from "./manifest.ts";
import { LEAF_BYTES } from "./merkle.ts";
import { isReservedName, sortFiles } from "./members.ts";
import { preprocessProblem } from "./preprocess-spec.ts";

const PAGE_BYTES = 65_536;

/** Whether the parts of a manifest fit together: every name is found, every range lies inside what it is a range of. */
export function checkReferences(manifest: Manifest, f: Findings): void {
  checkFiles(manifest, f);
  f.check(manifest.programs.length > 0, "$.programs", "there is none");
  f.check(new Set(manifest.programs.map((p) => p.id)).size === manifest.programs.length, "$.programs", "two have one id");
  manifest.programs.forEach((program, i) => {
    checkPorts(program, `$.programs[${i}]`, f);
    checkLists(program, `$.programs[${i}]`, f);
  });
  manifest.artifacts.forEach((artifact, i) => checkArtifact(manifest, artifact, `$.artifacts[${i}]`, f));
  for (const [name, spec] of Object.entries(manifest.preprocess)) {
    for (const program of manifest.programs) {
      const port = program.inputs.find((p) => p.name === name);
      const problem = port ? preprocessProblem(port, spec) : "there is no such input";
      f.check(problem === undefined, `$.preprocess[${JSON.stringify(name)}]`, problem ?? "");
    }
  }
  manifest.selfTest.forEach((vector, i) => checkVector(manifest, vector, `$.selfTest[${i}]`, f));
}

function bytesOfFile(manifest: Manifest, name: string): number {
  return manifest.files.find((file) => file.name === name)?.bytes ?? 0;
}

function checkFiles(manifest: Manifest, f: Findings): void {
  const sorted = sortFiles(manifest.files);
  manifest.files.forEach((file, i) => {
    f.check(!isReservedName(file.name), `$.files[${i}].name`, `${file.name} is not a listed file`);
    f.check(sorted[i] === file, `$.files[${i}]`, "files are out of order");
  });
  f.check(new Set(manifest.files.map((file) => file.name)).size === manifest.files.length, "$.files", "two have one name");
  const found = manifest.files.some((file) => file.name === WEIGHTS_FILE);
  f.check(found === (manifest.weights !== undefined), "$.weights", found ? "wanted, since there is weights.bin" : "there is no weights.bin");
  if (!manifest.weights) return;
  f.check(manifest.weights.leafBytes === LEAF_BYTES, "$.weights.leafBytes", `wanted ${LEAF_BYTES}`);
  const leaves = Math.ceil(bytesOfFile(manifest, WEIGHTS_FILE) / LEAF_BYTES);
  f.check(manifest.weights.leaves.length === leaves, "$.weights.leaves", `found ${manifest.weights.leaves.length}, wanted ${leaves}`);
}

function checkPorts(program: ManifestProgram, at: string, f: Findings): void {
  for (const list of ["inputs", "outputs"] as const) {
    f.check(new Set(program[list].map((port) => port.name)).size === program[list].length, `${at}.${list}`, "two have one name");
    program[list].forEach((port, i) => {
      const width = dtypeBytes(port.dtype);
      const wanted = width === undefined ? undefined : safeProduct([...port.shape, width]);
      if (!f.check(width !== undefined, `${at}.${list}[${i}].dtype`, `${port.dtype} is no dtype`)) return;
      f.check(port.bytes === wanted, `${at}.${list}[${i}].bytes`, `found ${port.bytes}, wanted ${wanted}`);
    });
  }
}

function checkLists({ inputs, outputs, lists }: ManifestProgram, at: string, f: Findings): void {
  for (const [key, ports] of [
    ["inputs", inputs],
    ["outputs", outputs],
  ] as const) {
    for (const [name, count] of Object.entries(lists?.[key] ?? {})) {
      const missing = Array.from({ length: count }, (_, i) => `${name}[${i}]`).find((item) => !ports.some((port) => port.name === item));
      f.check(missing === undefined, `${at}.lists.${key}`, `there is no port ${missing}`);
    }
  }
}

function checkArtifact(manifest: Manifest, artifact: Artifact, at: string, f: Findings): void {
  checkInside(artifact.weights, bytesOfFile(manifest, WEIGHTS_FILE), `${at}.weights`, f);
  if (
    !f.check(artifact.programs.length === manifest.programs.length, `${at}.programs`, `found ${artifact.programs.length}, wanted ${manifest.programs.length}`)
  )
    return;
  artifact.programs.forEach((code, i) => {
    const where = `${at}.programs[${i}]`;
    const program = manifest.programs[i]!;
    f.check(
      code.file.startsWith("code/") && manifest.files.some((file) => file.name === code.file),
      `${where}.file`,
      `${code.file} is not among the files of code/`,
    );
    f.check(code.stateBytes <= code.arenaBytes, `${where}.stateBytes`, "more than the arena");
    checkRegionFiles(manifest, code, where, f);
    checkExtents(program, code, where, f);
    checkLimits(code, where, f);
    checkSteps(program, code, code.steps, `${where}.steps`, f);
    f.check(!code.notes || code.notes.length === code.steps.length, `${where}.notes`, `wanted one for each of the ${code.steps.length} steps`);
    f.check((code.memory !== undefined) === (artifact.kind === "wasm"), `${where}.memory`, "wanted for kind wasm, and only there");
    if (code.memory) checkMemory(program, artifact, code, where, f);
  });
}

function checkExtents(program: ManifestProgram, code: ArtifactProgram, at: string, f: Findings): void {
  code.extents.forEach((extent, i) => {
    checkInside({ offset: extent.at, bytes: 4 }, code.arenaBytes, `${at}.extents[${i}].at`, f);
    f.check(extent.at % 4 === 0, `${at}.extents[${i}].at`, "wanted a multiple of 4");
    f.check((extent.min ?? 0) <= extent.max, `${at}.extents[${i}].min`, `${extent.min} is above the maximum ${extent.max}`);
    for (const dim of extent.dims) {
      const found = portsOf(program, dim.port)[dim.index]?.shape[dim.axis];
      f.check(found === extent.max, `${at}.extents[${i}].dims`, `axis ${dim.axis} of ${dim.port} ${dim.index} is ${found}, wanted the maximum ${extent.max}`);
    }
  });
}

/** A region that an engine runs is a file of the bundle. */
function checkRegionFiles(manifest: Manifest, code: ArtifactProgram, at: string, f: Findings): void {
  code.steps.forEach((step, i) => {
    if (step.kind !== "region" || !step.call) return;
    const file = Object.hasOwn(step.call.attrs, "file") ? step.call.attrs["file"] : undefined;
    f.check(
      manifest.files.some(({ name }) => name === file),
      `${at}.steps[${i}]`,
      `there is no file ${String(file)}`,
    );
  });
}

function checkLimits(code: ArtifactProgram, at: string, f: Findings): void {
  code.limits?.forEach((limit, i) => {
    checkInside({ offset: limit.at, bytes: 4 }, code.arenaBytes, `${at}.limits[${i}].at`, f);
    f.check(limit.at % 4 === 0, `${at}.limits[${i}].at`, "wanted a multiple of 4");
  });
}

function checkSteps(program: ManifestProgram, code: ArtifactProgram, steps: readonly ManifestStep[], at: string, f: Findings): void {
  steps.forEach((step, i) => {
    const where = `${at}[${i}]`;
    switch (step.kind) {
      case "code":
        return void f.check(step.first < step.last, where, "runs nothing");
      case "if":
        checkWord(step.condition, code, `${where}.condition`, f);
        checkSteps(program, code, step.then, `${where}.then`, f);
        return checkSteps(program, code, step.else, `${where}.else`, f);
      case "loop":
        if (typeof step.trips !== "number") checkWord(step.trips.at, code, `${where}.trips.at`, f);
        if (step.condition !== undefined) checkWord(step.condition, code, `${where}.condition`, f);
        return checkSteps(program, code, step.body, `${where}.body`, f);
      default:
        return checkCall(program, code, step, where, f);
    }
  });
}

function checkWord(at: number, code: ArtifactProgram, where: string, f: Findings): void {
  checkInside({ offset: at, bytes: 4 }, code.arenaBytes, where, f);
  f.check(at % 4 === 0, where, "wanted a multiple of 4");
}

function checkCall(program: ManifestProgram, code: ArtifactProgram, step: SessionCall, where: string, f: Findings): void {
  const types = step.call && [...step.call.inputs, ...step.call.outputs];
  const tensors = [...step.inputs, ...step.outputs];
  f.check(!types || (types.length === tensors.length && step.call.inputs.length === step.inputs.length), where, "its tensors are not those of its call");
  for (const [k, tensor] of tensors.entries()) {
    const type = types?.[k];
    const wanted = type && safeProduct([...type.shape, dtypeBytes(type.dtype) ?? -1]);
    f.check(!type || wanted === tensor.bytes, where, `tensor ${k} of its call has ${tensor.bytes} bytes, its type wants ${wanted}`);
    const room = tensor.space === "arena" ? code.arenaBytes : (portsOf(program, tensor.space)[tensor.index]?.bytes ?? 0);
    checkInside(tensor, room, where, f);
  }
}

function checkMemory(program: ManifestProgram, artifact: Artifact, code: ArtifactProgram, at: string, f: Findings): void {
  const memory = code.memory!;
  for (const list of ["inputs", "outputs"] as const) {
    if (
      !f.check(memory[list].length === program[list].length, `${at}.memory.${list}`, `found ${memory[list].length} addresses, wanted ${program[list].length}`)
    )
      return;
  }
  const ranges: Range[] = [
    { offset: memory.weights, bytes: artifact.weights.bytes },
    { offset: memory.arena, bytes: code.arenaBytes },
    { offset: memory.inputTable, bytes: 4 * program.inputs.length },
    { offset: memory.outputTable, bytes: 4 * program.outputs.length },
    ...program.inputs.map((port, i) => ({ offset: memory.inputs[i]!, bytes: port.bytes })),
    ...program.outputs.map((port, i) => ({ offset: memory.outputs[i]!, bytes: port.bytes })),
  ];
  for (const range of ranges) checkInside(range, memory.pages * PAGE_BYTES, `${at}.memory`, f);
  f.check(memory.inputTable % 4 === 0 && memory.outputTable % 4 === 0, `${at}.memory`, "a table is not aligned to 4 bytes");
  const used = ranges.filter((range) => range.bytes > 0).sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < used.length; i++)
    f.check(used[i - 1]!.offset + used[i - 1]!.bytes <= used[i]!.offset, `${at}.memory`, `two ranges meet at ${used[i]!.offset}`);
}

function checkVector(manifest: Manifest, vector: SelfTestVector, at: string, f: Findings): void {
  const program = manifest.programs.find((p) => p.id === vector.program);
  if (!program) return f.add(at, `there is no program ${vector.program}`);
  const stored = bytesOfFile(manifest, SELF_TEST_FILE);
  const fits = f.check(
    vector.inputs.length === program.inputs.length && vector.outputs.length === program.outputs.length,
    at,
    `wanted ${program.inputs.length} inputs and ${program.outputs.length} outputs`,
  );
  if (!fits) return;
  vector.inputs.forEach((input, i) => {
    if ("seed" in input) return;
    checkInside(input, stored, `${at}.inputs[${i}]`, f);
    f.check(input.bytes === program.inputs[i]!.bytes, `${at}.inputs[${i}]`, `found ${input.bytes} bytes, wanted ${program.inputs[i]!.bytes}`);
  });
  vector.outputs.forEach((output, i) => {
    checkInside(output, stored, `${at}.outputs[${i}]`, f);
    const { dtype, bytes } = program.outputs[i]!;
    const width = dtypeBytes(dtype) ?? 1;
    const wanted = Math.ceil(bytes / width / output.stride) * width;
    f.check(output.bytes === wanted, `${at}.outputs[${i}]`, `found ${output.bytes} bytes, wanted ${wanted}`);
  });
}

function checkInside(range: Range, room: number, at: string, f: Findings): void {
  f.check(range.offset + range.bytes <= room, at, `bytes ${range.offset} to ${range.offset + range.bytes} of ${room}`);
}

function portsOf(program: ManifestProgram, port: "input" | "output"): readonly ManifestPort[] {
  return port === "input" ? program.inputs : program.outputs;
}
