import { join } from "node:path";
import { NeoError } from "../support/errors.ts";
import { encodePng } from "../support/node/picture.ts";
import { textOption, type Invocation, type OptionSpec } from "./command.ts";
import { short } from "./compare-limits.ts";
import { heatmapOf, type Heatmap } from "./drawing/heatmap.ts";
import { fileNamesFor, makeFolder, writeOutput } from "./files.ts";
import { clean } from "./reporter.ts";

export const HEATMAP_OPTION: OptionSpec = {
  flags: "--save-heatmap <place>",
  text: "draws |A - B| of each output by its elements' places: a .png for one output, else a folder of them",
};

/** An output of both sides. */
export interface Pair {
  readonly name: string;
  readonly found: { readonly dtype: string; readonly data: ArrayLike<unknown> };
  readonly wanted: { readonly dtype: string; readonly shape: readonly number[]; readonly data: ArrayLike<unknown> };
}

export interface SavedHeatmap extends Omit<Heatmap, "pixels"> {
  readonly output: string;
  readonly path: string;
}

export interface SavedHeatmaps {
  readonly saved: readonly SavedHeatmap[];
  /** Outputs without a picture, and why. */
  readonly left: readonly { readonly output: string; readonly reason: string }[];
}

/** Refuses a place that can't hold as many pictures before anything is computed. */
export function heatmapPlace({ options }: Invocation, outputs: readonly string[]): string | undefined {
  const place = textOption(options, "saveHeatmap");
  if (place === undefined || outputs.length === 1 || !isFile(place)) return place;
  throw new NeoError({
    code: "NEO1026",
    message: `--save-heatmap ${place}: one file can't hold the pictures of ${outputs.length} outputs`,
    notes: outputs.map((output) => ({ where: output, text: "is an output" })),
    hint: "name a folder: --save-heatmap heat",
  });
}

/** Draws all outputs at `place`. */
export async function saveHeatmaps(place: string, pairs: readonly Pair[], cwd: string): Promise<SavedHeatmaps> {
  const names = fileNamesFor(pairs.map(({ name }) => name));
  const saved: SavedHeatmap[] = [];
  const left: { output: string; reason: string }[] = [];
  if (!isFile(place)) makeFolder(place, cwd);
  for (const [i, { name, found, wanted }] of pairs.entries()) {
    const reason = whyNot(found, wanted);
    if (reason !== undefined) {
      left.push({ output: name, reason });
      continue;
    }
    const path = isFile(place) ? place : join(place, `${names[i]}.png`);
    const { pixels, ...rest } = heatmapOf(found.data as ArrayLike<number>, wanted.data as ArrayLike<number>, wanted.shape);
    await writeOutput(path, await encodePng({ ...rest, data: pixels }), cwd);
    saved.push({ output: name, path, ...rest });
  }
  return { saved, left };
}

function isFile(place: string): boolean {
  return /\.png$/i.test(place);
}

function whyNot(found: Pair["found"], wanted: Pair["wanted"]): string | undefined {
  if (wanted.dtype === "string") return "texts have no distance";
  if (wanted.data.length === 0) return "there are no elements";
  return found.data.length === wanted.data.length ? undefined : `found ${found.data.length} elements, wanted ${wanted.data.length}`;
}

export function heatmapLines({ saved, left }: SavedHeatmaps): string[] {
  return [
    ...saved.map(({ output, path, width, height, max, nonFinite, scale }) => {
      const cell = scale === 1 ? "" : scale > 1 ? `, ${scale} pixels an element` : `, a pixel shows the largest of ${1 / scale}x${1 / scale}`;
      const colours = `${max === 0 ? "all dark: no error" : `brightest is ${short(max)}`}${nonFinite > 0 ? `, magenta are ${nonFinite} NaN or infinite` : ""}`;
      return `wrote ${clean(path)}: ${clean(output)}, ${width}x${height}${cell}; ${colours}`;
    }),
    ...left.map(({ output, reason }) => `no heat map of ${clean(output)}: ${reason}`),
  ];
}
