/* clock.c - seconds that only go forwards, for the log's stage times.
 *
 * In: nothing. Out: seconds since some moment; only differences mean anything, whatever the wall clock does.
 */
#include "base/base.h"

#include <time.h>

double nj_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
