import type * as KoffiModule from "koffi";
import { onnxruntimeEngine, type OnnxruntimeModule } from "../engines/onnxruntime.ts";
import { openvinoEngine } from "../engines/openvino.ts";
import type { EngineSource, RegionEngine } from "../engines/region-engine.ts";
import { findOpenvino, openvinoApi } from "./openvino-library.ts";

/** The engines that Node can open, by name. Nothing is loaded before one is opened, and each is opened once. */
export function nodeEngines(env: Readonly<Record<string, string | undefined>> = process.env): Readonly<Record<string, EngineSource>> {
  return { onnxruntime: once(openOnnxruntime), openvino: once(() => openOpenvino(env)) };
}

function once(open: () => Promise<RegionEngine>): EngineSource {
  let opened: Promise<RegionEngine> | undefined;
  return { open: () => (opened ??= open()) };
}

async function openOnnxruntime(): Promise<RegionEngine> {
  const module = (await import("onnxruntime-node").catch((error: unknown) => {
    throw new Error(`the package onnxruntime-node is not installed or does not load (${firstLine(error)}): npm install onnxruntime-node`);
  })) as { readonly default?: OnnxruntimeModule };
  return onnxruntimeEngine(module.default ?? (module as unknown as OnnxruntimeModule));
}

async function openOpenvino(env: Readonly<Record<string, string | undefined>>): Promise<RegionEngine> {
  const path = findOpenvino(env);
  if (path === undefined) throw new Error("libopenvino_c is not found: install OpenVINO 2025 or newer, or say where it is by NEO_OPENVINO");
  const module = (await import("koffi").catch((error: unknown) => {
    throw new Error(`the package koffi is not installed or does not load (${firstLine(error)}): npm install koffi`);
  })) as unknown as { readonly default?: typeof KoffiModule };
  return openvinoEngine(openvinoApi(module.default ?? (module as unknown as typeof KoffiModule), path));
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}
