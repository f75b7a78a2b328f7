/* Which ways through the engine programs have taken. */
#include <stddef.h>

/* From here on the edges of a run are counted. */
void edges_begin(void);
/* Ends the count, and returns how many edges were new, or taken that often for the first time. They are old then. */
size_t edges_new(void);
/* Ends the count, and returns whether all edges that were new the last time have been taken again. */
int edges_again(void);
/* How many there have been. */
size_t edges_known(void);
