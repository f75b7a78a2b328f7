/* What the engine asks of its host, and its table of built-in objects.
 *
 * Six of the functions that the table names do nothing here; the preludes of hauki put their own in the
 * place of those names, and `load` is the one door between a script and Rust. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mquickjs.h"
#include "mquickjs_priv.h"

/* Tells that this engine is the mended one, and by which patches. The table of built-in objects leads to the
 * text, so that a program has it exactly if it has the engine, stripped or not; `tests/engine.rs` looks. */
static const char hauki_engine_mark[] = "hauki-engine-mended:" HAUKI_PATCHES;

typedef JSValue JSHostCallback(JSContext *ctx, JSValue *this_val, int argc, JSValue *argv);

static JSHostCallback *host_callback;

void JS_SetHostCallback(JSHostCallback *callback)
{
    host_callback = callback;
}

const char *hauki_engine_patches(void)
{
    return strrchr(hauki_engine_mark, ':') + 1;
}

JSValue js_load(JSContext *ctx, JSValue *this_val, int argc, JSValue *argv)
{
    if (host_callback)
        return host_callback(ctx, this_val, argc, argv);
    return JS_ThrowInternalError(ctx, "nobody is behind the door (%s)", hauki_engine_mark);
}

#define DOES_NOTHING(name)                                                          \
    JSValue name(JSContext *ctx, JSValue *this_val, int argc, JSValue *argv)        \
    {                                                                               \
        (void)ctx, (void)this_val, (void)argc, (void)argv;                          \
        return JS_UNDEFINED;                                                        \
    }

DOES_NOTHING(js_print)
DOES_NOTHING(js_gc)
DOES_NOTHING(js_date_now)
DOES_NOTHING(js_performance_now)
DOES_NOTHING(js_setTimeout)
DOES_NOTHING(js_clearTimeout)

#include "mquickjs_stdlib.h"

/* What src/lib.rs declares by hand. */
_Static_assert(JS_CLASS_ARRAY == 1 && JS_CLASS_C_FUNCTION == 2 && JS_CLASS_CLOSURE == 3, "classes");
_Static_assert(JS_CLASS_ERROR == 9 && JS_CLASS_RANGE_ERROR == 11 && JS_CLASS_TYPE_ERROR == 14, "errors");
_Static_assert(JS_CLASS_UINT8C_ARRAY == 19 && JS_CLASS_INT8_ARRAY == 20 && JS_CLASS_UINT8_ARRAY == 21
               && JS_CLASS_INT16_ARRAY == 22 && JS_CLASS_FLOAT64_ARRAY == 27, "typed arrays");
_Static_assert(sizeof(JSObjectClassEnum) == sizeof(unsigned), "classes are passed as unsigned numbers");
_Static_assert(JS_EVAL_RETVAL == 1 && JS_EVAL_REPL == 2 && JS_EVAL_JSON == 8, "flags of JS_Parse");
_Static_assert(FRAME_CF_CTOR == 1 << 22, "the mark of new");
_Static_assert(sizeof(JSValue) == 8 && sizeof(JSGCRef) == 16 && sizeof(JSCStringBuf) == 5, "values");
_Static_assert(sizeof(JSBytecodeHeader) == 32 && offsetof(JSBytecodeHeader, main_func) == 24, "bytecode");
