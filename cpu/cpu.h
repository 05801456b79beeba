/* cpu.h - the cpu/ room: everything that knows the host machine.
 *
 * LLVM text -> object code (llvm.c) -> code in memory (load.c), the thread pool (pool.c), memory of the CPU device
 * (mem.c), run-time functions that compiled code calls (rt.c). The grid runner is in simt.h. Prototypes are grouped by
 * file.
 */
#ifndef NJ_CPU_H
#define NJ_CPU_H

#include "base/base.h"
#include "cpu/llvm/api.h"

/* -- llvm.c: the compiler, a shared object loaded at the first real compile ---------------------- */

/* Where libnaja_llvm.so lies; NAJA_LIBLLVM (a path) goes before. Copied; call before the first compile. */
void nj_cpu_llvm_dir(const char *dir);
/* Loads it unless that is done. NULL with err set (NJ_E_ENV) when it is not there or has another version. */
const NjLlvmApi *nj_cpu_llvm(NjErr *err);
/* Appends the result to `out` (initialised by the caller). NULL options: this machine, knobs' level and checks. */
NjStatus nj_cpu_llvm_compile(NjLlvmOut what, const char *text, size_t ntext, const NjLlvmOptions *o, NjText *out,
                             NjErr *err);

/* Which build of the compiler would be loaded, without loading it: for the cache's key. */
void nj_cpu_llvm_identity(NjText *out);
/* Dump letter p: the assembler that a compilation to an object does not make. */
void nj_cpu_llvm_dump(const char *func, const char *text, size_t ntext, const NjLlvmOptions *o);

/* -- features.c: which CPU this is, without LLVM ------------------------------------------------------ */

/* One line that two machines share only if code compiled for one is what would be compiled for the other. */
void nj_cpu_describe(NjText *out);
/* May code for the CPU that the knobs ask for use it? `present`: this machine has it. */
bool nj_cpu_may_use(const char *feature, bool present);

/* -- target.c: the CPU as targets of the compiler (run/unit.h) ------------------------------------- */

extern const struct NjTarget nj_cpu_target;        /* functions and ufunc loops */
extern const struct NjTarget nj_cpudev_target;     /* kernels over a grid */

/* -- load.c: an ELF relocatable object becomes code in memory; needs no LLVM ---------------------- */

typedef struct NjCpuCode NjCpuCode;            /* one block of code, reference counted */
/* A symbol that the tables do not know (a user's C function); NULL when unknown. Asked before the tables. */
typedef void *(*NjCpuSymbolFn)(void *arg, const char *name);

/* name: what gdb and perf show for the block. Never crashes on malformed bytes; an unresolved symbol is named in
 * err. */
NjStatus   nj_cpu_code_load(const void *obj, size_t nbytes, const char *name, NjCpuSymbolFn extra, void *arg,
                            NjCpuCode **out, NjErr *err);
void      *nj_cpu_code_find(const NjCpuCode *c, const char *symbol);   /* NULL when the object defines no such symbol */
NjCpuCode *nj_cpu_code_retain(NjCpuCode *c);
void       nj_cpu_code_release(NjCpuCode *c);                             /* NULL is fine; unmapped at the last one */

/* -- symbol.c: what compiled code may call (symbols.def, and vector variants from libmvec) --------- */

/* NULL when unknown. The emitter asks it whether "_ZGVdN4v_sin" exists before it promises that to LLVM. */
void *nj_cpu_symbol(const char *name);

/* -- pool.c: one process-wide pool of threads --------------------------------------------------------- */

#define NJ_POOL_MAX 256              /* threads of a pool, the caller included */
typedef struct NjPool NjPool;
/* Runs [lo, hi). slot < nj_pool_threads(): no two running calls of one nj_pool_for share it. Nonzero stops the rest. */
typedef int32_t (*NjPoolFn)(void *arg, size_t lo, size_t hi, uint32_t slot);

/* The process's pool; NULL (serial) when NAJA_SERIAL=1. Cores are counted and threads started at the first parallel
 * call. */
