/* A heap in which nothing stays where it was, for tests only (HAUKI_MOVING).
 *
 * The heap is one buffer, so neither a crash nor AddressSanitizer tells of a pointer into it that a collection
 * has made stale: it still points to memory of ours, mostly to the same object or to a similar one. Here every
 * `hauki_collect_every`th allocation collects, each collection moves all blocks to the other half of the buffer, and
 * the half that they leave is poisoned, for the sanitizer or with words that are pointers to nowhere. What lies
 * between the heap and what is reserved for the stack is poisoned as well, so that a push beyond it is told.
 *
 * In the product all of this is nothing. */
#ifndef HAUKI_MOVING

#define MOVING_COLLECT(ctx)
#define MOVING_ALLOCATED(ptr, size)
#define MOVING_RESERVED(ctx, bottom)
#define MOVING_BEGIN(ctx)
#define MOVING_END(ctx)
#define MOVING_BASE(ctx) ((ctx)->heap_base)

#else

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define MOVING_POISON(from, to) ASAN_POISON_MEMORY_REGION(from, (to) - (from))
#define MOVING_CLEAN(from, to) ASAN_UNPOISON_MEMORY_REGION(from, (to) - (from))
#else
/* A tagged pointer to an address that no processor has. */
static void moving_fill(uint8_t *from, uint8_t *to)
{
    for(; from < to; from += sizeof(JSValue))
        *(JSValue *)from = 0x5a5a5a5a5a5a5a59;
}
#define MOVING_POISON(from, to) moving_fill(from, to)
#define MOVING_CLEAN(from, to)
#endif

/* While a collection runs nothing is poisoned, and where it goes is no behaviour of a program: neither is looked at. */
#define MOVING_UNSEEN __attribute__((no_sanitize("address"), no_sanitize_coverage))
MOVING_UNSEEN static int get_mblock_size(const void *ptr);
MOVING_UNSEEN static void gc_mark_all(JSContext *ctx, BOOL keep_atoms);
MOVING_UNSEEN static void gc_thread_pointer(JSContext *ctx, JSValue *pval);
MOVING_UNSEEN static void gc_update_threaded_pointers(JSContext *ctx, void *ptr, void *new_ptr);
MOVING_UNSEEN static void gc_thread_block(JSContext *ctx, void *ptr);
MOVING_UNSEEN static void gc_compact_heap(JSContext *ctx);

/* Zero until a test sets it, when its context is complete. */
unsigned hauki_collect_every;
/* Whether a collection runs: what it calls besides is not looked at either. */
int hauki_collecting;
static unsigned moving_since;
/* What the last collection left, and what has been reserved for the stack then. */
static uint8_t *moving_left, *moving_left_end;

static uint8_t *moving_low(JSContext *ctx)
{
    return (uint8_t *)(ctx->class_proto + 2 * ctx->class_count);
}

static void MOVING_COLLECT(JSContext *ctx)
{
    if (hauki_collect_every != 0 && ++moving_since >= hauki_collect_every) {
        moving_since = 0;
        JS_GC(ctx);
    }
}

#define MOVING_ALLOCATED(ptr, size) MOVING_CLEAN((uint8_t *)(ptr), (uint8_t *)(ptr) + (size))

static void MOVING_RESERVED(JSContext *ctx, JSValue *bottom)
{
    (void)ctx, (void)bottom;
    MOVING_CLEAN((uint8_t *)bottom, ctx->stack_top);
}

static void MOVING_BEGIN(JSContext *ctx)
{
    hauki_collecting = 1;
    MOVING_CLEAN(moving_low(ctx), ctx->stack_top);
    moving_left = ctx->heap_base;
    moving_left_end = ctx->heap_free;
}

/* Where the blocks go: to the other half, if they fit and none of them lies there yet. */
static uint8_t *MOVING_BASE(JSContext *ctx)
{
    uint8_t *low = moving_low(ctx), *ptr;
    size_t half = (size_t)(ctx->stack_top - low) / 2 & ~(size_t)(JSW - 1), live = 0;

    if (hauki_collect_every == 0)
        return ctx->heap_base;
    for(ptr = ctx->heap_base; ptr < ctx->heap_free; ptr += get_mblock_size(ptr)) {
        if (js_get_mtag(ptr) != JS_MTAG_FREE)
            live += get_mblock_size(ptr);
    }
    if (ctx->heap_base != low)
        return low + live <= ctx->heap_base ? low : ctx->heap_base;
    if (ctx->heap_free > low + half || low + half + live + JS_MIN_FREE_SIZE > (uint8_t *)ctx->stack_bottom)
        return low;
    return low + half;
}

static void MOVING_END(JSContext *ctx)
{
    hauki_collecting = 0;
    if (hauki_collect_every == 0)
        return;
    /* The pattern is only written where the heap has been: filling all of the buffer would take too long. */
#if defined(__SANITIZE_ADDRESS__)
    moving_left = moving_low(ctx);
    moving_left_end = (uint8_t *)ctx->stack_bottom;
#endif
    if (moving_left < ctx->heap_base)
        MOVING_POISON(moving_left, ctx->heap_base < moving_left_end ? ctx->heap_base : moving_left_end);
    if (ctx->heap_free < moving_left_end)
        MOVING_POISON(ctx->heap_free > moving_left ? ctx->heap_free : moving_left, moving_left_end);
}

#endif
