/* The program that is being made, and what makes it. */
#include <stddef.h>
#include <stdint.h>

/* So long may a program be; what is being written when it gets there has some more. */
#define MOST (48 * 1024)
#define SLACK 4096
#define COUNT(list) (sizeof(list) / sizeof(*(list)))

extern char text[MOST + SLACK];
extern size_t length;

/* Numbers at random, of which a seed makes the same again. */
void any_begin(uint64_t seed);
uint32_t any(uint32_t below);

/* A whole program in place of the one before. */
void make(void);
/* At the end of the program: an expression, a statement, a name or a number. */
void put_expression(void);
void put_statement(void);
void put_word(void);
