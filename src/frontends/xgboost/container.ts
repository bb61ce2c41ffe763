import { NeoError } from "../../support/errors.ts";
import type { Limits } from "../../support/limits.ts";
import { singleFromText } from "../formats/decimal.ts";
import { DocumentEntry } from "../formats/document.ts";
import { readJson } from "../formats/json.ts";
import { holds, latin } from "../formats/letters.ts";
import { readUbjson, readUbjsonPrefix } from "../formats/ubjson.ts";
import { looksBinary, readBinary } from "./binary.ts";
import { modelOf } from "./document.ts";
import type { XgboostModel } from "./model.ts";

type Encoding = "json" | "ubjson" | "binary";

/** Where the model lies in a file, and in which form. `isWhole`: nothing follows it. */
interface Found {
  readonly encoding: Encoding;
  readonly start: number;
  readonly isWhole: boolean;
}

const SNAPSHOT = "CONFIG-offset:";
const PICKLE_HEAD = 4096;

/** The XGBoost model in a file: plain, behind Spark's names, in a snapshot of a Booster or in its pickle, which is searched and never run. */
export function readXgboost(bytes: Uint8Array, file: string, limits: Limits): XgboostModel {
  const found = findXgboost(bytes);
  if (!found) throw refused(bytes, file);
  const inner = bytes.subarray(found.start);
  if (found.encoding === "binary") return readBinary(inner, file, limits);
  const document =
    found.encoding === "json" ? readJson(inner, file, limits, singleFromText) : (found.isWhole ? readUbjson : readUbjsonPrefix)(inner, file, limits);
  return modelOf(new DocumentEntry(document, file), limits);
}

/** Whether a file is taken for an XGBoost model, if only to say what is wrong with it. */
export function isXgboost(bytes: Uint8Array): boolean {
  return findXgboost(bytes) !== undefined || latin(bytes, 0, 4) === "bs64" || isBoosterPickle(bytes);
}

function findXgboost(bytes: Uint8Array): Found | undefined {
  if (isUbjson(bytes, 0)) return { encoding: "ubjson", start: 0, isWhole: true };
  if (/^\s{0,64}\{/.test(latin(bytes, 0, 128)) && holds(bytes, '"gradient_booster"')) return { encoding: "json", start: 0, isWhole: true };
  if (isBoosterPickle(bytes)) return insidePickle(bytes);
  const start = latin(bytes, 0, SNAPSHOT.length) === SNAPSHOT ? SNAPSHOT.length + 8 : (sparkEnd(bytes) ?? 0);
  return binaryAt(bytes, start);
}

function binaryAt(bytes: Uint8Array, start: number): Found | undefined {
  const from = latin(bytes, start, start + 4) === "binf" ? start + 4 : start;
  return from > start || looksBinary(bytes.subarray(from)) ? { encoding: "binary", start: from, isWhole: false } : undefined;
}

/** `{` and a key with a length of eight bytes, one of those that a model begins with. */
function isUbjson(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + 1] !== 0x4c || bytes[at + 2] !== 0) return false;
  return /^\{L\0{7}(\x06Config|\x05Model|\x07learner|\x07version)/.test(latin(bytes, at, at + 18));
}

/** Spark writes names before the model: its kind, then columns, of classifiers also that of raw scores with four bytes behind. */
function sparkEnd(bytes: Uint8Array): number | undefined {
  let at = 0;
  const next = (): string => {
    const length = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    const word = latin(bytes, at + 2, at + 2 + Math.min(length, 1024));
    at += 2 + length;
    return word;
  };
  const kind = next();
  if (kind !== "_cls_" && kind !== "_reg_") return undefined;
  for (let i = 0; i < 3; i++) next();
  if (kind === "_cls_") {
    next();
    at += 4;
  }
  return at;
}

/** A pickle that names XGBoost's class near its beginning. */
function isBoosterPickle(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, PICKLE_HEAD);
  return bytes[0] === 0x80 && bytes[1]! <= 5 && (holds(head, "xgboost.core") || holds(head, "xgboost.sklearn"));
}

function insidePickle(bytes: Uint8Array): Found | undefined {
  for (let at = 0; at + 20 < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x7b && isUbjson(bytes, at)) return { encoding: "ubjson", start: at, isWhole: false };
    if (byte === 0x43 && latin(bytes, at, at + SNAPSHOT.length) === SNAPSHOT) return binaryAt(bytes, at + SNAPSHOT.length + 8);
    if (byte === 0x62 && latin(bytes, at, at + 4) === "binf") return { encoding: "binary", start: at + 4, isWhole: false };
  }
  return undefined;
}

function refused(bytes: Uint8Array, file: string): NeoError {
  const isBase64 = latin(bytes, 0, 4) === "bs64";
  return new NeoError({
    code: "NEO2032",
    message: isBase64 ? `${file} is an XGBoost model in base64, a form given up before 0.72` : `${file} is a pickle in which no XGBoost model is found`,
    hint: 'load it where it was made and save it: `booster.save_model("model.json")`',
    file,
  });
}
