import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasSessionSteps, weightBytesOf } from "../../src/backends/program-facts.ts";
import type { Program } from "../../src/kernel/program.ts";
import type { Around } from "./around.ts";
import { chooseCompiler } from "../../src/support/node/toolchain.ts";
import { target } from "./targets.ts";

/** What this executor can't run: the caller may leave it out. */
export class NotGuarded extends Error {}

/**
 * Runs a shared object in a process of its own where weights, inputs, outputs and arena each end directly before a page that nobody
 * may touch, then again where each begins directly behind one. Weights and inputs can't be written. A touch is an error that says
 * where; both runs must agree.
 */
export async function runGuarded(
  object: Uint8Array,
  program: Program,
  weights: Uint8Array,
  inputs: readonly Uint8Array[],
  around: Around = {},
): Promise<Uint8Array[]> {
  if (hasSessionSteps(program)) throw new NotGuarded("steps of the session run in a session only");
  const folder = mkdtempSync(join(tmpdir(), "neo-guarded-"));
  try {
    writeFileSync(join(folder, "model.so"), object);
    const ports = [...program.inputs, ...program.outputs];
    const head = [program.inputs.length, program.outputs.length, weightBytesOf(program), program.arenaBytes, program.stateBytes];
    const sizes = BigInt64Array.from([...head, ...ports.map((port) => port.bytes), ...ports.map((port) => alignmentOf(port.elem))].map(BigInt));
    const state = new Uint8Array(program.stateBytes);
    around.start?.(state);
    const input = Buffer.concat([new Uint8Array(sizes.buffer), weights.subarray(0, weightBytesOf(program)), ...inputs, state]);
    const done = spawnSync(await runnerPath(), [join(folder, "model.so")], { input, maxBuffer: 2 ** 31 });
    if (done.status !== 0) throw new Error(`guarded run ended with ${done.status ?? done.signal ?? String(done.error)}: ${done.stderr.toString().trim()}`);
    let at = 0;
    const take = (bytes: number): Uint8Array => new Uint8Array(done.stdout.subarray(at, (at += bytes)));
    const outputs = program.outputs.map((port) => take(port.bytes));
    around.end?.(take(program.stateBytes).slice());
    return outputs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function alignmentOf(elem: string): number {
  return Math.max(1, Number(elem.replace(/\D/g, "")) / 8);
}

let runner: Promise<string> | undefined;

/** The program that loads and runs shared objects, compiled at the first need. */
function runnerPath(): Promise<string> {
  runner ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "neo-guard-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "guard.c"), RUNNER);
    const { command } = await chooseCompiler(target("host"));
    const { status, stderr } = spawnSync(command, ["-O1", "-Wall", "-Wextra", "-Werror", "guard.c", "-o", "guard", "-ldl"], { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return join(folder, "guard");
  })();
  return runner;
}

const RUNNER = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct { const char *kind; int index; uint8_t *at, *map; size_t bytes, mapped; } Room;
static Room rooms[4096];
static int count;

static void fail(const char *why) { fprintf(stderr, "%s\\n", why); _exit(9); }

static void all(void *to, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = read(0, (uint8_t *)to + done, bytes - done);
    if (n <= 0) fail("short input");
    done += (size_t)n;
  }
}

static void put(const void *from, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = write(1, (const uint8_t *)from + done, bytes - done);
    if (n <= 0) fail("short output");
    done += (size_t)n;
  }
}

/* A page without rights before and behind; what lies between the buffer and the near page is nothing where sizes are aligned. */
static uint8_t *room(const char *kind, int index, size_t bytes, size_t align, int atEnd) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inner = (bytes + page - 1) / page * page;
  if (inner == 0) inner = page;
  uint8_t *map = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED || mprotect(map + page, inner, PROT_READ | PROT_WRITE) != 0) fail("no memory");
  uint8_t *at = atEnd ? map + page + (inner - bytes) / align * align : map + page;
  if (count == 4096) fail("too many ports");
  rooms[count++] = (Room){kind, index, at, map, bytes, inner + 2 * page};
  return at;
}