NjPool  *nj_pool_get(void);
/* fn over [0, n) in pieces of at least `grain`. NULL pool, n <= grain, or a call from inside a pool function: in the
 * caller alone. Any thread may call it, several at a time. Returns the first nonzero value that fn gave, else 0. */
int32_t  nj_pool_for(NjPool *pool, size_t n, size_t grain, NjPoolFn fn, void *arg);
uint32_t nj_pool_threads(const NjPool *pool);                             /* the caller included; 1 for NULL */
void     nj_pool_set_threads(uint32_t n);                                 /* for later calls; 0: one for each core */

/* -- loops.c: a ufunc's inner loop on the pool ------------------------------------------------------------- */

enum { NJ_LOOP_ARGS = 32 };
/* NumPy's inner loop as compiled code has it: data points to an int32 status, zero before (unit.h, NJ_ROOT_UFUNC). */
typedef void (*NjLoopFn)(char **args, const intptr_t *n, const intptr_t *steps, void *data);
/* Serial when pool is NULL, the loop is short, or its elements depend on each other. The status of the lowest failing
 * range. */
int32_t nj_loop_run(NjPool *pool, NjLoopFn fn, char *const *args, size_t n, const intptr_t *steps, unsigned nin,
                    unsigned nargs);

/* -- cores.c: how many threads are worth having --------------------------------------------------------- */

uint32_t nj_cpu_cores(void);     /* physical cores that the affinity mask and the cgroup leave us, at least 1; cached */
uint32_t nj_cpu_cores_hwloc(void);      /* what hwloc says of the mask alone; 0 without hwloc. Slow: tests compare */

/* -- mem.c: memory of the CPU device ----------------------------------------------------------------------- */

/* Device pointers are ordinary addresses, aligned to 64 bytes. Every call checks that its range lies in one live
 * block. */
NjStatus nj_cpu_mem_alloc(size_t nbytes, uint64_t *out, NjErr *err);
NjStatus nj_cpu_mem_free(uint64_t ptr, NjErr *err);                       /* 0 is fine */
NjStatus nj_cpu_mem_to_device(uint64_t dst, const void *src, size_t nbytes, NjErr *err);
NjStatus nj_cpu_mem_to_host(void *dst, uint64_t src, size_t nbytes, NjErr *err);
NjStatus nj_cpu_mem_copy(uint64_t dst, uint64_t src, size_t nbytes, NjErr *err);
NjStatus nj_cpu_mem_set(uint64_t dst, int byte, size_t nbytes, NjErr *err);
void     nj_cpu_mem_info(size_t *nblocks, size_t *nbytes);                /* live now */

/* -- rt.c: what compiled code calls ------------------------------------------------------------------------- */

/* Where print goes: python/ points it at sys.stdout; NULL is stdio's stdout. `text` is UTF-8, whole lines. */
typedef void (*NjPrintFn)(void *arg, const char *text, size_t ntext);
void nj_rt_set_print(NjPrintFn fn, void *arg);
/* One print() call. desc: a letter for each item, slots: 8 bytes for each unless said otherwise:
 *   b bool   i int64   u uint64   f float64   g float32 (its bits in the low half)   c complex128 (2 slots)
 *   s text (2 slots: address, bytes)   n None (no slot)   ( ) tuple around items
 * Items are separated by one space (", " in a tuple) and ended by a newline; numbers look as Python's str() shows
 * them. */
void     nj_rt_print(const char *desc, const uint64_t *slots);
/* An index that is out of bounds; the status that says so follows. take: this thread's last one, once. */
void     nj_rt_bounds(int64_t index, int64_t size);
bool     nj_rt_bounds_take(int64_t *index, int64_t *size);
int64_t  nj_rt_pow_i64(int64_t base, int64_t exp);                  /* wraps; a negative exponent truncates towards 0 */
uint64_t nj_rt_pow_u64(uint64_t base, uint64_t exp);
void     nj_rt_cmath(int32_t which, double *z);                          /* z[0], z[1] become the parts of the result */

#endif
