/* Contenders behind C interfaces, each timed for a turn at a time. Loaded by take-turns.py.
 * A contender is made once, then turn() runs it for some milliseconds and notes each run.
 * Entries of ONNX Runtime's table are called by their position in OrtApi, which only ever grows. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *Any;
typedef struct {
  const char *name;
  void *data;
  const int64_t *dims;
  int rank;
  /* ONNX's number of the element type. */
  int type;
  size_t bytes;
} Port;
typedef struct Contender {
  int (*run)(struct Contender *);
  Any state[8];
  Any values[64];
  const char *names[64];
  int inputs, outputs;
} Contender;

enum {
  GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_SESSION_OPTIONS = 10, SET_EXECUTION_MODE = 13,
  SET_OPTIMIZATION_LEVEL = 23, SET_INTRA_THREADS = 24, SET_INTER_THREADS = 25, CREATE_TENSOR = 49, CREATE_CPU_MEMORY_INFO = 69
};
static Any *api;
#define CALL(index, type) ((type)api[index])
#define CHECK(status) do { Any s_ = (status); if (s_) { fprintf(stderr, "%s\n", CALL(GET_ERROR_MESSAGE, const char *(*)(Any))(s_)); return NULL; } } while (0)

/* Wall time, or what the process computed: the latter where others take the core in the middle of every run. */
static clockid_t clock_used = CLOCK_MONOTONIC;
void count_cpu_time(void) { clock_used = CLOCK_PROCESS_CPUTIME_ID; }

static double now_ms(void) {
  struct timespec t;
  clock_gettime(clock_used, &t);
  return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

/* Runs until so many milliseconds are over; the time of each run, at most `most`. 0 or less: a run failed. */
int turn(Contender *c, double ms, double *times, int most) {
  double begin = now_ms(), before = begin;
  int runs = 0;
  while (runs < most) {
    if (c->run(c)) return -1;
    double after = now_ms();
    times[runs++] = after - before;
    before = after;
    if (after - begin >= ms) break;
  }
  return runs;
}

static int run_neo(Contender *c) {
  ((void (*)(const void *, const void *const *, void *const *, void *))c->state[0])(c->state[1], (const void *const *)c->values, (void *const *)(c->values + c->inputs), c->state[2]);
  return 0;
}

Contender *make_neo(const char *library, void *weights, Port *inputs, int in, Port *outputs, int out) {
  Any model = dlopen(library, RTLD_NOW);
  if (!model || in + out > 64) return NULL;
  Contender *c = calloc(1, sizeof *c);
  size_t bytes = (((size_t(*)(void))dlsym(model, "model_arena_bytes"))() + 8191) / 4096 * 4096;
  c->run = run_neo, c->state[0] = dlsym(model, "model_run"), c->state[1] = weights, c->state[2] = aligned_alloc(4096, bytes);
  memset(c->state[2], 0xff, bytes);
  c->inputs = in, c->outputs = out;
  for (int i = 0; i < in; i++) c->values[i] = inputs[i].data;
  for (int i = 0; i < out; i++) c->values[in + i] = outputs[i].data;
  return c;
}

static int run_ort(Contender *c) {
  typedef Any (*Run)(Any, Any, const char **, Any *, size_t, const char **, size_t, Any *);
  Any status = CALL(RUN, Run)(c->state[0], NULL, c->names, c->values, (size_t)c->inputs, c->names + c->inputs, (size_t)c->outputs, c->values + c->inputs);
  return status != NULL;
}

Contender *make_ort(const char *library, const char *file, Port *inputs, int in, Port *outputs, int out) {
  Any lib = dlopen(library, RTLD_NOW);
  if (!lib || in + out > 64) return NULL;
  Any *base = ((Any * (*)(void)) dlsym(lib, "OrtGetApiBase"))();
  api = ((Any * (*)(uint32_t)) base[0])(13);
  Any env, options, memory;
  Contender *c = calloc(1, sizeof *c);
  CHECK(CALL(CREATE_ENV, Any(*)(int, const char *, Any *))(3, "bench", &env));
  CHECK(CALL(CREATE_SESSION_OPTIONS, Any(*)(Any *))(&options));
  CHECK(CALL(SET_OPTIMIZATION_LEVEL, Any(*)(Any, int))(options, 99));
  CHECK(CALL(SET_INTRA_THREADS, Any(*)(Any, int))(options, 1));
  CHECK(CALL(SET_INTER_THREADS, Any(*)(Any, int))(options, 1));
  CHECK(CALL(SET_EXECUTION_MODE, Any(*)(Any, int))(options, 0));
  CHECK(CALL(CREATE_SESSION, Any(*)(Any, const char *, Any, Any *))(env, file, options, &c->state[0]));
  CHECK(CALL(CREATE_CPU_MEMORY_INFO, Any(*)(int, int, Any *))(1, 0, &memory));
  c->run = run_ort, c->inputs = in, c->outputs = out;
  for (int i = 0; i < in + out; i++) {
    Port *p = i < in ? &inputs[i] : &outputs[i - in];
    c->names[i] = p->name;
    CHECK(CALL(CREATE_TENSOR, Any(*)(Any, void *, size_t, const int64_t *, size_t, int, Any *))(memory, p->data, p->bytes, p->dims, (size_t)p->rank, p->type, &c->values[i]));
  }
  return c;
}

static int run_openvino(Contender *c) { return ((int (*)(Any))c->state[0])(c->state[1]); }

/* One input, one output. */
Contender *make_openvino(const char *library, const char *file, Port *input, Port *output) {
  Any lib = dlopen(library, RTLD_NOW);
  if (!lib) return NULL;
#define OV(name, ...) ((int (*)(__VA_ARGS__))dlsym(lib, name))
  Any core, model, compiled, request, tensor;
  Contender *c = calloc(1, sizeof *c);
  if (OV("ov_core_create", Any *)(&core)) return NULL;
  if (OV("ov_core_read_model", Any, const char *, const char *, Any *)(core, file, NULL, &model)) return NULL;
  if (OV("ov_core_compile_model", Any, Any, const char *, size_t, Any *, ...)(core, model, "CPU", (size_t)8, &compiled, "INFERENCE_PRECISION_HINT", "f32",
        "INFERENCE_NUM_THREADS", "1", "NUM_STREAMS", "1", "PERFORMANCE_HINT", "LATENCY")) return NULL;
  if (OV("ov_compiled_model_create_infer_request", Any, Any *)(compiled, &request)) return NULL;
  if (OV("ov_infer_request_get_input_tensor_by_index", Any, size_t, Any *)(request, 0, &tensor)) return NULL;
  void *data;
  if (OV("ov_tensor_data", Any, void **)(tensor, &data)) return NULL;
  memcpy(data, input->data, input->bytes);
  c->run = run_openvino, c->state[0] = dlsym(lib, "ov_infer_request_infer"), c->state[1] = request;
  if (run_openvino(c)) return NULL;
  if (OV("ov_infer_request_get_output_tensor_by_index", Any, size_t, Any *)(request, 0, &tensor)) return NULL;
  if (OV("ov_tensor_data", Any, void **)(tensor, &data)) return NULL;
  memcpy(output->data, data, output->bytes);
  return c;
}
