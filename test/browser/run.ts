/** The library in a browser: sizes, a signed bundle run in a page, and models compiled in a page, against the same in Node. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { compile } from "../../src/compile.ts";
import { generateKeys } from "../../src/index.ts";
import { equalBytes } from "../../src/package/crypto.ts";
import { parseSecretKey } from "../../src/package/keys.ts";
import { signBundle } from "../../src/package/sign-bundle.ts";
import { load } from "../../src/session/index.ts";
import { nodeCrypto } from "../../src/support/node/crypto.ts";
import { target } from "../executors/targets.ts";
import { bundleFor } from "./bundles.ts";
import { smallConvNet, waves } from "./models.ts";
import type { page, Ran, Refused } from "./page.ts";

const MAX_SESSION_GZIP_BYTES = 60 * 1024;
const MNIST = new URL("../../../shared/corpus/onnx/onnx2c/mnist.simplified.onnx", import.meta.url);
const TARGET = new URL("../../targets/wasm.json", import.meta.url);
const BINARYEN = new URL(import.meta.resolve("binaryen"));
const HTML = `<!doctype html><meta charset="utf-8"><title>neo</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "binaryen": "/binaryen.js" } }</script>
<script type="module" src="/page.js"></script>`;

interface Served {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const tally = { passed: 0, failed: 0 };

function check(name: string, ok: boolean, detail = ""): void {
  tally[ok ? "passed" : "failed"]++;
  console.log(`${ok ? "ok  " : "FAIL"} ${name}${detail ? `: ${detail}` : ""}`);
}

function findChromium(): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "chromium"))
    .find((file) => existsSync(file));
}

async function serve(files: ReadonlyMap<string, Served>): Promise<Server> {
  const server = createServer(({ url }, response) => {
    const file = files.get(url ?? "");
    response.writeHead(file ? 200 : 404, { "content-type": file?.type ?? "text/plain" });
    response.end(file?.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Calls a function of `page.ts` in the page. */
function call<Name extends keyof typeof page>(
  tab: Page,
  name: Name,
  ...args: Parameters<(typeof page)[Name]>
): Promise<Awaited<ReturnType<(typeof page)[Name]>>> {
  return tab.evaluate(`page.${name}(...${JSON.stringify(args)})`);
}

const executablePath = findChromium();
if (!executablePath) {
  console.error("there is no chromium in PATH: apt-get install chromium");
  process.exit(1);
}

const [session, compiler, script] = await Promise.all([bundleFor("../../src/session/index.ts"), bundleFor("./compiler.ts"), bundleFor("./page.ts")]);
check(
  "session code fits",
  session.gzipBytes <= MAX_SESSION_GZIP_BYTES,
  `${(session.gzipBytes / 1024).toFixed(1)} KiB gzipped, at most ${MAX_SESSION_GZIP_BYTES / 1024}`,
);
check("session code names no module of Node", session.nodeModules.length === 0, session.nodeModules.join(", "));
check(
  "compiler core names no module of Node",
  compiler.nodeModules.length === 0,
  compiler.nodeModules.join(", ") || `${(compiler.gzipBytes / 1024).toFixed(1)} KiB gzipped without binaryen`,
);

const models = new Map([["small.onnx", smallConvNet()]]);
if (existsSync(MNIST)) models.set("mnist.onnx", new Uint8Array(readFileSync(MNIST)));
const inNode = new Map<string, Uint8Array>();
for (const [fileName, bytes] of models) {
  inNode.set(fileName, (await compile(bytes, { fileName, compiler: "neo", targets: [target("wasm")] }, { crypto: nodeCrypto })).bundle.bytes);
}

const { secretKey, publicKey } = await generateKeys();
const { publicKey: otherKey } = await generateKeys();
const signed = signBundle(inNode.get("small.onnx")!, parseSecretKey(secretKey), nodeCrypto);
const x = waves([1, 3, 12, 12], 6).data as Float32Array;
const wanted = (await (await load(signed, { trust: [publicKey] })).run({ x })).y!.data as Float32Array;
const tampered = signed.slice();
tampered[signed.length >> 1]! ^= 1;

const JAVASCRIPT = "text/javascript";
const DATA = "application/octet-stream";
const files = new Map<string, Served>([
  ["/", { type: "text/html", bytes: new TextEncoder().encode(HTML) }],
  ["/page.js", { type: JAVASCRIPT, bytes: script.bytes }],
  ["/session.js", { type: JAVASCRIPT, bytes: session.bytes }],
  ["/compiler.js", { type: JAVASCRIPT, bytes: compiler.bytes }],
  ["/binaryen.js", { type: JAVASCRIPT, bytes: readFileSync(fileURLToPath(BINARYEN)) }],
  ["/wasm.json", { type: "application/json", bytes: readFileSync(TARGET) }],
  ["/signed.neo", { type: DATA, bytes: signed }],
  ["/tampered.neo", { type: DATA, bytes: tampered }],
  ...[...models].map(([name, bytes]): [string, Served] => [`/${name}`, { type: DATA, bytes }]),
]);

const server = await serve(files);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  console.log(`     chromium ${browser.version()}, node ${process.version}`);
  const tab = await browser.newPage();
  const problems: string[] = [];
  tab.on("pageerror", (error) => problems.push(error.message));
  tab.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction("globalThis.page !== undefined");

  const inputs = { x: Array.from(x) };
  const ran = await call(tab, "run", "/signed.neo", [publicKey], inputs);
  check("a signed bundle gives the bytes of Node", equalsOutput(ran, wanted), "code" in ran ? ran.code : `${wanted.byteLength} bytes by ${ran.kind}`);
  const forged = await call(tab, "run", "/tampered.neo", [publicKey], inputs);
  check("a tampered bundle is refused", isRefused(forged), "code" in forged ? forged.code : "it ran");
  const foreign = await call(tab, "run", "/signed.neo", [otherKey], inputs);
  check("a bundle of another key is refused", isRefused(foreign), "code" in foreign ? foreign.code : "it ran");

  for (const name of models.keys()) {
    const made = Uint8Array.from(await call(tab, "compile", `/${name}`, "/wasm.json"));
    check(`${name} compiles in the page to the bundle of Node`, equalBytes(made, inNode.get(name)!), `${made.length} bytes`);
  }
  check("nothing went wrong beside that", problems.length === 0, problems.join("; "));
} finally {
  await browser.close();
  server.close();
}

function equalsOutput(got: Ran | Refused, bytes: ArrayBufferView): boolean {
  const y = "outputs" in got ? got.outputs["y"] : undefined;
  return y !== undefined && equalBytes(Uint8Array.from(y), new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** By the checks of signatures and digests, which have codes of their own. */
function isRefused(result: Ran | Refused): boolean {
  return "code" in result && result.isNeoError && result.code.startsWith("NEO5");
}

console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed > 0 ? 1 : 0;
