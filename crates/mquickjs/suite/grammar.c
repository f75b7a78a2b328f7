/* Programs by a grammar: what is made aims at the places where C code holds a value while a script runs. Conversions
 * with side effects, callbacks that change what is being walked, getters, errors in the middle. */
#include <stdarg.h>
#include <stdio.h>

#include "grammar.h"

char text[MOST + SLACK];
size_t length;
static uint64_t state;
static int depth;

void any_begin(uint64_t seed)
{
    state = seed * 0x9E3779B97F4A7C15 + 1;
}

uint32_t any(uint32_t below)
{
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1D) >> 33) % below;
}

#define ONE_OF(list) ((list)[any(COUNT(list))])

void put(const char *format, ...)
{
    va_list arguments;

    if (length >= MOST)
        return;
    va_start(arguments, format);
    length += vsnprintf(text + length, sizeof(text) - length, format, arguments);
    va_end(arguments);
    if (length >= sizeof(text))
        length = sizeof(text) - 1;
}

static void expression(void);
static void statement(void);

static const char *const names[] = {"a", "b", "c", "o", "f", "g", "s", "r", "t", "x", "n", "arguments", "this"};
static const char *const targets[] = {"a", "b", "c", "o", "f", "g", "s", "r", "t", "x", "n"};
static const char *const fields[] = {
    "length", "x", "y", "prototype", "constructor", "lastIndex", "name", "message", "stack", "toString", "valueOf",
    "__proto__", "source", "flags", "buffer", "get", "set", "index", "input", "callee", "0", "1"};
/* The last two are no names behind a point. */
#define MEMBER (fields[any(COUNT(fields) - 2)])
static const char *const methods[] = {
    "push", "pop", "shift", "unshift", "join", "concat", "slice", "splice", "indexOf", "lastIndexOf", "reverse", "sort",
    "every", "some", "forEach", "map", "filter", "reduce", "reduceRight", "toString", "valueOf", "hasOwnProperty", "call",
    "apply", "bind", "exec", "test", "replace", "replaceAll", "split", "match", "search", "substring", "substr", "charAt",
    "charCodeAt", "codePointAt", "at", "trim", "toUpperCase", "toLowerCase", "repeat", "localeCompare", "subarray", "fill",
    "set", "toFixed", "toPrecision", "toExponential", "isPrototypeOf", "propertyIsEnumerable", "nope"};
static const char *const globals[] = {
    "Object", "Array", "String", "Number", "Boolean", "RegExp", "Error", "TypeError", "RangeError", "Function", "Math", "JSON",
    "Date", "ArrayBuffer", "Uint8Array", "Int8Array", "Uint8ClampedArray", "Int16Array", "Uint32Array", "Float32Array",
    "Float64Array", "parseInt", "parseFloat", "isNaN", "eval", "globalThis", "Object.prototype", "Array.prototype",
    "String.prototype", "Function.prototype", "RegExp.prototype", "Error.prototype"};
static const char *const calls[] = {
    "Object.keys", "Object.create", "Object.getPrototypeOf", "Object.setPrototypeOf", "Object.defineProperty", "Array.isArray",
    "String.fromCharCode", "String.fromCodePoint", "JSON.stringify", "JSON.parse", "Math.max", "Math.min", "Math.floor",
    "Math.pow", "Math.imul", "Math.fround", "Number.isInteger", "parseInt", "parseFloat", "isNaN", "String", "Number",
    "Boolean", "Array", "Object", "Error", "RegExp", "new Function", "new RegExp", "new Array", "new Error", "new Uint8Array",
    "new Int16Array", "new Float64Array", "new ArrayBuffer", "new Object", "(1,eval)", "Function", "decodeURIComponent",
    "encodeURIComponent", "escape", "unescape"};
static const char *const binary[] = {
    "+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", ">>>", "<", "<=", ">", ">=", "==", "!=", "===", "!==", "&&", "||",
    ",", " in ", " instanceof ", "+", "+"};
