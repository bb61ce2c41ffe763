/** Loads and runs bundles in any host with WebAssembly; knows nothing of the compiler, and names no `node:` module. */
export { load, openBundle, type LoadOptions } from "./load.ts";
export type { MapValue } from "./border.ts";
export { Session, type BoundRun, type Inputs, type Outputs, type Refusal } from "./session.ts";
export type { AnswerReport, SelfTestReport } from "./check-answers.ts";
export type { Code, Engine, NativeRunner, Runnable } from "./engine.ts";
export type { HostStep } from "./host-steps.ts";
export type { EngineSource, LoadedRegion, RegionEngine, RegionFile, RegionTensor } from "./engines/region-engine.ts";
export type { Picture } from "./preprocess.ts";
export type { InputData, InputValue, OutputTensor, TypedArray } from "./tensors.ts";
export type { Trust } from "../package/keys.ts";
export type { Artifact, Manifest, ManifestPort, ManifestProgram } from "../package/manifest.ts";
export { NeoError } from "../support/errors.ts";
