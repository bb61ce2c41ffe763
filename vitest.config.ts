import { defineConfig } from "vitest/config";

/** Tests of the command line start the built `bin/neo.js`; all others import the sources. */
const cli = { include: ["test/cli/**/*.test.ts"], globalSetup: ["test/cli/build.ts"] };

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "core", include: ["test/**/*.test.ts"], exclude: cli.include } },
      { extends: true, test: { name: "cli", ...cli } },
    ],
  },
});