static const char *const assigns[] = {"=", "+=", "-=", "*=", "<<=", "|=", "=", "=", "&=", ">>>=", "%="};
static const char *const unary[] = {"-", "+", "!", "~", "typeof ", "void ", "delete ", "++", "--"};
/* Of these only the first few go with any expression. */
#define PLAIN_UNARY 6
static const char *const numbers[] = {
    "0", "1", "2", "3", "-1", "7", "10", "100", "1e3", "65535", "65536", "1073741823", "1073741824", "-1073741824", "2147483647",
    "4294967295", "1e21", "1.5", "-0", "0.1", "1e-7", "1e300", "1e-310", "0/0", "1/0", "0x10", "5e-324"};
static const char *const strings[] = {
    "''", "'a'", "'ab'", "'abc'", "'\\u20ac'", "'\\ud83d\\ude00'", "'\\ud83d'", "'\\ude00'", "'1.5'", "'-1'", "'12'", "'length'",
    "'x'", "'g'", "'a,b,c'", "'$1$2$&$`$\\''", "'\\0'", "'  1 '", "'[1,[2],{\"a\":1e300}]'", "'{\"a\":[1],\"b\":\"\\\\u0041\"}'",
    "'return a'", "'a+'", "'constructor'", "'0.5'", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
    "'\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9'"};
static const char *const expressions[] = {
    "/a/", "/a/g", "/(a)|(b)/g", "/(a+)+b/", "/[a-c]+/gi", "/[]/", "/[^]/y", "/\\b/g", "/(?=(a))/", "/(?!(a))b/", "/(a)\\1/",
    "/a{2,3}?/", "/^$/m", "/./su", "/[\\d\\s\\W]/g", "/(?:(a)|(b)|(c))*/", "/x*/g", "/(a*)*/", "/(?:)/g", "/[\\u0100-\\uffff]/i"};

/* Something whose conversion runs a script. */
static void surprise(void)
{
    static const char *const verbs[] = {"toString", "valueOf"};
    put("{%s: function () { ", ONE_OF(verbs));
    if (any(3))
        put("load('collect'); ");
    if (any(2) && depth < 6)
        statement();
    put("return ");
    expression();
    put("; }}");
}

static void function(void)
{
    put("function %s(%s) { ", any(3) ? "" : "h", any(3) ? "a, b" : any(2) ? "" : "x");
    for(int i = any(3); i > 0; i--)
        statement();
    if (any(3)) {
        put("return ");
        expression();
        put("; ");
    }
    put("}");
}

static void list(int most)
{
    for(int i = any(most + 1); i > 0; i--) {
        expression();
        if (i > 1)
            put(", ");
    }
}

static void atom(void)
{
    switch (any(12)) {
    case 0: case 1: case 2: put("%s", ONE_OF(names)); break;
    case 3: case 4: put("%s", ONE_OF(numbers)); break;
    case 5: case 6: put("%s", ONE_OF(strings)); break;
    case 7: put("%s", ONE_OF(expressions)); break;
    case 8: put("%s", ONE_OF(globals)); break;
    case 9: put(any(2) ? "[]" : "{}" + 0); break;
    case 10: put(any(2) ? "null" : "undefined"); break;
    default: put(any(2) ? "true" : "new.target"); break;
    }
}

