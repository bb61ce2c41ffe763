import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Files of a folder or a .tar.gz by their paths inside it. */
export function readFiles(path: string): ReadonlyMap<string, () => Uint8Array> {
  if (!statSync(path).isDirectory()) return new Map([...readTar(gunzipSync(readFileSync(path)))].map(([name, bytes]) => [name, () => bytes]));
  const names = readdirSync(path, { recursive: true, encoding: "utf8", withFileTypes: false }).map((name) => name.replaceAll("\\", "/"));
  return new Map(names.filter((name) => /\.(onnx|pb)$/.test(name)).map((name) => [name, () => new Uint8Array(readFileSync(join(path, name)))]));
}

const BLOCK = 512;

/** Regular files of a tar archive; long names as GNU tar and pax write them. */
export function* readTar(bytes: Uint8Array): Generator<readonly [name: string, bytes: Uint8Array]> {
  let longName = "";
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header[0] === 0) break;
    const size = parseInt(text(header, 124, 12).trim() || "0", 8);
    const data = bytes.subarray(at + BLOCK, at + BLOCK + size);
    const kind = String.fromCharCode(header[156]!);
    if (kind === "L") longName = text(data, 0, size);
    else if (kind === "x") longName = /(?:^|\n)\d+ path=(.*)\n/.exec(text(data, 0, size))?.[1] ?? "";
    else {
      const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
      const name = longName || (prefix ? `${prefix}/` : "") + text(header, 0, 100);
      longName = "";
      if (kind === "0" || kind === "\0") yield [name.replace(/^\.\//, ""), new Uint8Array(data)];
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}
