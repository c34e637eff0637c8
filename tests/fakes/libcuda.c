/* A libcuda.so.1 that computes on the processor: enough for the real pycuda and cuda-bindings to run our devices.
 *
 * Structures and values are those of cuda.h. Streams do their work at once, or record it; `fake_left` says what was
 * taken and not given back: device memory, page-locked memory, graphs, executable graphs, streams, contexts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Address;
typedef int Result;

enum { SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, INVALID_DEVICE = 101, NO_CONTEXT = 201, NOT_SUPPORTED = 801, CAPTURING = 900 };
enum { COPY, FILL, COPY_2D };
enum { MEMORY_DEVICE = 2, NON_BLOCKING = 1, THREAD_LOCAL = 1, MAJOR = 75, MINOR = 76 };

typedef struct {
    size_t srcXInBytes, srcY;
    int srcMemoryType;
    const void *srcHost;
    Address srcDevice;
    void *srcArray;
    size_t srcPitch, dstXInBytes, dstY;
    int dstMemoryType;
    void *dstHost;
    Address dstDevice;
    void *dstArray;
    size_t dstPitch, WidthInBytes, Height;
} Copy2D;

typedef struct Work {
    int kind, value;
    void *target;
    const void *source;
    size_t size;
    Copy2D copy;
    struct Work *next;
} Work;

typedef struct { Work *first, *last; } Graph;
typedef struct { Graph *recording; } Stream;

static long memory, pinned, graphs, executables, streams, contexts;
static __thread void *stack[64];
static __thread int depth;
static char the_context;

static void run(const Work *work) {
    const Copy2D *copy = &work->copy;
    if (work->kind == COPY) memcpy(work->target, work->source, work->size);
    if (work->kind == FILL) memset(work->target, work->value, work->size);
    if (work->kind == COPY_2D)
        for (size_t i = 0; i < copy->Height; i++)
            memcpy((char *)copy->dstDevice + i * copy->dstPitch, (char *)copy->srcDevice + i * copy->srcPitch,
                   copy->WidthInBytes);
}

static Result queue(Stream *stream, Work work) {
    if (!depth) return NO_CONTEXT;
    if (!stream) return INVALID_VALUE; /* the legacy default stream is not what we want */
    if (!stream->recording) {
        run(&work);
        return SUCCESS;
    }
    Work *kept = malloc(sizeof work);
    *kept = work;
    if (stream->recording->last) stream->recording->last->next = kept;
    else stream->recording->first = kept;
    stream->recording->last = kept;
    return SUCCESS;
}

Result cuInit(unsigned flags) { return flags ? INVALID_VALUE : SUCCESS; }
Result cuDriverGetVersion(int *version) { *version = 12060; return SUCCESS; }
Result cuDeviceGet(int *device, int number) { *device = 0; return number ? INVALID_DEVICE : SUCCESS; }
Result cuDeviceGetCount(int *count) { *count = 1; return SUCCESS; }
Result cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "Orin"); return SUCCESS; }
Result cuDeviceComputeCapability(int *major, int *minor, int device) { *major = 8; *minor = 7; return SUCCESS; }
Result cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == MAJOR ? 8 : attribute == MINOR ? 7 : 0;
    return SUCCESS;
}

Result cuDevicePrimaryCtxRetain(void **context, int device) { contexts++; *context = &the_context; return SUCCESS; }
Result cuDevicePrimaryCtxRelease_v2(int device) { contexts--; return SUCCESS; }
Result cuCtxPushCurrent_v2(void *context) {
    if (context != &the_context) return NO_CONTEXT;
    stack[depth++] = context;
    return SUCCESS;
}
Result cuCtxPopCurrent_v2(void **context) {
    if (!depth) return NO_CONTEXT;
    *context = stack[--depth];
    return SUCCESS;
}
Result cuCtxGetDevice(int *device) { *device = 0; return depth ? SUCCESS : NO_CONTEXT; }

Result cuStreamCreate(Stream **stream, unsigned flags) {
    if (!depth) return NO_CONTEXT;
    if (flags != NON_BLOCKING) return INVALID_VALUE;
    *stream = calloc(1, sizeof **stream);
    streams++;
    return SUCCESS;
}
Result cuStreamDestroy_v2(Stream *stream) { free(stream); streams--; return SUCCESS; }
Result cuStreamSynchronize(Stream *stream) { return !depth ? NO_CONTEXT : stream->recording ? CAPTURING : SUCCESS; }