static void expression(void)
{
    if (depth >= 7 || length > MOST / 2) {
        atom();
        return;
    }
    depth++;
    switch (any(24)) {
    case 0: case 1: case 2: case 3: atom(); break;
    case 4: put("("), expression(), put(" %s ", ONE_OF(binary)), expression(), put(")"); break;
    case 5: put("("), expression(), put(" ? "), expression(), put(" : "), expression(), put(")"); break;
    case 6: put("(%s ", ONE_OF(unary)), put("%s.%s)", ONE_OF(targets), MEMBER); break;
    case 7: put("(%s ", unary[any(PLAIN_UNARY)]), expression(), put(")"); break;
    case 8: put("["), list(any(20) ? 4 : 40), put("]"); break;
    case 9:
        put("({");
        for(int i = any(4); i > 0; i--) {
            switch (any(6)) {
            case 0: put("get %s() { ", ONE_OF(fields)), statement(), put("return "), expression(), put("; }, "); break;
            case 1: put("set %s(v) { ", ONE_OF(fields)), statement(), put("}, "); break;
            case 2: put("%s() { return ", ONE_OF(methods)), expression(), put("; }, "); break;
            default: put("%s: ", ONE_OF(fields)), expression(), put(", "); break;
            }
        }
        put("})");
        break;
    case 10: case 11: put("("), surprise(), put(")"); break;
    case 12: put("("), function(), put(")"); break;
    case 13: case 14: put("%s.%s(", ONE_OF(targets), ONE_OF(methods)), list(3), put(")"); break;
    case 15: put("("), expression(), put(").%s(", ONE_OF(methods)), list(3), put(")"); break;
    case 16: case 17: put("%s(", ONE_OF(calls)), list(3), put(")"); break;
    case 18: put("%s.prototype.%s.call(", ONE_OF(globals), ONE_OF(methods)), list(3), put(")"); break;
    case 19: put("(%s", ONE_OF(targets)), put(any(2) ? ".%s " : "[0] ", MEMBER), put("%s ", ONE_OF(assigns)), expression(), put(")"); break;
    case 20: put("(%s%s", ONE_OF(targets), ONE_OF(assigns)), expression(), put(")"); break;
    case 21: put("%s[", ONE_OF(targets)), expression(), put("]"); break;
    case 22: put("new ("), expression(), put(")("), list(2), put(")"); break;
    default: put("%s(", ONE_OF(targets)), list(any(30) ? 3 : 60), put(")"); break;
    }
    depth--;
}

static void block(void)
{
    put("{ ");
    for(int i = any(3); i > 0; i--)
        statement();
    put("} ");
}

static void statement(void)
{
    if (depth >= 7 || length > MOST / 2) {
        expression(), put("; ");
        return;
    }
    depth++;
    switch (any(18)) {
    case 0: case 1: case 2: case 3: expression(), put("; "); break;
    case 4: case 5: put("%s = ", ONE_OF(targets)), expression(), put("; "); break;
    case 6: put("if ("), expression(), put(") "), block(); if (any(2)) put("else "), block(); break;
    case 7: put("for (var i%d = 0; i%d < %u; i%d++) ", depth, depth, any(any(10) ? 5 : 300), depth), block(); break;
    case 8: put("for (var k%d %s ", depth, any(2) ? "in" : "of"), expression(), put(") "), block(); break;
    case 9: case 10:
        put("try "), block();
        if (any(4))
            put("catch (e%u) ", any(1000)), block();
        else
            put("catch (e%u) ", any(1000)), block(), put("finally "), block();
        break;
    case 11: put("try "), block(), put("finally "), block(); break;
    case 12: put("throw "), expression(), put("; "); break;
    case 13: put("switch ("), expression(), put(") { case "), expression(), put(": "), statement(), put("default: "), statement(), put("} "); break;
    case 14: put("load('collect'); "); break;
    case 15: put("l%d: for (;;) { ", depth), statement(), put("break l%d; } ", depth); break;
    case 16: put("var %s = ", ONE_OF(targets)), function(), put("; "); break;
    default: put("try { "), expression(), put("; } catch (z%u) { } ", any(1000)); break;
    }
    depth--;
}

void make(void)
{
    length = depth = 0;
    put("var a = [1, 'b', [2.5], {x: 1}], b = 'text' + 1, c = {x: [1], y: 's'}, o = {}, f = function (a, b) { return a; }, g = "
        "function () { return this; }, s = '\\u20acuro' + b, r = /(a)(b)?/g, t = new Uint8Array(8), x = 1.5e300, n = 3;\n");
    for(int i = 1 + any(6); i > 0; i--) {
        if (any(3))
            put("try { "), statement(), put("} catch (w%d) { }\n", i);
        else
            statement(), put("\n");
    }
}

void put_expression(void)
{
    depth = 4;
    expression();
}

void put_statement(void)
{
    depth = 4;
    statement();
}

void put_word(void)
{
    switch (any(5)) {
    case 0: put("%s", ONE_OF(names)); break;
    case 1: put("%s", ONE_OF(numbers)); break;
    case 2: put("%s", MEMBER); break;
    case 3: put("%s", ONE_OF(globals)); break;
    default: put("%s", ONE_OF(methods)); break;
    }
}
