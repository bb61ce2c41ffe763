import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** ONNX networks of the corpus that somebody uses as they are: fixed shapes, one input, more than a block of layers. */
const REAL =
  /(blazeface|ppocr|ultraface|speech-embedding|dtln)\/[^/]+\.onnx$|generated\/onnx\/(mbv3s|vit_tiny|bert_tiny|densenet)[^/]*(dynamo|legacy|qdq)[^/]*\.onnx$/;

export interface CorpusFile {
  readonly label: string;
  readonly bytes: Uint8Array;
}

export function corpusFiles(root: string): CorpusFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => REAL.test(path))
    .sort()
    .map((path) => ({ label: basename(path, ".onnx"), bytes: readFileSync(join(root, path)) }));
}
