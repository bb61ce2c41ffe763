/** What a page needs to compile a model: the core, crypto without a host, and target profiles from their texts. */
export { compile } from "../../src/compile.ts";
export { portableCrypto } from "../../src/package/portable-crypto.ts";
export { loadTarget } from "../../src/target/load.ts";
