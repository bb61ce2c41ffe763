/* Times compiled tree models and their peers in turn, in one process on one thread.
 *
 *   peers ROWS MARGINS FEATURES TARGETS f32|f64 SECONDS CONTENDER…
 *
 * ROWS holds f32, MARGINS what the trainer says of them in f32 or f64. A contender is NAME=KIND:PATH[,PATH…]:
 *   neo       weights of 1, 100 and 1,000 rows and their code: w1,so1,w100,so100,w1000,so1000
 *   xgboost   library,model     kept booster and proxy DMatrix
 *   lightgbm  library,model     single-row-fast for one row
 *   onnx      library,model     kept session, and a kept tensor for each place where rows begin
 *   lleaves   object
 *   tl2cgen   object            rows are written as its entries within the time
 * One line a contender and batch: name, batch, ns a row (min, p10, median), largest error, rows whose bits differ.
 * One call after another sees other rows: with one row a call, 100 of them, one behind the other. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *Any;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static Any open_library(const char *path) {
  Any library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
  return library;
}

static Any symbol(Any library, const char *name) {
  Any found = dlsym(library, name);
  if (!found) fail(dlerror());
  return found;
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of this thread alone: what other processes take is not in it. All contenders run on the thread that calls them. */
static double own_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *aligned(size_t bytes) {
  void *p = aligned_alloc(4096, (bytes + 8191) / 4096 * 4096);
  memset(p, 0, (bytes + 8191) / 4096 * 4096);
  return p;
}

static void *contents(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  void *data = aligned(*bytes);
  if (*bytes && fread(data, 1, *bytes, file) != *bytes) fail("short file");
  fclose(file);
  return data;
}

enum { BATCHES = 3, CONTENDERS = 12, ROUNDS = 100000 };
static const int batches[BATCHES] = {1, 100, 1000};
static const int calls[BATCHES] = {100, 3, 1};
static float *rows32;
static double *rows64;
static int features, targets, is_double;
static long count;

/* Predicts `n` rows from row `first` on; gives where the results are, as `is_result_double` says. */
typedef struct Contender {
  char name[64];
  const void *(*run)(struct Contender *self, long first, int batch);
  Any state[24];
  int is_result_double;
  double *times[BATCHES];
  int rounds[BATCHES];
  void *out;
} Contender;

/* ---- neo */
typedef void (*ModelRun)(const void *, const void *const *, void *const *, void *);
static const void *run_neo(Contender *c, long first, int batch) {
  const void *in[] = {is_double ? (const void *)(rows64 + first * features) : (const void *)(rows32 + first * features)};
  void *out[] = {c->out};
  ((ModelRun)c->state[batch * 3])(c->state[batch * 3 + 1], in, out, c->state[batch * 3 + 2]);
  return c->out;
}
static void open_neo(Contender *c, char **paths) {
  for (int i = 0; i < BATCHES; i++) {
    size_t bytes;
    Any library = open_library(paths[2 * i + 1]);
    c->state[i * 3] = symbol(library, "model_run");
    c->state[i * 3 + 1] = contents(paths[2 * i], &bytes);
    c->state[i * 3 + 2] = aligned(((size_t(*)(void))symbol(library, "model_arena_bytes"))());
  }
  c->is_result_double = is_double;
  c->run = run_neo;
}

/* ---- XGBoost */
typedef int (*Predict)(Any, const char *, const char *, Any, const uint64_t **, uint64_t *, const float **);
static const char *(*xgboost_error)(void);
static const void *run_xgboost(Contender *c, long first, int batch) {
  char interface[160];
  snprintf(interface, sizeof interface, "{\"data\":[%zu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}", (size_t)(rows32 + first * features), batches[batch], features);
  const uint64_t *shape;
  uint64_t rank;
  const float *out;
  static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,\"strict_shape\":false,\"cache_id\":0}";
  if (((Predict)c->state[0])(c->state[1], interface, config, c->state[2], &shape, &rank, &out)) fail(xgboost_error());
  return out;
}
static void open_xgboost(Contender *c, char **paths) {
  Any library = open_library(paths[0]);
  xgboost_error = symbol(library, "XGBGetLastError");
  if (((int (*)(const Any *, uint64_t, Any *))symbol(library, "XGBoosterCreate"))(NULL, 0, &c->state[1])) fail(xgboost_error());
  if (((int (*)(Any, const char *))symbol(library, "XGBoosterLoadModel"))(c->state[1], paths[1])) fail(xgboost_error());
  if (((int (*)(Any, const char *, const char *))symbol(library, "XGBoosterSetParam"))(c->state[1], "nthread", "1")) fail(xgboost_error());
  if (((int (*)(Any *))symbol(library, "XGProxyDMatrixCreate"))(&c->state[2])) fail(xgboost_error());
  c->state[0] = symbol(library, "XGBoosterPredictFromDense");
  c->run = run_xgboost;
}

