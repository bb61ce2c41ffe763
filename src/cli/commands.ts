import type { CommandEntry } from "./command.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "compile", summary: "compiles a model to a bundle", load: async () => (await import("./compile.ts")).compileCommand },
  { name: "run", summary: "runs a bundle, or a model compiled in memory, once", load: async () => (await import("./run.ts")).run },
  { name: "check", summary: "tells whether a model can be compiled, and all that is in the way", load: async () => (await import("./check.ts")).check },
  { name: "inspect", summary: "shows what is in a model or a bundle", load: async () => (await import("./inspect.ts")).inspect },
  { name: "verify", summary: "checks the signatures and every digest of a bundle", load: async () => (await import("./verify.ts")).verify },
  { name: "sign", summary: "adds a signature to a bundle", load: async () => (await import("./sign.ts")).sign },
  { name: "keygen", summary: "makes an Ed25519 key pair to sign bundles with", load: async () => (await import("./keygen.ts")).keygen },
  { name: "bench", summary: "times a bundle, or a model compiled in memory", load: async () => (await import("./bench.ts")).bench },
  {
    name: "compare",
    summary: "compares a model's interpreter with compiled code, or two bundles, number by number",
    load: async () => (await import("./compare.ts")).compare,
  },
  { name: "opt", summary: "runs passes on a graph in text form", load: async () => (await import("./opt.ts")).opt },
  {
    name: "selftest",
    summary: "runs random graphs through every executor and compares the numbers",
    load: async () => (await import("./selftest.ts")).selftest,
  },
  { name: "targets", summary: "lists what can be compiled for", load: async () => (await import("./targets.ts")).targets },
  { name: "ops", summary: "lists the operators that are read, or the ops they become", load: async () => (await import("./ops.ts")).ops },
  { name: "explain", summary: "prints the page of an error code", load: async () => (await import("./explain.ts")).explain },
  { name: "doctor", summary: "looks at this machine: what works, what is missing, how to get it", load: async () => (await import("./doctor.ts")).doctor },
  { name: "config", summary: "shows which value each flag has, and who says so", load: async () => (await import("./show-config.ts")).config },
  { name: "completion", summary: "prints a completion script for a shell", load: async () => (await import("./completion.ts")).completion },
];
