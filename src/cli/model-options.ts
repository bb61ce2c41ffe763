import { basename, dirname, resolve } from "node:path";
import type { Binding } from "../compile.ts";
import { defaultBindings, describeModel } from "../frontends/index.ts";
import type { StatePair } from "../ir/keep-state.ts";
import { tensor, type Tensor } from "../ir/tensor.ts";
import { elementCount, type DType } from "../ir/types.ts";
import { parsePreprocess, type PreprocessSpec } from "../package/preprocess-spec.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../support/limits.ts";
import { readExternalFile } from "../support/node/external.ts";
import { parseSize, type Size } from "../support/size-range.ts";
import { listOption, repeatedOption, textOption, type Invocation, type OptionSpec, type OptionValues } from "./command.ts";
import { readInput } from "./files.ts";
import { clean } from "./reporter.ts";

/** Flags of every command that reads a model file. */
export const MODEL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--shape <binding>",
    text: "size of a named dim (N=4), shape of an input (x=1x3x224x224), length of a sequence (s=2) and shapes in it (s[0]=5x3); several values are alternatives (N=1,8); a range leaves a size open (N=1..64, W=32..640/8)",
    repeat: true,
  },
  { flags: "--set <input=value>", text: "makes an input a constant: sr=16000; leaves an optional one out: x=none", repeat: true },
  { flags: "--bound <value=n>", text: "the most elements of a value whose length only the data tell and nothing bounds: /range=100", repeat: true },
  { flags: "--state <in=out>", text: "keeps an output for the next run's input, both leave the border: h=hn; auto: those whose names tell it", repeat: true },
  { flags: "--output-kind <kinds>", text: "what a tree model gives: predict (default), margin or raw, leaf, contributions; several with commas" },
  { flags: "--leaf", text: "a tree model also gives the leaf that each tree comes to: leaf among --output-kind" },
  { flags: "--iterations <rounds>", text: "rounds of a tree model that count: all (default), best, or BEGIN:END" },
  { flags: "--limit-nodes <n>", text: "refuse models with more nodes" },
  { flags: "--limit-tensor-bytes <n>", text: "refuse models with a larger tensor" },
  { flags: "--limit-total-bytes <n>", text: "refuse models with more weights" },
  { flags: "--limit-depth <n>", text: "refuse deeper nesting" },
];

/** Of an optional input that is not there. */
const ABSENT = "=none";

export const PREPROCESS_OPTION: OptionSpec = {
  flags: "--preprocess <input=words>",
  text: "how pictures become an input: x=rgb,nchw,resize:48xW,mean:127.5,scale:127.5",
  repeat: true,
};

/** A product of more alternatives than this is a mistake. */
const MAX_BINDINGS = 16;

export interface ModelInput {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly constants: Readonly<Record<string, Tensor>>;
  /** Optional inputs that are left out. */
  readonly absent: readonly string[];
  readonly bounds: Readonly<Record<string, number>>;
  readonly external: (path: string) => Uint8Array;
  readonly limits: Limits;
  readonly bindings: readonly Binding[];
  readonly state: readonly (StatePair | "auto")[];
  /** Of tree models: outputs asked for, none being what they give by default, and rounds that count. */
  readonly outputKinds: readonly string[];
  readonly iterations: string;
  /** Says each warning of the importer once, however many bindings there are. */
  readonly warn: (warning: Note) => void;
}

/** The model of a command's first argument with everything its flags say about reading it. */
export async function modelFrom(file: string, invocation: Invocation): Promise<ModelInput> {
  const { options, cwd } = invocation;
  const limits = limitsFrom(options);
  const bytes = await readInput(file, cwd, limits.fileBytes);
  const fileName = file === "-" ? "stdin" : basename(file);
  const folder = file === "-" ? cwd : dirname(resolve(cwd, file));
  return {
    bytes,
    fileName,
    limits,
    bindings: bindingsFrom(options, bytes, fileName, limits),
    constants: constantsFrom(
      repeatedOption(options, "set").filter((word) => !word.endsWith(ABSENT)),
      bytes,
      fileName,
    ),
    absent: repeatedOption(options, "set").flatMap((word) => (word.endsWith(ABSENT) ? [word.slice(0, -ABSENT.length)] : [])),
    bounds: boundsFrom(repeatedOption(options, "bound")),
    state: statesFrom(repeatedOption(options, "state")),
    outputKinds: outputKindsFrom(options),
    iterations: textOption(options, "iterations") ?? "all",
    external: (path) => readExternalFile(folder, path),
    warn: warnOnce(invocation),
  };
}

/** `--leaf` comes to the kinds asked for, or to what a model gives by default. */
function outputKindsFrom(options: OptionValues): readonly string[] {
  const kinds = listOption(options, "outputKind");
  if (options["leaf"] !== true) return kinds;
  return [...new Set([...(kinds.length > 0 ? kinds : ["predict"]), "leaf"])];
}

/** Those of `--shape`; without, and where `--set` does not fix the input, what a model of this kind is compiled for. */
function bindingsFrom(options: OptionValues, bytes: Uint8Array, fileName: string, limits: Limits): readonly Binding[] {
  const words = repeatedOption(options, "shape");
  return words.length > 0 || repeatedOption(options, "set").length > 0 ? parseShapes(words) : defaultBindings(bytes, fileName, limits);
}

