import { isHostCall, type HostType } from "../host/host-function.ts";
import type { Note } from "../support/errors.ts";
import { isMemberName, MAX_MEMBER_BYTES } from "./ustar.ts";
import { Findings } from "./findings.ts";
import { checkReferences } from "./manifest-references.ts";
import type {
  Artifact,
  ArtifactProgram,
  FileEntry,
  Manifest,
  ManifestExtent,
  ManifestLimit,
  ManifestLists,
  ManifestPort,
  ManifestProgram,
  ManifestStep,
  ManifestTable,
  Range,
  SelfTestSeed,
  SelfTestVector,
  StepNote,
  StepTensor,
  WasmMemory,
  WeightsEntry,
} from "./manifest.ts";
import type { PreprocessSpec } from "./preprocess-spec.ts";

/** Memory of a program: more than any machine that runs bundles has, small enough for exact sums. */
const MAX_BYTES = 2 ** 40;
const MAX_LABELS = 2 ** 20;
const MAX_TEXT = 2 ** 20;
const HEX = /^[0-9a-f]{64}$/;

/** A manifest in strict types, or everything that is wrong with it. Fields that this version does not know are left out. */
export function checkManifest(value: unknown): { readonly manifest: Manifest } | { readonly findings: readonly Note[] } {
  const f = new Findings();
  const root = f.record(value, "$");
  const manifest: Manifest = {
    format: f.integer(root["format"], "$.format", 1),
    name: f.text(root["name"], "$.name", { maxLength: 1024 }),
    version: f.text(root["version"], "$.version", { maxLength: 128 }),
    release: f.integer(root["release"], "$.release"),
    compiler: f.text(root["compiler"], "$.compiler", { maxLength: 128 }),
    programs: f.list(root["programs"], "$.programs", (v, at) => program(f, v, at), 256),
    artifacts: f.list(root["artifacts"], "$.artifacts", (v, at) => artifact(f, v, at), 64),
    files: f.list(root["files"], "$.files", (v, at) => file(f, v, at)),
    ...(root["weights"] === undefined ? {} : { weights: weights(f, root["weights"]) }),
    ...(root["texts"] === undefined ? {} : { texts: f.list(root["texts"], "$.texts", (v, at) => f.text(v, at, { maxLength: MAX_TEXT }), MAX_LABELS) }),
    preprocess: f.map(root["preprocess"], "$.preprocess", (v, at) => preprocess(f, v, at)),
    selfTest: f.list(root["selfTest"], "$.selfTest", (v, at) => selfTest(f, v, at), 256),
  };
  if (f.notes.length === 0) checkReferences(manifest, f);
  return f.notes.length === 0 ? { manifest } : { findings: f.notes };
}

function program(f: Findings, value: unknown, at: string): ManifestProgram {
  const record = f.record(value, at);
  return {
    id: f.text(record["id"], `${at}.id`, { pattern: /^[a-z0-9-]{1,40}$/ }),
    binding: f.map(record["binding"], `${at}.binding`, (v, where) => (Array.isArray(v) ? f.list(v, where, (d, w) => size(f, d, w), 64) : size(f, v, where))),
    inputs: f.list(record["inputs"], `${at}.inputs`, (v, where) => port(f, v, where)),
    outputs: f.list(record["outputs"], `${at}.outputs`, (v, where) => port(f, v, where)),
    ...(record["lists"] === undefined ? {} : { lists: lists(f, record["lists"], `${at}.lists`) }),
  };
}

function size(f: Findings, value: unknown, at: string): number | string {
  return typeof value === "string" ? f.text(value, at, { pattern: /^\d{1,16}\.\.\d{1,16}(\/\d{1,16})?$/ }) : f.integer(value, at);
}

function lists(f: Findings, value: unknown, at: string): ManifestLists {
  const record = f.record(value, at);
  const counts = (key: "inputs" | "outputs"): Readonly<Record<string, number>> =>
    f.map(record[key], `${at}.${key}`, (v, where) => f.integer(v, where, 0, 4096));
  return { inputs: counts("inputs"), outputs: counts("outputs") };
}

