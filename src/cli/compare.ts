import type { Outputs } from "../session/session.ts";
import { NeoError, type Note } from "../support/errors.ts";
import { repeatedOption, type CommandSpec, type Invocation } from "./command.ts";
import { HEATMAP_OPTION, heatmapLines, heatmapPlace, saveHeatmaps } from "./compare-heatmap.ts";
import { lookInside, MODES, type Inside } from "./compare-inside.ts";
import { LIMIT_OPTIONS, limitsFrom, violations } from "./compare-limits.ts";
import { referenceFor, stageFrom, type InputValues, type Reference } from "./compare-reference.ts";
import { nodeTable, outputTable, placeOf, requirements } from "./compare-text.ts";
import { isBundle, readInput } from "./files.ts";
import { INPUT_OPTION, inputValues } from "./input-values.ts";
import { MODEL_OPTIONS } from "./model-options.ts";
import { openSession, SESSION_OPTIONS } from "./open-session.ts";
import { compareTensors } from "./tensor-difference.ts";

export const compare: CommandSpec = {
  name: "compare",
  args: [
    { name: "a", text: "a model (its interpreter is the reference) or a .neo file" },
    { name: "b", text: "what to compare: a .neo file or a model; without it, A compiled for this machine", optional: true },
  ],
  options: [
    INPUT_OPTION,
    {
      flags: "--mode <mode>",
      text: "also compares each value inside: compiled code fed by the interpreter (isolated) or by itself (cumulative), or the interpreter before and after the passes (passes)",
      choices: MODES,
    },
    ...LIMIT_OPTIONS,
    { flags: "--at <stage>", text: "the reference is the graph as imported (import), behind a pass, or behind all (passes)", fallback: "import" },
    HEATMAP_OPTION,
    { flags: "--bisect <file>", text: "writes the smallest part that fails as .nir, and its inputs beside it as .npz" },
    ...SESSION_OPTIONS.filter((option) => !MODEL_OPTIONS.includes(option)),
    ...MODEL_OPTIONS,
  ],
  examples: ["neo compare model.onnx model.neo --max-rel 1e-3", "neo compare model.onnx --executor wasm --mode isolated --bisect bad.nir"],
  exits: {
    0: "ok",
    2: "usage",
    3: "no code for this machine, unsupported model",
    4: "a limit is exceeded",
    5: "not signed by a trusted key, or damaged",
    6: "a file can't be read or written",
    7: "the model exceeds a limit",
  },
  async run(invocation) {
    const [a, b] = invocation.args as [string, string | undefined];
    const { options, cwd } = invocation;
    const stage = stageFrom(invocation);
    const model = options["mode"] !== undefined || options["bisect"] !== undefined ? await modelOf(a, b, invocation) : undefined;
    const session = await openSession(b ?? a, invocation);
    try {
      const names = session.outputs.map((port) => port.name);
      const limits = limitsFrom(options, names);
      const place = heatmapPlace(invocation, names);
      const inputs = (await inputValues(
        repeatedOption(options, "input"),
        { inputs: session.inputs, preprocess: (name, picture) => session.preprocess(name, picture) as never },
        cwd,
      )) as InputValues;
      const reference = await referenceFor(a, session, inputs, stage, invocation);
      const pairs = pairsOf(await session.run(inputs as never), reference);
      const outputs = pairs.map(({ name, found, wanted }) => compareTensors(name, found, wanted, limits.topk));
      const heatmaps = place === undefined ? undefined : await saveHeatmaps(place, pairs, cwd);
      const inside = model === undefined ? { nodes: [], skipped: [] } : await lookInside(model, session, inputs, limits.all, invocation);
      const firstBad = inside.nodes.find((node) => node.bad);
      const lines = [
        outputTable(outputs),
        ...requirements(outputs),
        ...(heatmaps ? heatmapLines(heatmaps) : []),
        `${session.artifact.id} against ${reference.label}`,
        ...(inside.nodes.length > 0 ? ["", nodeTable(inside.nodes, invocation.reporter.verbose)] : []),
        ...inside.skipped.map(({ where, text }) => `not compared: ${where}: ${text}`),
        ...bisectLines(inside),
      ];
      return {
        text: lines.join("\n"),
        result: {
          outputs,
          ...(heatmaps ? { heatmaps: heatmaps.saved } : {}),
          ...(firstBad ? { firstBad: { node: firstBad.node, value: firstBad.name, op: firstBad.op, maxAbs: firstBad.maxAbs, worst: firstBad.worst } } : {}),
          nodes: inside.nodes,
          skipped: inside.skipped,
          ...(inside.bisected === undefined ? {} : { bisect: inside.bisected === "nothing fails" ? null : inside.bisected }),
        },
        diagnostics: [
          ...outputFindings(
            outputs.flatMap((output) => violations(output, limits)),
            model !== undefined,
          ),
          ...insideFindings(inside, options["bisect"] !== undefined),
        ],
      };
    } finally {
      session.close();
    }
  },
};