function warnOnce({ reporter }: Invocation): (warning: Note) => void {
  const said = new Set<string>();
  return ({ where, text }) => {
    const line = `${where} ${text}`;
    if (!said.has(line)) reporter.warn(clean(line, 400));
    said.add(line);
  };
}

/** `N=1,8 W=320` → [{N: 1, W: 320}, {N: 8, W: 320}]. */
export function parseShapes(words: readonly string[]): Binding[] {
  const alternatives = new Map<string, (Size | Size[])[]>();
  let name: string | undefined;
  for (const part of words.flatMap((word) => word.split(","))) {
    const at = part.lastIndexOf("=");
    if (at > 0) name = part.slice(0, at);
    const sizes = part
      .slice(at + 1)
      .split("x")
      .map(parseSize);
    if (name === undefined || !sizes.every((size) => size !== undefined))
      throw new NeoError({
        code: "NEO1010",
        message: `--shape ${part}: wanted NAME=4, NAME=1..64, NAME=32..640/8 or NAME=1x3x224x224`,
        hint: "`neo inspect MODEL` shows the names of dims and inputs; the steps of a range end at its bound",
      });
    alternatives.set(name, [...(alternatives.get(name) ?? []), sizes.length === 1 ? sizes[0]! : sizes]);
  }
  let bindings: Record<string, Size | Size[]>[] = [{}];
  for (const [key, values] of alternatives) bindings = bindings.flatMap((binding) => values.map((value) => ({ ...binding, [key]: value })));
  if (bindings.length > MAX_BINDINGS)
    throw new NeoError({
      code: "NEO1010",
      message: `--shape asks for ${bindings.length} programs, at most ${MAX_BINDINGS} fit a bundle`,
      hint: "give fewer alternatives, or several bundles",
    });
  return bindings;
}

function constantsFrom(words: readonly string[], bytes: Uint8Array, fileName: string): Record<string, Tensor> {
  const constants: Record<string, Tensor> = {};
  if (words.length === 0) return constants;
  const inputs = describeModel(bytes, fileName).inputs;
  for (const word of words) {
    const at = word.indexOf("=");
    const input = inputs.find((candidate) => candidate.name === word.slice(0, at));
    if (!input)
      throw new NeoError({
        code: "NEO1011",
        message: `--set ${word}: the model has no such input`,
        notes: inputs.map((i) => ({ where: i.name, text: i.dtype ?? "" })),
        hint: "--set NAME=VALUE with one of these names",
      });
    const values = word
      .slice(at + 1)
      .split(",")
      .map(Number);
    if (values.some(Number.isNaN))
      throw new NeoError({ code: "NEO1011", message: `--set ${word}: wanted a number, or numbers with commas`, hint: "for example --set sr=16000" });
    const dims = input.dims ?? [];
    const isKnown = dims.every((dim) => typeof dim === "number") && elementCount(dims as number[]) === values.length;
    const shape = isKnown ? (dims as number[]) : [values.length];
    constants[input.name] = tensor(input.dtype as DType, shape, values);
  }
  return constants;
}

function boundsFrom(words: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.lastIndexOf("=");
      const most = word.slice(at + 1);
      if (at < 1 || !/^\d{1,15}$/.test(most))
        throw new NeoError({ code: "NEO1025", message: `--bound ${word}: wanted VALUE=100`, hint: "VALUE is the name of an output of a node in the file" });
      return [word.slice(0, at), Number(most)] as const;
    }),
  );
}

function statesFrom(words: readonly string[]): (StatePair | "auto")[] {
  return words
    .flatMap((word) => word.split(","))
    .map((word) => {
      const [input, output, more] = word.split("=");
      if (word === "auto") return "auto";
      if (input && output && more === undefined) return { input, output };
      throw new NeoError({ code: "NEO1024", message: `--state ${word}: wanted INPUT=OUTPUT or auto`, hint: "for example --state h=hn --state c=cn" });
    });
}

function limitsFrom(options: OptionValues): Limits {
  const number = (key: string, fallback: number): number => {
    const text = textOption(options, key);
    if (text === undefined) return fallback;
    if (!/^\d+$/.test(text))
      throw new NeoError({
        code: "NEO1012",
        message: `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} ${text}: wanted a whole number`,
        hint: "in bytes, nodes or levels",
      });
    return Number(text);
  };
  return {
    ...DEFAULT_LIMITS,
    nodes: number("limitNodes", DEFAULT_LIMITS.nodes),
    tensorBytes: number("limitTensorBytes", DEFAULT_LIMITS.tensorBytes),
    totalBytes: number("limitTotalBytes", DEFAULT_LIMITS.totalBytes),
    depth: number("limitDepth", DEFAULT_LIMITS.depth),
  };
}

export function preprocessFrom(options: OptionValues): Record<string, PreprocessSpec> {
  const specs: Record<string, PreprocessSpec> = {};
  for (const word of repeatedOption(options, "preprocess")) {
    const at = word.indexOf("=");
    if (at < 1)
      throw new NeoError({
        code: "NEO1013",
        message: `--preprocess ${word}: wanted INPUT=WORDS`,
        hint: "for example --preprocess x=rgb,nchw,resize:48xW,mean:127.5,scale:127.5",
      });
    specs[word.slice(0, at)] = parsePreprocess(word.slice(at + 1), word.slice(0, at));
  }
  return specs;
}
