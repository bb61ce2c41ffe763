/* Times ONNX Runtime (C API) and a compiled model in turn, run by run, in one process on one thread.
 * Prints one JSON line: milliseconds of both (min, p10, median), runs, largest difference of the outputs.
 * Arguments: libonnxruntime model.onnx model.so weights.bin input-name output-name input-dims output-dims seconds seed
 * Entries of the API table are called by their position in OrtApi, which only ever grows. */
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *Any;
typedef Any Status;

enum {
  GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_SESSION_OPTIONS = 10, SET_EXECUTION_MODE = 13,
  SET_OPTIMIZATION_LEVEL = 23, SET_INTRA_THREADS = 24, SET_INTER_THREADS = 25, CREATE_TENSOR = 49, CREATE_CPU_MEMORY_INFO = 69
};

static Any *api;
#define CALL(index, type) ((type)api[index])

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void check(Status status) {
  if (status) fail(CALL(GET_ERROR_MESSAGE, const char *(*)(Status))(status));
}

static Any symbol(Any library, const char *name) {
  Any found = dlsym(library, name);
  if (!found) fail(dlerror());
  return found;
}

static int dims(char *text, int64_t *out, size_t *count) {
  int n = 0;
  *count = 1;
  for (char *part = strtok(text, ","); part; part = strtok(NULL, ",")) *count *= (size_t)(out[n++] = atoll(part));
  return n;
}

static void *aligned(size_t bytes) {
  void *p = aligned_alloc(4096, (bytes + 8191) / 4096 * 4096);
  memset(p, 0xff, (bytes + 8191) / 4096 * 4096);
  return p;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

#define MAX_RUNS 400000
static double theirs[MAX_RUNS], ours[MAX_RUNS];

int main(int argc, char **argv) {
  if (argc != 11) fail("usage: native LIB MODEL SO WEIGHTS IN OUT INDIMS OUTDIMS SECONDS SEED");
  Any library = dlopen(argv[1], RTLD_NOW);
  if (!library) fail(dlerror());
  Any *base = ((Any * (*)(void)) symbol(library, "OrtGetApiBase"))();
  api = ((Any * (*)(uint32_t)) base[0])(13);
  Any env, options, session, memory, input, output = NULL;
  check(CALL(CREATE_ENV, Status(*)(int, const char *, Any *))(3, "bench", &env));
  check(CALL(CREATE_SESSION_OPTIONS, Status(*)(Any *))(&options));
  check(CALL(SET_OPTIMIZATION_LEVEL, Status(*)(Any, int))(options, 99));
  check(CALL(SET_INTRA_THREADS, Status(*)(Any, int))(options, 1));
  check(CALL(SET_INTER_THREADS, Status(*)(Any, int))(options, 1));
  check(CALL(SET_EXECUTION_MODE, Status(*)(Any, int))(options, 0));
  check(CALL(CREATE_SESSION, Status(*)(Any, const char *, Any, Any *))(env, argv[2], options, &session));

  int64_t in_dims[8], out_dims[8];
  size_t in_count, out_count;
  int in_rank = dims(argv[7], in_dims, &in_count), out_rank = dims(argv[8], out_dims, &out_count);
  float *x = aligned(in_count * 4), *want = aligned(out_count * 4), *got = aligned(out_count * 4);
  srand((unsigned)atoi(argv[10]));
  for (size_t i = 0; i < in_count; i++) x[i] = (float)(rand() / (double)RAND_MAX - 0.5) * 2;
  check(CALL(CREATE_CPU_MEMORY_INFO, Status(*)(int, int, Any *))(1, 0, &memory));
  typedef Status (*Tensor)(Any, void *, size_t, const int64_t *, size_t, int, Any *);
  check(CALL(CREATE_TENSOR, Tensor)(memory, x, in_count * 4, in_dims, (size_t)in_rank, 1, &input));
  check(CALL(CREATE_TENSOR, Tensor)(memory, want, out_count * 4, out_dims, (size_t)out_rank, 1, &output));
  const char *in_names[] = {argv[5]}, *out_names[] = {argv[6]};
  typedef Status (*Run)(Any, Any, const char **, Any *, size_t, const char **, size_t, Any *);
  Run ort = CALL(RUN, Run);

  Any model = dlopen(argv[3], RTLD_NOW);
  if (!model) fail(dlerror());
  void (*model_run)(const void *, const void *const *, void *const *, void *) = (void (*)(const void *, const void *const *, void *const *, void *))symbol(model, "model_run");
  size_t arena_bytes = ((size_t(*)(void))symbol(model, "model_arena_bytes"))();
  FILE *file = fopen(argv[4], "rb");
  if (!file) fail("no weights");
  fseek(file, 0, SEEK_END);
  size_t weight_bytes = (size_t)ftell(file);
  rewind(file);
  void *weights = aligned(weight_bytes), *arena = aligned(arena_bytes);
  if (weight_bytes && fread(weights, 1, weight_bytes, file) != weight_bytes) fail("short weights");
  const void *inputs[] = {x};
  void *outputs[] = {got};
  /* Twice: the second run meets an arena that the first one used. */
  for (int i = 0; i < 2; i++) model_run(weights, inputs, outputs, arena);
  check(ort(session, NULL, in_names, &input, 1, out_names, 1, &output));
  double error = 0, largest = 0;
  for (size_t i = 0; i < out_count; i++) {
    double difference = fabs((double)want[i] - got[i]);
    if (!(difference <= error)) error = difference;
    if (fabs(want[i]) > largest) largest = fabs(want[i]);
  }

  double seconds = atof(argv[9]), begin = now_ms();
  int runs = 0;
  while (runs < MAX_RUNS && now_ms() - begin < seconds * 1e3) {
    double a = now_ms();
    check(ort(session, NULL, in_names, &input, 1, out_names, 1, &output));
    double b = now_ms();
    model_run(weights, inputs, outputs, arena);
    ours[runs] = now_ms() - b;
    theirs[runs++] = b - a;
  }
  qsort(theirs, (size_t)runs, sizeof(double), ascending);
  qsort(ours, (size_t)runs, sizeof(double), ascending);
  printf("{\"runs\":%d,\"peer\":{\"min\":%.5f,\"p10\":%.5f,\"median\":%.5f},\"neo\":{\"min\":%.5f,\"p10\":%.5f,\"median\":%.5f},\"maxAbs\":%.3g,\"maxValue\":%.3g}\n",
         runs, theirs[0], theirs[runs / 10], theirs[runs / 2], ours[0], ours[runs / 10], ours[runs / 2], error, largest);
  return 0;
}