/** The model whose values inside are compared: the compiled side where it is one, else the reference. */
async function modelOf(a: string, b: string | undefined, { cwd }: Invocation): Promise<string> {
  for (const file of [...(b === undefined ? [] : [b]), a]) if (!isBundle(await readInput(file, cwd))) return file;
  throw new NeoError({
    code: "NEO1022",
    message: "--mode and --bisect want the model: a bundle has no values inside",
    hint: "neo compare model.onnx model.neo --mode isolated",
  });
}

function pairsOf(found: Outputs, reference: Reference) {
  return Object.entries(found).map(([name, output]) => {
    const wanted = reference.outputs.get(name);
    if (wanted) return { name, found: output, wanted };
    throw new NeoError({
      code: "NEO4004",
      message: `the reference has no output ${name}`,
      notes: [...reference.outputs.keys()].map((key) => ({ where: key, text: "is there" })),
      hint: "are A and B the same model?",
    });
  });
}

function outputFindings(notes: readonly Note[], isInside: boolean): NeoError[] {
  if (notes.length === 0) return [];
  return [
    new NeoError({
      code: "NEO4003",
      message: `${notes.length} limit${notes.length > 1 ? "s are" : " is"} exceeded`,
      notes,
      hint: isInside ? "`needs` above, or requiredTolerance of --json, is what would hold" : "--mode isolated names the first node that differs",
    }),
  ];
}

function insideFindings({ nodes, bisected }: Inside, wantsBisect: boolean): NeoError[] {
  const bad = nodes.filter((node) => node.bad);
  const isFailing = bisected !== undefined && bisected !== "nothing fails";
  if (bad.length === 0 && !isFailing) return [];
  const first = bad[0];
  return [
    new NeoError({
      code: "NEO4006",
      message: first
        ? `${bad.length} of ${nodes.length} values inside differ, the first is ${first.name} of ${first.node} (${first.op})`
        : "a part of the model differs",
      notes: first
        ? bad.map((node) => ({ where: node.node, text: `${node.name}: max abs ${node.maxAbs.toExponential(2)} at ${placeOf(node)}` }))
        : isFailing
          ? bisected.nodes.map((node) => ({ where: node, text: "is in it" }))
          : [],
      hint: isFailing
        ? `neo compare ${bisected.path} --input @${bisected.inputs} --mode isolated`
        : wantsBisect
          ? "each op alone is right"
          : "--bisect bad.nir writes the smallest part that fails",
    }),
  ];
}

function bisectLines({ bisected }: Inside): string[] {
  if (bisected === undefined) return [];
  if (bisected === "nothing fails") return ["--bisect: nothing fails, nothing was written"];
  const { path, inputs, nodes, ops } = bisected;
  return ["", `${path}  ${ops} op${ops > 1 ? "s" : ""} of ${nodes.slice(0, 5).join(", ")}${nodes.length > 5 ? ", …" : ""}, its inputs in ${inputs}`];
}
