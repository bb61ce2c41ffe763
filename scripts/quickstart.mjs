// Compiles the PP-OCRv4 text recogniser for this machine, signs and verifies the bundle, and reads a line of text from a picture.
//   npm run quickstart [-- FILE.png]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "../dist/index.js";
import { decodePicture } from "../dist/support/node/picture.js";
import { HEIGHT, readCharacters, readText, widthFor } from "./ocr.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const assets = join(root, "node_modules", "@gutenye", "ocr-models", "assets");
const out = join(root, "tmp", "quickstart");
const shown = (path) => relative(process.cwd(), path) || path;

function neo(...args) {
  const result = spawnSync(process.execPath, [join(root, "bin", "neo.js"), ...args, "--json"], { encoding: "utf8", env: { ...process.env, NEO_HOME: out } });
  if (result.error) throw result.error;
  const document = JSON.parse(result.stdout);
  if (document.ok) return document.result;
  for (const { code, message, hint } of document.diagnostics) console.error(`error ${code}: ${message}${hint ? `\nhint: ${hint}` : ""}`);
  process.exit(document.exitCode);
}

const file = process.argv[2] ?? join(root, "examples", "line.png");
if (!existsSync(file)) {
  console.error(`there is no picture ${file}`);
  process.exit(6);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const picture = await decodePicture(new Uint8Array(readFileSync(file)), file);
const width = widthFor(picture);
const model = join(out, "rec.onnx");
writeFileSync(model, readFileSync(join(assets, "ch_PP-OCRv4_rec_infer.onnx")));
const key = join(out, "key");
const bundle = join(out, "rec.neo");

neo("keygen", "-o", key);
const compilers = neo("doctor").findings.some(({ id, level }) => id === "cc" && level === "ok");
const start = performance.now();
const made = neo(
  "compile",
  model,
  "-t",
  compilers ? "host,wasm" : "wasm",
  "--shape",
  `x=1x3x${HEIGHT}x${width}`,
  "--preprocess",
  `x=rgb,nchw,resize:${HEIGHT}xW,mean:127.5,scale:127.5`,
  "--sign",
  `${key}.key`,
  "-o",
  bundle,
);
const compileSeconds = (performance.now() - start) / 1000;
const verified = neo("verify", bundle, "--trust", `${key}.pub`);

const session = await load(new Uint8Array(readFileSync(bundle)), { trust: [readFileSync(`${key}.pub`, "utf8")] });
const bound = await session.bind({ x: session.preprocess("x", picture) });
const times = Array.from({ length: 20 }, () => {
  const from = performance.now();
  bound.run();
  return performance.now() - from;
});
const [scores] = Object.values(bound.outputs());
const text = readText(scores.data, scores.shape[1], readCharacters(join(assets, "ppocr_keys_v1.txt")));
session.close();

const kib = (bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
const [best] = made.artifacts;
console.log(
  `model     PP-OCRv4 recognition, ${kib(statSync(model).size)} ONNX, ${(made.macs / 1e6).toFixed(0)} million multiply-accumulates at ${HEIGHT}x${width}`,
);
console.log(`compiled  in ${compileSeconds.toFixed(1)} s for ${made.artifacts.map((a) => a.target).join(" and ")}${compilers ? "" : " (no C compiler found)"}`);
console.log(`bundle    ${kib(made.bundle.bytes)}: ${kib(best.codeBytes)} code and ${kib(best.weightsBytes)} weights for ${best.target}`);
console.log(`memory    ${kib(best.arenaBytes)} arena, ${(best.arenaBytes / best.arenaLowerBound).toFixed(2)}x of the largest live set`);
console.log(`signed    by key ${verified.signatures[0].keyId.slice(0, 16)}…, ${verified.files.length} digests good`);
console.log(`ran       as ${session.artifact.id}: first ${times[0].toFixed(1)} ms, best of ${times.length} ${Math.min(...times).toFixed(1)} ms`);
console.log(`picture   ${shown(file)}, ${picture.width}x${picture.height}`);
console.log(`text      ${text}`);
console.log("");
console.log("next:");
console.log(`  npm run quickstart -- your-line-of-text.png`);
console.log(`  npx neo run ${shown(bundle)} --trust ${shown(`${key}.pub`)} --input x=@${shown(file)}`);
console.log(`  npx neo bench ${shown(bundle)} --trust ${shown(`${key}.pub`)}`);
console.log(`  npx neo inspect ${shown(bundle)}`);
console.log(`  npx neo compile your-model.onnx`);
