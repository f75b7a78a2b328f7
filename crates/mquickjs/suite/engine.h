/* One program in one new context, with a bound on its length and on its time. */
#include <stddef.h>

/* How often the moving heap collects. */
extern unsigned engine_every;
/* How many times the engine may ask whether it shall stop, some ten thousand instructions each. */
extern unsigned engine_patience;

/* Returns whether the program ended without an exception; what it threw is written to `told`. */
int engine_run(const char *text, size_t length, size_t heap, char *told, size_t size);
/* The same for a text that is only read, as a program or with `flags` as JSON. */
int engine_parse(const char *text, size_t length, size_t heap, int flags);