function port(f: Findings, value: unknown, at: string): ManifestPort {
  const record = f.record(value, at);
  return {
    name: f.text(record["name"], `${at}.name`),
    dtype: f.text(record["dtype"], `${at}.dtype`, { maxLength: 16 }),
    shape: f.list(record["shape"], `${at}.shape`, (v, where) => f.integer(v, where), 64),
    bytes: f.integer(record["bytes"], `${at}.bytes`, 0, MAX_BYTES),
    ...(record["labels"] === undefined ? {} : { labels: f.list(record["labels"], `${at}.labels`, (v, where) => f.text(v, where), MAX_LABELS) }),
    ...(record["table"] === undefined ? {} : { table: table(f, record["table"], `${at}.table`) }),
  };
}

function table(f: Findings, value: unknown, at: string): ManifestTable {
  const record = f.record(value, at);
  return {
    absent: f.word(record["absent"], `${at}.absent`, ["missing", "zero"]),
    ...(record["categories"] === undefined
      ? {}
      : {
          categories: f.list(record["categories"], `${at}.categories`, (v, where) => {
            const feature = f.record(v, where);
            return {
              feature: f.integer(feature["feature"], `${where}.feature`, 0, 2 ** 31 - 1),
              names: f.list(feature["names"], `${where}.names`, (name, place) => f.text(name, place), MAX_LABELS),
            };
          }),
        }),
    ...(record["unknown"] === undefined ? {} : { unknown: f.word(record["unknown"], `${at}.unknown`, ["refuse", "missing"]) }),
  };
}

function artifact(f: Findings, value: unknown, at: string): Artifact {
  const record = f.record(value, at);
  const target = f.record(record["target"], `${at}.target`);
  const needs = f.record(record["needs"], `${at}.needs`);
  return {
    id: f.text(record["id"], `${at}.id`, { maxLength: 128 }),
    kind: f.word(record["kind"], `${at}.kind`, ["native", "wasm"]),
    target: {
      name: f.text(target["name"], `${at}.target.name`, { maxLength: 1024 }),
      digest: f.text(target["digest"], `${at}.target.digest`, { pattern: HEX }),
    },
    needs: {
      os: f.text(needs["os"], `${at}.needs.os`, { maxLength: 32 }),
      arch: f.text(needs["arch"], `${at}.needs.arch`, { maxLength: 32 }),
      cpuFeatures: f.list(needs["cpuFeatures"], `${at}.needs.cpuFeatures`, (v, where) => f.text(v, where, { maxLength: 64 }), 256),
      abi: f.integer(needs["abi"], `${at}.needs.abi`, 1),
    },
    weights: range(f, record["weights"], `${at}.weights`),
    programs: f.list(record["programs"], `${at}.programs`, (v, where) => code(f, v, where), 256),
  };
}

function code(f: Findings, value: unknown, at: string): ArtifactProgram {
  const record = f.record(value, at);
  return {
    file: f.text(record["file"], `${at}.file`, { maxLength: 100 }),
    arenaBytes: f.integer(record["arenaBytes"], `${at}.arenaBytes`, 0, MAX_BYTES),
    stateBytes: f.integer(record["stateBytes"], `${at}.stateBytes`, 0, MAX_BYTES),
    extents: f.list(record["extents"], `${at}.extents`, (v, where) => extent(f, v, where)),
    ...(record["limits"] === undefined ? {} : { limits: f.list(record["limits"], `${at}.limits`, (v, where) => limit(f, v, where)) }),
    steps: f.list(record["steps"], `${at}.steps`, (v, where) => step(f, v, where), 65_536),
    ...(record["notes"] === undefined ? {} : { notes: f.list(record["notes"], `${at}.notes`, (v, where) => note(f, v, where), 65_536) }),
    ...(record["memory"] === undefined ? {} : { memory: memory(f, record["memory"], `${at}.memory`) }),
  };
}

function note(f: Findings, value: unknown, at: string): StepNote {
  const record = f.record(value, at);
  const words = (key: string): string[] => f.list(record[key], `${at}.${key}`, (v, where) => f.text(v, where), 4096);
  return {
    op: f.text(record["op"], `${at}.op`),
    nodes: words("nodes"),
    kernels: words("kernels"),
    macs: f.integer(record["macs"], `${at}.macs`, 0, MAX_BYTES),
    bytes: f.integer(record["bytes"], `${at}.bytes`, 0, MAX_BYTES),
  };
}