static void guard(const Room *r) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  mprotect(r->map + page, r->mapped - 2 * page, PROT_READ);
}

static void touched(int signal, siginfo_t *info, void *context) {
  (void)context;
  uint8_t *at = info->si_addr;
  char text[200] = "";
  for (int i = 0; i < count; i++) {
    Room *r = &rooms[i];
    if (at < r->map || at >= r->map + r->mapped) continue;
    const char *what = at < r->at ? "before the begin" : at >= r->at + r->bytes ? "behind the end" : "written inside";
    long distance = at < r->at ? r->at - at : at - r->at - (long)r->bytes;
    snprintf(text, sizeof text, "touched %ld bytes %s of %s %d of %zu bytes\\n", distance, what, r->kind, r->index, r->bytes);
  }
  if (text[0] == 0) snprintf(text, sizeof text, "signal %d at %p\\n", signal, (void *)at);
  if (write(2, text, strlen(text)) < 0) _exit(8);
  _exit(7);
}

typedef void (*Run)(const void *, const void *const *, void *const *, void *);

int main(int argc, char **argv) {
  if (argc != 2) fail("usage: guard model.so");
  static uint8_t stack[65536];
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
  struct sigaction action = {.sa_sigaction = touched, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  for (int i = 0; i < 4; i++) sigaction((const int[]){SIGSEGV, SIGBUS, SIGILL, SIGFPE}[i], &action, NULL);
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) fail(dlerror());
  Run run;
  *(void **)&run = dlsym(library, "model_run");
  if (!run) fail("no model_run");
  int64_t head[5];
  all(head, sizeof head);
  size_t ports = (size_t)(head[0] + head[1]);
  int64_t *sizes = malloc((2 * ports + 1) * sizeof *sizes), *align = sizes + ports;
  all(sizes, 2 * ports * sizeof *sizes);
  uint8_t *weights = malloc((size_t)head[2] + 1), **given = calloc(ports + 1, sizeof *given), **first = calloc(ports + 1, sizeof *first);
  all(weights, (size_t)head[2]);
  for (int64_t i = 0; i < head[0]; i++) all(given[i] = malloc((size_t)sizes[i] + 1), (size_t)sizes[i]);
  uint8_t *state = malloc((size_t)head[4] + 1);
  all(state, (size_t)head[4]);
  for (int atEnd = 1; atEnd >= 0; atEnd--) {
    count = 0;
    uint8_t *w = room("weights", 0, (size_t)head[2], 128, atEnd);
    memcpy(w, weights, (size_t)head[2]);
    guard(&rooms[count - 1]);
    void **tables = calloc(ports + 1, sizeof *tables);
    for (size_t i = 0; i < ports; i++) {
      int in = (int64_t)i < head[0];
      tables[i] = room(in ? "input" : "output", (int)(in ? (int64_t)i : (int64_t)i - head[0]), (size_t)sizes[i], (size_t)align[i], atEnd);
      if (in) memcpy(tables[i], given[i], (size_t)sizes[i]);
      else memset(tables[i], 0xff, (size_t)sizes[i]);
      if (in) guard(&rooms[count - 1]);
    }
    uint8_t *arena = room("arena", 0, (size_t)head[3], 128, atEnd);
    memset(arena, 0xff, (size_t)head[3]);
    memcpy(arena, state, (size_t)head[4]);
    run(w, (const void *const *)tables, tables + head[0], arena);
    for (size_t i = (size_t)head[0]; i < ports; i++) {
      if (atEnd) {
        first[i] = malloc((size_t)sizes[i] + 1);
        memcpy(first[i], tables[i], (size_t)sizes[i]);
        put(tables[i], (size_t)sizes[i]);
      } else if (memcmp(first[i], tables[i], (size_t)sizes[i]) != 0) fail("outputs differ with where buffers lie");
    }
    if (atEnd) put(arena, (size_t)head[4]);
  }
  return 0;
}
`;
