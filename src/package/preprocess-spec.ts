import { NeoError, type Note } from "../support/errors.ts";
import type { ManifestPort, PreprocessSpec } from "./manifest.ts";

export type { PreprocessSpec };

/** The words of `--preprocess x=WORDS`; all findings in one error. */
export function parsePreprocess(text: string, input: string): PreprocessSpec {
  const findings: Note[] = [];
  const spec: { -readonly [K in keyof PreprocessSpec]: PreprocessSpec[K] } = { channels: "rgb", layout: "nchw", mean: [0], scale: [1] };
  const seen = new Set<string>();
  for (const word of text.split(",").map((w) => w.trim())) {
    const [key, ...values] = word.split(":") as [string, ...string[]];
    const field = FIELDS[key];
    if (!field || (field.values === 0) !== (values.length === 0)) findings.push({ where: word || '""', text: `wanted one of ${WORDS}` });
    else if (seen.has(field.sets)) findings.push({ where: word, text: `${field.sets} is given twice` });
    else if (!field.apply(spec, key, values)) findings.push({ where: word, text: field.wanted });
    if (field) seen.add(field.sets);
  }
  const channels = spec.channels === "gray" ? 1 : 3;
  for (const key of ["mean", "scale"] as const) {
    if (spec[key].length !== 1 && spec[key].length !== channels)
      findings.push({ where: key, text: `found ${spec[key].length} values, wanted 1 or ${channels}` });
  }
  if (findings.length === 0) return spec;
  throw new NeoError({
    code: "NEO1053",
    message: `the preprocessing of input ${input} can't be used: ${text}`,
    notes: findings,
    hint: "an example: `--preprocess x=rgb,nchw,resize:48xW,mean:127.5,scale:127.5`",
  });
}

/** The words again. */
export function printPreprocess(spec: PreprocessSpec): string {
  const resize = spec.resize && `resize:${spec.resize.height}x${spec.resize.width ?? "W"}`;
  return [spec.channels, spec.layout, resize, `mean:${spec.mean.join(":")}`, `scale:${spec.scale.join(":")}`].filter(Boolean).join(",");
}

const PICTURE_DTYPES = ["f32", "f64", "f16", "bf16", "u8", "i8", "i32"];

/** The dims of a port as a picture: one image, its channels, rows and columns. Undefined for a port that is no such picture. */
export function pictureShape(
  port: ManifestPort,
  spec: PreprocessSpec,
): { readonly channels: number; readonly height: number; readonly width: number } | undefined {
  const dims = port.shape.length === 4 && port.shape[0] === 1 ? port.shape.slice(1) : port.shape;
  if (dims.length !== 3) return undefined;
  const [channels, height, width] = (spec.layout === "nchw" ? dims : [dims[2], dims[0], dims[1]]) as [number, number, number];
  return channels === (spec.channels === "gray" ? 1 : 3) ? { channels, height, width } : undefined;
}

/** Why pictures can't become this input that way; undefined where they can. */
export function preprocessProblem(port: ManifestPort, spec: PreprocessSpec): string | undefined {
  const found = `found ${port.dtype} [${port.shape.join(", ")}]`;
  if (!PICTURE_DTYPES.includes(port.dtype)) return `${found}, wanted one of ${PICTURE_DTYPES.join(", ")}`;
  const shape = pictureShape(port, spec);
  if (!shape)
    return `${found}, wanted one picture: ${spec.layout === "nchw" ? `[1, ${spec.channels === "gray" ? 1 : 3}, H, W]` : `[1, H, W, ${spec.channels === "gray" ? 1 : 3}]`}`;
  if (!spec.resize) return undefined;
  const fits = spec.resize.height === shape.height && (spec.resize.width ?? shape.width) === shape.width;
  return fits ? undefined : `${found}, resize gives ${spec.resize.height}x${spec.resize.width ?? "W"}`;
}

interface Field {
  readonly sets: string;
  readonly values: 0 | 1;
  readonly wanted: string;
  apply(spec: { -readonly [K in keyof PreprocessSpec]: PreprocessSpec[K] }, key: string, values: readonly string[]): boolean;
}

const WORDS = "rgb, bgr, gray, nchw, nhwc, resize:HxW, mean:V, scale:V";

const channels: Field = {
  sets: "the channel order",
  values: 0,
  wanted: "",
  apply(spec, key) {
    spec.channels = key as PreprocessSpec["channels"];
    return true;
  },
};

const layout: Field = {
  sets: "the layout",
  values: 0,
  wanted: "",
  apply(spec, key) {
    spec.layout = key as PreprocessSpec["layout"];
    return true;
  },
};

const FIELDS: Readonly<Record<string, Field | undefined>> = Object.assign(Object.create(null) as Record<string, Field>, {
  rgb: channels,
  bgr: channels,
  gray: channels,
  nchw: layout,
  nhwc: layout,
  resize: {
    sets: "resize",
    values: 1,
    wanted: "wanted HEIGHTxWIDTH, as 224x224, or 48xW where the width follows the picture",
    apply(spec, _key, values) {
      const match = values.length === 1 ? /^([1-9]\d{0,4})x([1-9]\d{0,4}|W)$/.exec(values[0]!) : null;
      if (!match) return false;
      spec.resize = match[2] === "W" ? { height: Number(match[1]) } : { height: Number(match[1]), width: Number(match[2]) };
      return true;
    },
  } satisfies Field,
  mean: {
    sets: "mean",
    values: 1,
    wanted: "wanted numbers, as mean:127.5 or mean:123.7:116.3:103.5",
    apply(spec, _key, values) {
      spec.mean = values.map(toNumber);
      return spec.mean.every(Number.isFinite);
    },
  } satisfies Field,
  scale: {
    sets: "scale",
    values: 1,
    wanted: "wanted numbers other than 0, as scale:255 or scale:58.4:57.1:57.4",
    apply(spec, _key, values) {
      spec.scale = values.map(toNumber);
      return spec.scale.every((v) => Number.isFinite(v) && v !== 0);
    },
  } satisfies Field,
});

function toNumber(text: string): number {
  return /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
}
