/** The script of the page. It fetches models and bundles from the server beside it, and answers with plain data. */
import type * as sessionModule from "../../src/session/index.ts";
import type * as compilerModule from "./compiler.ts";

export interface Ran {
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly kind: string;
}

export interface Refused {
  readonly code: string;
  readonly isNeoError: boolean;
}

/** Bytes of each output of a bundle that `trust` vouches for, or why it was not run. */
async function run(bundle: string, trust: readonly string[], inputs: Readonly<Record<string, readonly number[]>>): Promise<Ran | Refused> {
  const { load, NeoError } = await module<typeof sessionModule>("/session.js");
  try {
    const session = await load(await fetchBytes(bundle), { trust });
    const values = Object.fromEntries(Object.entries(inputs).map(([name, data]): [string, sessionModule.InputValue] => [name, Float32Array.from(data)]));
    const outputs = await session.run(values);
    return { kind: session.kind, outputs: Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, bytesOf(output)])) };
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error), isNeoError: error instanceof NeoError };
  }
}

/** The bytes of the unsigned bundle that the compiler makes of a model in this page. */
async function compile(model: string, target: string): Promise<readonly number[]> {
  const compiler = await module<typeof compilerModule>("/compiler.js");
  const read = new TextDecoder().decode(await fetchBytes(target));
  const { bundle } = await compiler.compile(
    await fetchBytes(model),
    { fileName: model.slice(1), compiler: "neo", targets: [compiler.loadTarget(read)] },
    { crypto: compiler.portableCrypto },
  );
  return Array.from(bundle.bytes);
}

/** The served bundles are found at run time, so that this file is built without them. */
async function module<T>(url: string): Promise<T> {
  return (await import(url)) as T;
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function bytesOf({ data }: sessionModule.OutputTensor): number[] {
  if (!ArrayBuffer.isView(data)) throw new Error("strings have no bytes");
  return Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** What `run.ts` calls by name. */
export const page = { run, compile };
Object.assign(globalThis, { page });