Result cuMemAlloc_v2(Address *address, size_t size) {
    if (!depth) return NO_CONTEXT;
    if (size > (size_t)1 << 40) return OUT_OF_MEMORY;
    *address = (Address)aligned_alloc(512, (size + 511) / 512 * 512);
    memory++;
    return SUCCESS;
}
Result cuMemFree_v2(Address address) { free((void *)address); memory--; return SUCCESS; }
Result cuMemHostAlloc(void **address, size_t size, unsigned flags) {
    *address = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    pinned++;
    return SUCCESS;
}
Result cuMemFreeHost(void *address) { free(address); pinned--; return SUCCESS; }
Result cuMemGetInfo_v2(size_t *left, size_t *total) { *left = 1000; *total = 2000; return depth ? SUCCESS : NO_CONTEXT; }

Result cuMemcpyHtoDAsync_v2(Address target, const void *source, size_t size, Stream *stream) {
    return queue(stream, (Work){COPY, 0, (void *)target, source, size});
}
Result cuMemcpyDtoHAsync_v2(void *target, Address source, size_t size, Stream *stream) {
    return queue(stream, (Work){COPY, 0, target, (void *)source, size});
}
Result cuMemsetD8Async(Address target, unsigned char value, size_t size, Stream *stream) {
    return queue(stream, (Work){FILL, value, (void *)target, NULL, size});
}
Result cuMemcpy2DAsync_v2(const Copy2D *c, Stream *stream) {
    if (c->srcMemoryType != MEMORY_DEVICE || c->dstMemoryType != MEMORY_DEVICE) return INVALID_VALUE;
    if (c->srcXInBytes || c->srcY || c->dstXInBytes || c->dstY) return INVALID_VALUE;
    if (c->WidthInBytes > c->srcPitch || c->WidthInBytes > c->dstPitch) return INVALID_VALUE;
    return queue(stream, (Work){.kind = COPY_2D, .copy = *c});
}

Result cuStreamBeginCapture_v2(Stream *stream, int mode) {
    if (mode != THREAD_LOCAL || stream->recording) return INVALID_VALUE;
    stream->recording = calloc(1, sizeof(Graph));
    return SUCCESS;
}
Result cuStreamEndCapture(Stream *stream, Graph **graph) {
    if (!stream->recording) return INVALID_VALUE;
    *graph = stream->recording;
    stream->recording = NULL;
    graphs++;
    return SUCCESS;
}
Result cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long flags) {
    *executable = malloc(sizeof **executable);
    **executable = *graph;
    executables++;
    return flags ? INVALID_VALUE : SUCCESS;
}
Result cuGraphLaunch(Graph *executable, Stream *stream) {
    if (stream->recording) return CAPTURING;
    for (const Work *work = executable->first; work; work = work->next) run(work);
    return SUCCESS;
}
Result cuGraphDestroy(Graph *graph) { graphs--; return SUCCESS; }
Result cuGraphExecDestroy(Graph *executable) { executables--; return SUCCESS; }

Result cuGetErrorName(int code, const char **name) { *name = "CUDA_ERROR"; return SUCCESS; }
Result cuGetErrorString(int code, const char **text) {
    *text = code == OUT_OF_MEMORY ? "out of memory" : code == NO_CONTEXT ? "invalid device context" : "some error";
    return SUCCESS;
}

static Result missing(void) { return NOT_SUPPORTED; }
Result cuGetProcAddress_v2(const char *name, void **found, int version, unsigned long long flags, int *status) {
    char newer[256];
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    snprintf(newer, sizeof newer, "%s_v2", name);
    *found = dlsym(library, newer);
    if (!*found) *found = dlsym(library, name);
    if (!*found) *found = (void *)missing;
    if (status) *status = 0;
    return SUCCESS;
}

void fake_left(long *left) {
    long taken[] = {memory, pinned, graphs, executables, streams, contexts};
    memcpy(left, taken, sizeof taken);
}
