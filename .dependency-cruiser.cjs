/** Who may import whom: the table of ARCHITECTURE.md. Rows import rows above them, as named; type imports too. */
const allowed = {
  support: [],
  target: ["support"],
  host: ["support"],
  ir: ["support", "host"],
  frontends: ["support", "ir"],
  passes: ["support", "ir", "target"],
  kernel: ["support", "host"],
  backends: ["support", "host", "ir", "target", "passes", "kernel"],
  package: ["support", "host"],
  session: ["support", "package", "host"],
  tables: ["support"],
};

const layers = Object.entries(allowed).map(([folder, may]) => ({
  name: `layer-${folder}`,
  severity: "error",
  from: { path: `^src/${folder}/`, pathNot: "^src/support/node/" },
  to: { path: "^src/", pathNot: [`^src/${folder}/`, ...may.map((m) => `^src/${m}/`), ...(folder === "session" ? ["^src/support/node/"] : [])] },
}));

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    ...layers,
    {
      name: "core-without-node",
      comment: "The compiler, the bundle and the wasm session run in a browser: files, processes and clocks come in as ports.",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/cli/", "^src/support/node/", "^src/session/node/", "^src/index\\.ts$", "^src/target-by-name\\.ts$"] },
      to: { dependencyTypes: ["core"] },
    },
    { name: "nobody-imports-cli", severity: "error", from: { pathNot: "^(src/cli/|test/|bin/)" }, to: { path: "^src/cli/" } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".json"] },
  },
};
