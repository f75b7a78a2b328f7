/* Coverage with what gcc has: it calls `__sanitizer_cov_trace_pc` in each basic block of the engine's files, and two
 * blocks that follow each other are an edge. The collector is left out: it takes its ways thousands of times in each
 * program, and is watched by the heap that moves (src/moving.h says when it runs). */
#include <stdint.h>

#include "edges.h"

/* Some 30,000 blocks of the engine leave most of it empty. */
#define MAP (1 << 18)

extern int hauki_collecting;

static uint8_t taken[MAP], known[MAP];
static uint32_t touched[MAP], fresh[MAP];
static size_t touched_count, fresh_count, known_count;
static uintptr_t before;
static int counting;

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t here;
    uint32_t edge;

    if (!counting || hauki_collecting)
        return;
    here = (uintptr_t)__builtin_return_address(0);
    edge = (uint32_t)(((here ^ (before << 7)) * 0x9E3779B97F4A7C15) >> 46);
    before = here;
    if (taken[edge] == 0)
        touched[touched_count++] = edge;
    if (taken[edge] < 255)
        taken[edge]++;
}

void edges_begin(void)
{
    for(size_t i = 0; i < touched_count; i++)
        taken[touched[i]] = 0;
    touched_count = 0;
    before = 0;
    counting = 1;
}

/* Once, a few times, or many times. */
static uint8_t how_often(uint8_t count)
{
    return count == 1 ? 1 : count < 8 ? 2 : 4;
}

size_t edges_new(void)
{
    counting = 0;
    fresh_count = 0;
    for(size_t i = 0; i < touched_count; i++) {
        uint32_t edge = touched[i];
        uint8_t often = how_often(taken[edge]);
        if (known[edge] & often)
            continue;
        known_count += known[edge] == 0;
        known[edge] |= often;
        fresh[fresh_count++] = edge;
    }
    return fresh_count;
}

int edges_again(void)
{
    counting = 0;
    for(size_t i = 0; i < fresh_count; i++) {
        if (taken[fresh[i]] == 0)
            return 0;
    }
    return 1;
}

size_t edges_known(void)
{
    return known_count;
}
