/* pass.h - the passes and the runner that owns their ceremony. */
#ifndef NJ_PASS_H
#define NJ_PASS_H

#include "ir/ir.h"

typedef bool (*NjPassFn)(NjFn *f);         /* true when it changed something */
typedef enum NjLevel { NJ_LEVEL_py = 1, NJ_LEVEL_core = 2, NJ_LEVEL_any = 3 } NjLevel;

typedef struct NjPassInfo { const char *name; NjPassFn run; NjLevel level; const char *needs, *doc; } NjPassInfo;
extern const NjPassInfo nj_passes[];       /* from passes.def, in pipeline order; ends with a NULL name */

/* pipeline.c: skip if asked, time, run, verify, dump if changed. Returns NJ_E_BUG when the verifier complains,
 * NJ_E_NOMEM when the arena ran out, NJ_E_ENV when there is no such pass. */
NjStatus nj_pass_run(NjFn *f, const char *name);
NjStatus nj_pass_run_level(NjFn *f, bool core);        /* every pass of the level, in order */
NjStatus nj_pass_check(NjFn *f, const char *after);    /* the verifier, as NAJA_CHECK asks */

#define PASS(name, level, needs, doc) bool nj_pass_##name(NjFn *f);
#include "pass/passes.def"
#undef PASS

#endif
