import { NeoError } from "../support/errors.ts";

/** Waits until stdout took the bytes: a process that exits with a full pipe loses the rest. What it can't take is an error like that of a file. */
export function writeStdout(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (!error) resolve();
      else if ((error as NodeJS.ErrnoException).code === "EPIPE") process.exit(0);
      else
        reject(
          new NeoError({ code: "NEO6002", message: `stdout took no more: ${error.message}`, hint: "free some space, or write to another place", cause: error }),
        );
    });
  });
}