/* ---- LightGBM */
typedef int (*FastRow)(Any, const void *, int64_t *, double *);
typedef int (*ForMat)(Any, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
static const void *run_lightgbm(Contender *c, long first, int batch) {
  int64_t length;
  const void *x = is_double ? (const void *)(rows64 + first * features) : (const void *)(rows32 + first * features);
  if (batch == 0) ((FastRow)c->state[2])(c->state[3], x, &length, c->out);
  else ((ForMat)c->state[0])(c->state[1], x, is_double, batches[batch], features, 1, 1, 0, -1, "num_threads=1", &length, c->out);
  return c->out;
}
static void open_lightgbm(Contender *c, char **paths) {
  Any library = open_library(paths[0]);
  int iterations;
  if (((int (*)(const char *, int *, Any *))symbol(library, "LGBM_BoosterCreateFromModelfile"))(paths[1], &iterations, &c->state[1])) fail("LightGBM does not read the model");
  typedef int (*Init)(Any, int, int, int, int, int32_t, const char *, Any *);
  if (((Init)symbol(library, "LGBM_BoosterPredictForMatSingleRowFastInit"))(c->state[1], 1, 0, -1, is_double, features, "num_threads=1", &c->state[3])) fail("LightGBM");
  c->state[0] = symbol(library, "LGBM_BoosterPredictForMat");
  c->state[2] = symbol(library, "LGBM_BoosterPredictForMatSingleRowFast");
  c->is_result_double = 1;
  c->run = run_lightgbm;
}

/* ---- ONNX Runtime: entries of the API table by their position in OrtApi, which only ever grows */
enum { GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_SESSION_OPTIONS = 10, SET_OPTIMIZATION_LEVEL = 23, SET_INTRA_THREADS = 24,
       SET_INTER_THREADS = 25, CREATE_TENSOR = 49, CREATE_CPU_MEMORY_INFO = 69 };
static Any *ort;
#define ORT(index, type) ((type)ort[index])
static void check(Any status) {
  if (status) fail(ORT(GET_ERROR_MESSAGE, const char *(*)(Any))(status));
}
typedef Any (*OrtRun)(Any, Any, const char **, Any *, size_t, const char **, size_t, Any *);
static const void *run_onnx(Contender *c, long first, int batch) {
  static const char *in[] = {"x"}, *out[] = {"y"};
  Any *inputs = c->state[3 + batch];
  check(ORT(RUN, OrtRun)(c->state[0], NULL, in, &inputs[first / batches[batch]], 1, out, 1, &c->state[6 + batch]));
  return c->out;
}
static void open_onnx(Contender *c, char **paths) {
  Any library = open_library(paths[0]), env, options, memory;
  Any *base = ((Any * (*)(void)) symbol(library, "OrtGetApiBase"))();
  ort = ((Any * (*)(uint32_t)) base[0])(13);
  check(ORT(CREATE_ENV, Any(*)(int, const char *, Any *))(3, "bench", &env));
  check(ORT(CREATE_SESSION_OPTIONS, Any(*)(Any *))(&options));
  check(ORT(SET_OPTIMIZATION_LEVEL, Any(*)(Any, int))(options, 99));
  check(ORT(SET_INTRA_THREADS, Any(*)(Any, int))(options, 1));
  check(ORT(SET_INTER_THREADS, Any(*)(Any, int))(options, 1));
  check(ORT(CREATE_SESSION, Any(*)(Any, const char *, Any, Any *))(env, paths[1], options, &c->state[0]));
  check(ORT(CREATE_CPU_MEMORY_INFO, Any(*)(int, int, Any *))(1, 0, &memory));
  typedef Any (*Tensor)(Any, void *, size_t, const int64_t *, size_t, int, Any *);
  for (int b = 0; b < BATCHES; b++) {
    int64_t shape[] = {batches[b], features}, out_shape[] = {batches[b], targets};
    Any *inputs = malloc(sizeof(Any) * (size_t)(count / batches[b]));
    for (long i = 0; i < count / batches[b]; i++)
      check(ORT(CREATE_TENSOR, Tensor)(memory, rows32 + i * batches[b] * features, (size_t)batches[b] * (size_t)features * 4, shape, 2, 1, &inputs[i]));
    c->state[3 + b] = inputs;
    check(ORT(CREATE_TENSOR, Tensor)(memory, c->out, (size_t)batches[b] * (size_t)targets * 4, out_shape, 2, 1, &c->state[6 + b]));
  }
  c->run = run_onnx;
}

/* ---- lleaves */
static const void *run_lleaves(Contender *c, long first, int batch) {
  const void *x = is_double ? (const void *)(rows64 + first * features) : (const void *)(rows32 + first * features);
  ((void (*)(const void *, void *, int, int))c->state[0])(x, c->out, 0, batches[batch]);
  return c->out;
}
static void open_lleaves(Contender *c, char **paths) {
  c->state[0] = symbol(open_library(paths[0]), "forest_root");
  c->is_result_double = is_double;
  c->run = run_lleaves;
}

/* ---- tl2cgen */
typedef union { int missing; float value; int rank; } Entry32;
typedef union { int missing; double value; int rank; } Entry64;
static const void *run_tl2cgen(Contender *c, long first, int batch) {
  void (*predict)(void *, int, void *) = c->state[0];
  for (int i = 0; i < batches[batch]; i++) {
    if (is_double) {
      Entry64 row[512];
      const double *x = rows64 + (first + i) * features;
      for (int f = 0; f < features; f++) {
        if (isnan(x[f])) row[f].missing = -1;
        else row[f].value = x[f];
      }
      predict(row, 1, (double *)c->out + i * targets);
    } else {
      Entry32 row[512];
      const float *x = rows32 + (first + i) * features;
      for (int f = 0; f < features; f++) {
        if (isnan(x[f])) row[f].missing = -1;
        else row[f].value = x[f];
      }
      predict(row, 1, (float *)c->out + i * targets);
    }
  }
  return c->out;
}
static void open_tl2cgen(Contender *c, char **paths) {
  c->state[0] = symbol(open_library(paths[0]), "predict");
  c->is_result_double = is_double;
  c->run = run_tl2cgen;
}

static const struct {
  const char *kind;
  void (*open)(Contender *, char **);
} KINDS[] = {{"neo", open_neo}, {"xgboost", open_xgboost}, {"lightgbm", open_lightgbm}, {"onnx", open_onnx}, {"lleaves", open_lleaves}, {"tl2cgen", open_tl2cgen}};

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void compare(Contender *c, int batch, const void *margins, double *error, long *other) {
  *error = 0;
  *other = 0;
  for (long first = 0; first + batches[batch] <= count; first += batches[batch]) {
    /* tl2cgen adds to what it finds. */
    memset(c->out, 0, (size_t)batches[batch] * (size_t)targets * 8);
    const void *out = c->run(c, first, batch);
    for (long i = 0; i < (long)batches[batch] * targets; i++) {
      double wanted = is_double ? ((const double *)margins)[first * targets + i] : (double)((const float *)margins)[first * targets + i];
      double got = c->is_result_double ? ((const double *)out)[i] : (double)((const float *)out)[i];
      if (!(fabs(got - wanted) <= *error)) *error = fabs(got - wanted);
      if (is_double ? got != wanted : (float)got != (float)wanted) ++*other;
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 8) fail("peers ROWS MARGINS FEATURES TARGETS f32|f64 SECONDS CONTENDER…");
  size_t bytes, margin_bytes;
  rows32 = contents(argv[1], &bytes);
  void *margins = contents(argv[2], &margin_bytes);
  features = atoi(argv[3]);
  targets = atoi(argv[4]);
  is_double = !strcmp(argv[5], "f64");
  count = (long)(bytes / 4) / features / 1000 * 1000;
  rows64 = aligned((size_t)count * (size_t)features * 8);
  for (long i = 0; i < count * features; i++) rows64[i] = rows32[i];
  static Contender all[CONTENDERS];
  int n = 0;
  for (int i = 7; i < argc && n < CONTENDERS; i++) {
    Contender *c = &all[n++];
    char *kind = strchr(argv[i], '='), *paths[8] = {0};
    *kind++ = 0;
    snprintf(c->name, sizeof c->name, "%s", argv[i]);
    char *path = strchr(kind, ':');
    *path++ = 0;
    int p = 0;
    for (char *part = strtok(path, ","); part && p < 8; part = strtok(NULL, ",")) paths[p++] = part;
    c->out = aligned(1000 * (size_t)targets * 8);
    for (int b = 0; b < BATCHES; b++) c->times[b] = malloc(sizeof(double) * ROUNDS);
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++)
      if (!strcmp(KINDS[k].kind, kind)) KINDS[k].open(c, paths);
    if (!c->run) fail(kind);
  }
  double error[CONTENDERS][BATCHES];
  long other[CONTENDERS][BATCHES];
  for (int i = 0; i < n; i++)
    for (int b = 0; b < BATCHES; b++) compare(&all[i], b, margins, &error[i][b], &other[i][b]);
  for (int b = 0; b < BATCHES; b++) {
    double begin = now_ns();
    for (int round = 0; round < ROUNDS && (round < 3 || now_ns() - begin < atof(argv[6]) * 1e9 / BATCHES); round++) {
      for (int k = 0; k < n; k++) {
        /* Each comes behind each other one by turns. */
        Contender *c = &all[(k + round) % n];
        long block = (long)round * calls[b] * batches[b];
        double start = own_ns();
        for (int call = 0; call < calls[b]; call++) c->run(c, (block + (long)call * batches[b]) % count, b);
        c->times[b][round] = (own_ns() - start) / (double)(calls[b] * batches[b]);
        c->rounds[b] = round + 1;
      }
    }
  }
  for (int i = 0; i < n; i++)
    for (int b = 0; b < BATCHES; b++) {
      int rounds = all[i].rounds[b];
      qsort(all[i].times[b], (size_t)rounds, sizeof(double), ascending);
      printf("%s %d %.1f %.1f %.1f %.3g %ld\n", all[i].name, batches[b], all[i].times[b][0], all[i].times[b][rounds / 10], all[i].times[b][rounds / 2], error[i][b], other[i][b]);
    }
  return 0;
}
