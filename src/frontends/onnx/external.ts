import { NeoError, type NeoErrorInit } from "../../support/errors.ts";
import { limitError, type Limits } from "../../support/limits.ts";
import type { TensorProto } from "./schema.ts";
import { TensorProblem } from "./tensor-problem.ts";

/** Gives the bytes of a file beside the model; `path` is relative to the model and has passed the rules below. */
export type ExternalReader = (path: string) => Uint8Array;

/** The outside files of a model, each read once. */
export class ExternalFiles {
  private readonly reader: ExternalReader | undefined;
  private readonly limits: Limits;
  private readonly files = new Map<string, Uint8Array>();

  constructor(reader: ExternalReader | undefined, limits: Limits) {
    this.reader = reader;
    this.limits = limits;
  }

  /** The `wanted` bytes of a tensor's data. Throws `TensorProblem`, NEO7000, or what the reader throws. */
  bytes(proto: TensorProto, wanted: number): Uint8Array {
    const entries = new Map(proto.externalData.map((entry) => [entry.key ?? "", entry.value ?? ""]));
    const location = entries.get("location") ?? "";
    const refusal = pathProblem(location);
    if (refusal) throw new TensorProblem("external", refusal);
    const offset = number(entries.get("offset") ?? "0", "offset");
    const length = number(entries.get("length") ?? String(wanted), "length");
    if (length !== BigInt(wanted)) throw new TensorProblem("external", `has ${length} bytes in ${location}, its shape wants ${wanted}`);
    const file = this.file(location, proto.name ?? "");
    if (offset + length > BigInt(file.length))
      throw new TensorProblem("external", `has bytes ${offset} to ${offset + length} of ${location}, which has ${file.length}`);
    return file.subarray(Number(offset), Number(offset + length));
  }

  private file(path: string, tensor: string): Uint8Array {
    let bytes = this.files.get(path);
    if (bytes) return bytes;
    if (!this.reader) throw new TensorProblem("external", `has its data in ${path}, which was not given`);
    try {
      bytes = this.reader(path);
    } catch (error) {
      if (!(error instanceof NeoError)) throw error;
      throw new NeoError({ ...withoutUndefined(error), notes: [...error.notes, { where: tensor, text: `has its data in ${path}` }] });
    }
    if (bytes.length > this.limits.fileBytes) throw limitError("fileBytes", this.limits, path, "bytes of the file:", bytes.length);
    this.files.set(path, bytes);
    return bytes;
  }
}

/** Why a path may not be read; undefined for one that stays beside or below the model. Links are for the reader to refuse. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "names no outside file";
  if (path.includes("\0")) return "has an outside path with a NUL in it";
  if (path.includes("\\")) return `has the outside path ${path}, with a backslash`;
  if (path.startsWith("/")) return `has the outside path ${path}, which is absolute`;
  if (/^[A-Za-z]:/.test(path)) return `has the outside path ${path}, which names a drive`;
  if (path.split("/").some((part) => part === "..")) return `has the outside path ${path}, which leaves the folder`;
  return undefined;
}

function number(text: string, what: string): bigint {
  if (!/^[0-9]{1,19}$/.test(text)) throw new TensorProblem("external", `has the outside ${what} "${text}"`);
  return BigInt(text);
}

function withoutUndefined({ code, message, hint, file, awsName }: NeoError): NeoErrorInit {
  return { code, message, ...(hint ? { hint } : {}), ...(file ? { file } : {}), ...(awsName ? { awsName } : {}) };
}
