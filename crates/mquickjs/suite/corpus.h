/* Programs that exist: those of the suite, and those that reached what no other had reached. */
#include <stddef.h>

/* One program, from a file or from elsewhere. Returns whether there was room for it. */
int corpus_read(const char *name);
/* All programs of a directory, the shortest first; it is made if need be. */
void corpus_open(const char *directory);
/* Makes the program that is being made one of them, on the disk too. */
void corpus_keep(void);
/* Takes the file of one away that no longer is of use. */
void corpus_drop(size_t which);
size_t corpus_size(void);
/* Puts one in the place of the program that is being made. */
void corpus_take(size_t which);
/* One of them, changed. */
void change(void);
/* Takes `many` bytes out of the program that is being made. */
void cut(size_t at, size_t many);
