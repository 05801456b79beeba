/* target_inside.h - what target.c and target_split.c share: text of the CPU device's entries. */
#ifndef NJ_CPU_TARGET_INSIDE_H
#define NJ_CPU_TARGET_INSIDE_H

#include "cpu/simt.h"
#include "emit/emit.h"
#include "pass/split.h"

/* -- target.c -------------------------------------------------------------------------------------------------- */

const char *nj_cpudev_at(NjEmit *e, size_t offset);         /* the address of a field of the NjSimt */
/* Special registers from `first` on, and the shared memory. */
void nj_cpudev_load_hidden(NjEmit *e, unsigned first);
/* Loops over the block's threads, each running the whole root, up to the entry's return. `from` is the block before. */
void nj_cpudev_block_loops(NjEmit *e, NjSpec *root, const char *args, const char *from);

/* -- target_split.c -------------------------------------------------------------------------------------------- */

/* Cuts the kernel at its barriers when that is possible and wanted; false: it runs on stacks. */
bool nj_cpudev_split(NjEmit *e);
void nj_cpudev_entry_split(NjEmit *e, NjSpec *root);

#endif
