import { test } from "vitest";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { target } from "../executors/targets.ts";

const host = target("host");
const found = (await findCompilers()).filter((c) => c.machine.startsWith(host.arch === "aarch64" ? "a" : host.arch)).map((c) => c.command);

/** Every gcc and clang that compiles for this machine; where there is none, a name that says what tests want. */
export const hostCompilers: readonly string[] = found.length > 0 ? found : ["gcc or clang"];

/** A test that is left out where no C compiler is, but fails there in CI. */
export const nativeTest = test.skipIf(found.length === 0 && process.env.CI !== "true");
