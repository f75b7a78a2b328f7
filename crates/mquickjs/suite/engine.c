#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "mquickjs.h"
#include "engine.h"

extern const JSSTDLibraryDef js_stdlib;
#ifdef HAUKI_MOVING
extern unsigned hauki_collect_every;
#else
static unsigned hauki_collect_every;
#endif
typedef JSValue JSHostCallback(JSContext *ctx, JSValue *this_val, int argc, JSValue *argv);
void JS_SetHostCallback(JSHostCallback *callback);

unsigned engine_every = 1;
unsigned engine_patience = 2000;
static unsigned asked;

static int shall_stop(JSContext *ctx, void *opaque)
{
    (void)ctx, (void)opaque;
    return ++asked > engine_patience;
}

/* `load(verb, value)`: "collect" collects, "text" returns the value as a string that is new, "say" prints it. */
static JSValue door(JSContext *ctx, JSValue *this_val, int argc, JSValue *argv)
{
    JSCStringBuf buf;
    const char *verb;
    char *copy;
    size_t length;
    JSValue text;

    (void)this_val;
    if (argc < 1 || !(verb = JS_ToCString(ctx, argv[0], &buf)))
        return JS_EXCEPTION;
    if (!strcmp(verb, "collect")) {
        JS_GC(ctx);
    } else if (!strcmp(verb, "text") && argc > 1) {
        verb = JS_ToCStringLen(ctx, &length, argv[1], &buf);
        if (!verb)
            return JS_EXCEPTION;
        copy = malloc(length + 1);
        memcpy(copy, verb, length + 1);
        text = JS_NewStringLen(ctx, copy, length);
        free(copy);
        return text;
    } else if (!strcmp(verb, "say") && argc > 1) {
        verb = JS_ToCStringLen(ctx, &length, argv[1], &buf);
        if (!verb)
            return JS_EXCEPTION;
        fwrite(verb, 1, length, stdout);
        putchar('\n');
    }
    return JS_UNDEFINED;
}

/* Kept between programs. A heap is the end of it, so that what is written behind a heap is seen. */
static uint8_t *memory;
static size_t memory_size;

static JSContext *open_context(size_t heap)
{
    JSContext *ctx;

    if (heap > memory_size) {
        free(memory);
        memory = aligned_alloc(4096, (heap + 4095) & ~(size_t)4095);
        memory_size = heap;
    }
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(memory, memory_size - heap);
    ASAN_UNPOISON_MEMORY_REGION(memory + memory_size - heap, heap);
#endif
    hauki_collect_every = 0;
    ctx = JS_NewContext(memory + memory_size - heap, heap, &js_stdlib);
    JS_SetRandomSeed(ctx, 1);
    JS_SetHostCallback(door);
    JS_SetInterruptHandler(ctx, shall_stop);
    asked = 0;
    hauki_collect_every = engine_every;
    return ctx;
}

static JSValue parse(JSContext *ctx, const char *text, size_t length, int flags)
{
    /* Of its own size, so that reading on is seen. */
    char *copy = malloc(length + 1);
    JSValue value;

    memcpy(copy, text, length);
    copy[length] = '\0';
    value = JS_Parse(ctx, copy, length, "f.js", flags);
    free(copy);
    return value;
}

int engine_run(const char *text, size_t length, size_t heap, char *told, size_t size)
{
    JSContext *ctx = open_context(heap);
    JSValue value = parse(ctx, text, length, 0);

    told[0] = '\0';
    if (!JS_IsException(value))
        value = JS_Run(ctx, value);
    if (!JS_IsException(value))
        return 1;
    JS_GetErrorStr(ctx, told, size);
    /* Whatever it has done to its heap, the next collection must survive. */
    JS_GC(ctx);
    return 0;
}

int engine_parse(const char *text, size_t length, size_t heap, int flags)
{
    JSContext *ctx = open_context(heap);
    int ok = !JS_IsException(parse(ctx, text, length, flags));

    JS_GC(ctx);
    return ok;
}
