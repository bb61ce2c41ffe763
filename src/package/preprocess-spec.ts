import { NeoError, type Note } from "../support/errors.ts";

/** How a picture becomes an input: `rgb,nchw,resize:48xW,mean:127.5,scale:127.5`. Elements are (pixel - mean) / scale. */
export interface PreprocessSpec {
  readonly channels: "rgb" | "bgr" | "gray";
  readonly layout: "nchw" | "nhwc";
  /**
   * Bilinear with half-pixel centres. No width: it keeps the picture's proportions, is at most that of the input, and the rest of
   * the input to the right is zero. No resize: the picture must have the input's size.
   */
  readonly resize?: { readonly height: number; readonly width?: number };
  /** One value, or one a channel in the order of `channels`. */
  readonly mean: readonly number[];
  readonly scale: readonly number[];
}

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
    if (spec[key].length !== 1 && spec[key].length !== channels) findings.push({ where: key, text: `found ${spec[key].length} values, wanted 1 or ${channels}` });
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
