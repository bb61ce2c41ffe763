import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

export interface BrowserBundle {
  readonly bytes: Uint8Array;
  readonly gzipBytes: number;
  /** Modules of Node that something in the bundle asks for. */
  readonly nodeModules: readonly string[];
}

/** A source file with all it imports, minified, as browsers load it. Binaryen stays a module of its own: the page's import map names it. */
export async function bundleFor(entry: string): Promise<BrowserBundle> {
  const nodeModules = new Set<string>();
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    external: ["binaryen"],
    plugins: [
      {
        name: "node-modules",
        setup: ({ onResolve, resolve }) => {
          onResolve({ filter: NODE_MODULE }, async ({ path, pluginData, ...place }) => {
            if (pluginData === ASKED) return undefined;
            // Packages may say that browsers go without: tweetnacl does so for crypto.
            const found = await resolve(path, { importer: place.importer, kind: place.kind, resolveDir: place.resolveDir, pluginData: ASKED });
            if (found.errors.length === 0) return undefined;
            nodeModules.add(`${path} (from ${place.importer})`);
            return { path, external: true };
          });
        },
      },
    ],
  });
  const bytes = outputFiles[0]!.contents;
  return { bytes, gzipBytes: gzipSync(bytes, { level: 9 }).length, nodeModules: [...nodeModules] };
}

/** Marks the question of the plugin itself. */
const ASKED = Symbol("asked");
const NODE_MODULE = new RegExp(`^(node:.*|${builtinModules.filter((name) => !name.startsWith("_")).join("|")})$`);
