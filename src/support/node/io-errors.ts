import { NeoError, type ErrorCode } from "../errors.ts";

interface Meaning {
  readonly code: ErrorCode;
  readonly text: (path: string) => string;
  readonly hint: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: "NEO6000", text: (path) => `there is no ${path}`, hint: "check the path; it is relative to the folder you are in" },
  ENOTDIR: { code: "NEO6000", text: (path) => `there is no ${path}: a part of the path is a file`, hint: "check the path" },
  EACCES: { code: "NEO6001", text: (path) => `no permission for ${path}`, hint: "check the owner and mode of the file and its folder" },
  EPERM: { code: "NEO6001", text: (path) => `no permission for ${path}`, hint: "check the owner and mode of the file and its folder" },
  EROFS: { code: "NEO6001", text: (path) => `${path} is on a read-only file system`, hint: "choose another place with `-o`" },
  ENOSPC: { code: "NEO6002", text: (path) => `the disk is full: ${path} was not written`, hint: "free some space; nothing was left behind" },
  EDQUOT: { code: "NEO6002", text: (path) => `the quota is used up: ${path} was not written`, hint: "free some space; nothing was left behind" },
  EEXIST: { code: "NEO6003", text: (path) => `${path} is a file, a folder was wanted`, hint: "name another place" },
  EISDIR: { code: "NEO6003", text: (path) => `${path} is a folder, a file was wanted`, hint: "name a file in it" },
};

/** The NeoError of a failed system call on `path`; anything else is given back as it is. */
export function ioError(path: string, error: unknown): unknown {
  const system = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof NeoError || typeof system !== "string" || !/^E[A-Z0-9]+$/.test(system)) return error;
  const meaning = MEANINGS[system] ?? {
    code: "NEO6004" as const,
    text: (p: string) => `${p}: ${system}`,
    hint: "this is the operating system's answer; `man errno` explains it",
  };
  return new NeoError({ code: meaning.code, message: meaning.text(path), hint: meaning.hint, file: path, cause: error });
}
