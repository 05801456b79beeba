/* trace.c - one line of something that happens often, such as a driver call: to stderr, or appended to one file.
 *
 * In: a dump letter, the trace's name, a line. nj_dump() writes whole stages; a file for each line would help nobody.
 */
#include "base/base.h"

void nj_trace(char letter, const char *name, const char *fmt, ...)
{
    char line[1024], path[1024];
    va_list ap;
    if (!nj_dump_on(letter, NULL))
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    const char *dir = nj_knobs()->dump_dir;
    int n = dir ? snprintf(path, sizeof path, "%s/%s.txt", dir, name) : 0;
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "a") : NULL;
    fprintf(f ? f : stderr, "%s%s%s\n", f ? "" : name, f ? "" : ": ", line);
    if (f)
        fclose(f);
}
