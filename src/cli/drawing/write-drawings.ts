import { optimize } from "../../compile.ts";
import { importModel } from "../../frontends/index.ts";
import { NeoError } from "../../support/errors.ts";
import { textOption, type Invocation, type OptionSpec } from "../command.ts";
import { writeOutput } from "../files.ts";
import type { ModelInput } from "../model-options.ts";
import { drawingOf, HEATS, type Drawing, type Heat } from "./drawing.ts";
import { printDot } from "./dot.ts";
import { printHtml } from "./html.ts";
import { printSvg } from "./svg.ts";

export const DRAWING_OPTIONS: readonly OptionSpec[] = [
  { flags: "--html <file>", text: "draws the graph into one page that works offline: search, details, heat; - is stdout" },
  { flags: "--svg <file>", text: "draws the graph as SVG" },
  { flags: "--dot <file>", text: "writes the graph for Graphviz" },
  { flags: "--heat <what>", text: "what colours the nodes", choices: HEATS, fallback: "macs" },
  { flags: "--stage <stage>", text: "the graph drawn is the one as imported, or behind the passes", choices: ["import", "passes"], fallback: "passes" },
];

const FORMATS: readonly { readonly flag: string; readonly print: (drawing: Drawing, heat: Heat) => string }[] = [
  { flag: "html", print: printHtml },
  { flag: "svg", print: printSvg },
  { flag: "dot", print: printDot },
];

export interface WrittenDrawings {
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** For `-`. */
  readonly stdout: Uint8Array | undefined;
}

/** Whether a drawing is asked for. */
export function wantsDrawing({ options }: Invocation): boolean {
  return FORMATS.some(({ flag }) => options[flag] !== undefined);
}

/** Writes the drawings that the flags ask for; the same model gives the same bytes. */
export async function writeDrawings(model: ModelInput, invocation: Invocation): Promise<WrittenDrawings> {
  const { options, json, cwd } = invocation;
  const asked = FORMATS.flatMap((format) => (options[format.flag] === undefined ? [] : [{ ...format, path: textOption(options, format.flag)! }]));
  if (asked.filter(({ path }) => path === "-").length > (json ? 0 : 1))
    throw new NeoError({ code: "NEO1008", message: `${json ? "--json and a drawing" : "several drawings"} want stdout`, hint: "name files for the drawings" });
  const graph = importModel(model.bytes, { ...model, shapes: model.bindings[0]! });
  if (textOption(options, "stage") !== "import") optimize(graph);
  const drawing = drawingOf(graph);
  const files: { path: string; bytes: number }[] = [];
  let stdout: Uint8Array | undefined;
  for (const { path, print } of asked) {
    const bytes = new TextEncoder().encode(print(drawing, textOption(options, "heat") as Heat));
    if (path === "-") stdout = bytes;
    else {
      await writeOutput(path, bytes, cwd);
      files.push({ path, bytes: bytes.length });
    }
  }
  return { files, stdout };
}