function extent(f: Findings, value: unknown, at: string): ManifestExtent {
  const record = f.record(value, at);
  return {
    name: f.text(record["name"], `${at}.name`),
    ...(record["min"] === undefined ? {} : { min: f.integer(record["min"], `${at}.min`, 0, 2 ** 31 - 1) }),
    ...(record["step"] === undefined ? {} : { step: f.integer(record["step"], `${at}.step`, 1, 2 ** 31 - 1) }),
    max: f.integer(record["max"], `${at}.max`, 0, 2 ** 31 - 1),
    at: f.integer(record["at"], `${at}.at`, 0, MAX_BYTES),
    dims: f.list(record["dims"], `${at}.dims`, (v, where) => {
      const dim = f.record(v, where);
      return {
        port: f.word(dim["port"], `${where}.port`, ["input", "output"]),
        index: f.integer(dim["index"], `${where}.index`, 0, 4095),
        axis: f.integer(dim["axis"], `${where}.axis`, 0, 63),
      };
    }),
  };
}

function limit(f: Findings, value: unknown, at: string): ManifestLimit {
  const record = f.record(value, at);
  return {
    value: f.text(record["value"], `${at}.value`, { maxLength: 1024 }),
    most: f.integer(record["most"], `${at}.most`, 0, 2 ** 31 - 1),
    at: f.integer(record["at"], `${at}.at`, 0, MAX_BYTES),
  };
}

function step(f: Findings, value: unknown, at: string): ManifestStep {
  const record = f.record(value, at);
  const kind = f.word(record["kind"], `${at}.kind`, ["code", "host", "region", "if", "loop"]);
  const inside = (key: string): ManifestStep[] => f.list(record[key], `${at}.${key}`, (v, where) => step(f, v, where), 65_536);
  const word = (v: unknown, where: string): number => f.integer(v, where, 0, MAX_BYTES);
  if (kind === "if") return { kind, condition: word(record["condition"], `${at}.condition`), then: inside("then"), else: inside("else") };
  if (kind === "loop") {
    const { trips, condition } = record;
    return {
      kind,
      trips: typeof trips === "number" ? f.integer(trips, `${at}.trips`, 0, 2 ** 31 - 1) : { at: word(f.record(trips, `${at}.trips`)["at"], `${at}.trips.at`) },
      ...(condition === undefined ? {} : { condition: word(condition, `${at}.condition`) }),
      body: inside("body"),
    };
  }
  if (kind === "code")
    return { kind, first: f.integer(record["first"], `${at}.first`, 0, 2 ** 31 - 1), last: f.integer(record["last"], `${at}.last`, 0, 2 ** 31 - 1) };
  const tensors = (key: string): StepTensor[] =>
    f.list(record[key], `${at}.${key}`, (v, where) => {
      const tensor = f.record(v, where);
      return {
        space: f.word(tensor["space"], `${where}.space`, ["arena", "input", "output"]),
        index: f.integer(tensor["index"], `${where}.index`, 0, 4095),
        ...range(f, v, where),
      };
    });
  const { call } = record;
  f.check(call === undefined || isHostCall(call), `${at}.call`, "wanted {function, attrs, inputs, outputs}");
  return {
    kind,
    name: f.text(record["name"], `${at}.name`),
    inputs: tensors("inputs"),
    outputs: tensors("outputs"),
    ...(isHostCall(call) ? { call: { function: call.function, attrs: call.attrs, inputs: call.inputs.map(typeOf), outputs: call.outputs.map(typeOf) } } : {}),
  };
}

function typeOf({ dtype, shape }: HostType): HostType {
  return { dtype, shape };
}

function memory(f: Findings, value: unknown, at: string): WasmMemory {
  const record = f.record(value, at);
  const address = (v: unknown, where: string): number => f.integer(v, where, 0, 2 ** 32 - 1);
  return {
    pages: f.integer(record["pages"], `${at}.pages`, 0, 65_536),
    weights: address(record["weights"], `${at}.weights`),
    arena: address(record["arena"], `${at}.arena`),
    inputTable: address(record["inputTable"], `${at}.inputTable`),
    outputTable: address(record["outputTable"], `${at}.outputTable`),
    inputs: f.list(record["inputs"], `${at}.inputs`, address),
    outputs: f.list(record["outputs"], `${at}.outputs`, address),
  };
}

