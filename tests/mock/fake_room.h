/* fake_room.h - inside the fake driver: its state, and what its files use of one another.
 *
 *     fake_cuda.c    what is alive, the library, devices, contexts
 *     fake_memory.c  memory, copies, streams, events
 *     fake_module.c  modules, kernels, launches
 *     fake_link.c    the linker and its cubins
 *     fake_ptx.c     as much of PTX as a driver must know
 *     fake_gate.c    the exported calls; faults, counts and the record, for tests (fake_cuda.h)
 */
#ifndef NJ_FAKE_ROOM_H
#define NJ_FAKE_ROOM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda/driver.h"
#include "fake_cuda.h"

#pragma GCC visibility push(hidden)

/* -- fake_ptx.c ---------------------------------------------------------------------------------------------- */

enum { FAKE_MAX_PARAMS = 512, FAKE_MAX_NAME = 512 };

typedef struct FakeEntry {
    char     name[FAKE_MAX_NAME];
    unsigned nparam, size[FAKE_MAX_PARAMS];
    unsigned shared_nbytes, max_threads, max_dynamic_shared;
    void    *mod;                       /* owner; the entry's address is the CUfunction */
    struct FakeEntry *next;
} FakeEntry;

typedef struct FakeGlobal { char name[FAKE_MAX_NAME]; size_t nbytes; void *data; struct FakeGlobal *next; } FakeGlobal;

typedef struct FakeCode {
    FakeEntry  *entries;
    FakeGlobal *globals;
    bool        opaque;             /* a cubin that is not the fake's */
    int         target;                 /* of .target sm_NN */
} FakeCode;

void ptx_free(FakeCode *c);
/* Text or image -> code; a CUresult, and a complaint in `log`. */
int ptx_load(FakeCode *c, void *mod, const char *image, int cc, char *log, size_t n);

/* -- state ---------------------------------------------------------------------------------------------------- */

typedef enum FakeKind {
    FAKE_DEVICE, FAKE_MANAGED, FAKE_HOST, FAKE_PINNED, FAKE_MODULE, FAKE_STREAM, FAKE_EVENT, FAKE_LINK
} FakeKind;

/* Every live thing, in one list. For memory `at` is its address; for the rest the object itself is the handle. */
typedef struct FakeObj {
    struct FakeObj *next;
    FakeKind kind;
    void    *at;
    size_t   nbytes;
    int      dev;
    FakeCode code;                  /* modules */
    struct timespec when;           /* events */
    bool     recorded;
    char    *text, *log;            /* links: the joined PTX; where errors are wanted, nbytes at most */
    void    *linked;
} FakeObj;

typedef struct FakeLaunch {
    char      name[FAKE_MAX_NAME];
    unsigned  geometry[8];
    void     *stream;
    unsigned *size;
    uint8_t (*value)[16];           /* parameters over 16 bytes keep their first 16 */
} FakeLaunch;

enum { FAKE_MAX_DEVICES = 8, FAKE_MAX_OPTIONS = 32 };
static const size_t fake_total = (size_t)8 << 30;
extern struct FakeState {
    pthread_mutex_t lock;
    bool        inited, forgets;    /* launches are checked and not kept: for timing ours */
    int         ndev, version, cc[FAKE_MAX_DEVICES], retained[FAKE_MAX_DEVICES];
    FakeObj    *live, *modules;     /* modules apart, so that a launch does not walk the memory */
    size_t      used;
    FakeLaunch *launches;
    long        nlaunch, caplaunch;
    long        calls, called[NJ_DRV_COUNT], fail_at;
    int         fail_result, fail_name_result;
    const char *fail_name, *failed;
    int         refuse_cubins;
    long        option[FAKE_MAX_OPTIONS];      /* of the last JIT or linker */
    NjFakeKernel kernel;
} fake;
extern _Thread_local NjCuCtx fake_current;

/* -- fake_cuda.c ----------------------------------------------------------------------------------------------- */

int      fake_ctx_device(NjCuCtx ctx);          /* -1: no such context */
bool     fake_no_ctx(void);
int      fake_cc(void);                         /* of the current context's device */
FakeObj *fake_new(FakeKind kind, void *at, size_t nbytes);
FakeObj *fake_find(FakeKind kind, const void *at);
FakeObj *fake_holds(uint64_t at, size_t n);
bool     fake_global_holds(uint64_t at, size_t n);
void     fake_drop(FakeObj *o);
NjCuResult fake_drop_handle(FakeKind kind, const void *at);
NjCuResult fake_stream_check(NjCuStrm s);       /* fake_memory.c */

/* -- fake_link.c ----------------------------------------------------------------------------------------------- */

void *fake_option(unsigned n, const int *opts, void **values, int key);     /* NULL: not given */
void  fake_options_keep(unsigned n, const int *opts, void **values);
NjCuResult fake_cubin_open(const char **image);

/* The driver's calls, under the lock and past the gate. */
#define DRV(name, export, min, flags, params, args, log) NjCuResult fake_##name params;
#include "cuda/driver.def"
#undef DRV

#pragma GCC visibility pop

#endif