function file(f: Findings, value: unknown, at: string): FileEntry {
  const record = f.record(value, at);
  const name = f.text(record["name"], `${at}.name`, { maxLength: 100 });
  f.check(isMemberName(name), `${at}.name`, "wanted a relative name of a-z 0-9 . _ - and /");
  return { name, bytes: f.integer(record["bytes"], `${at}.bytes`, 0, MAX_MEMBER_BYTES), sha256: f.text(record["sha256"], `${at}.sha256`, { pattern: HEX }) };
}

function weights(f: Findings, value: unknown): WeightsEntry {
  const record = f.record(value, "$.weights");
  return {
    leafBytes: f.integer(record["leafBytes"], "$.weights.leafBytes", 1),
    leaves: f.list(record["leaves"], "$.weights.leaves", (v, at) => f.text(v, at, { pattern: HEX }), 65_536),
    root: f.text(record["root"], "$.weights.root", { pattern: HEX }),
  };
}

function preprocess(f: Findings, value: unknown, at: string): PreprocessSpec {
  const record = f.record(value, at);
  const resize = record["resize"] === undefined ? undefined : f.record(record["resize"], `${at}.resize`);
  const side = (v: unknown, where: string): number => f.integer(v, where, 1, 99_999);
  const spec: PreprocessSpec = {
    channels: f.word(record["channels"], `${at}.channels`, ["rgb", "bgr", "gray"]),
    layout: f.word(record["layout"], `${at}.layout`, ["nchw", "nhwc"]),
    ...(resize
      ? {
          resize: {
            height: side(resize["height"], `${at}.resize.height`),
            ...(resize["width"] === undefined ? {} : { width: side(resize["width"], `${at}.resize.width`) }),
          },
        }
      : {}),
    mean: f.list(record["mean"], `${at}.mean`, (v, where) => f.number(v, where), 3),
    scale: f.list(record["scale"], `${at}.scale`, (v, where) => f.number(v, where), 3),
  };
  const channels = spec.channels === "gray" ? 1 : 3;
  for (const key of ["mean", "scale"] as const)
    f.check(spec[key].length === 1 || spec[key].length === channels, `${at}.${key}`, `wanted 1 or ${channels} values`);
  f.check(!spec.scale.includes(0), `${at}.scale`, "wanted values other than 0");
  return spec;
}

function selfTest(f: Findings, value: unknown, at: string): SelfTestVector {
  const record = f.record(value, at);
  const tolerance = f.record(record["tolerance"], `${at}.tolerance`);
  return {
    program: f.text(record["program"], `${at}.program`, { maxLength: 40 }),
    inputs: f.list(record["inputs"], `${at}.inputs`, (v, where) => (Object.hasOwn(f.record(v, where), "seed") ? seed(f, v, where) : range(f, v, where))),
    outputs: f.list(record["outputs"], `${at}.outputs`, (v, where) => ({
      ...range(f, v, where),
      stride: f.integer(f.record(v, where)["stride"], `${where}.stride`, 1),
    })),
    tolerance: { abs: f.number(tolerance["abs"], `${at}.tolerance.abs`, 0), rel: f.number(tolerance["rel"], `${at}.tolerance.rel`, 0) },
  };
}

function seed(f: Findings, value: unknown, at: string): SelfTestSeed {
  const record = f.record(value, at);
  return {
    seed: f.integer(record["seed"], `${at}.seed`, 0, 2 ** 32 - 1),
    low: f.number(record["low"], `${at}.low`),
    high: f.number(record["high"], `${at}.high`),
  };
}

function range(f: Findings, value: unknown, at: string): Range {
  const record = f.record(value, at);
  return { offset: f.integer(record["offset"], `${at}.offset`, 0, MAX_BYTES), bytes: f.integer(record["bytes"], `${at}.bytes`, 0, MAX_BYTES) };
}
