/* Runs programs in the engine as a test: each in a context of its own, which it may fill.
 *
 *     run [--every N] [--heap KIB] [--patience N] [--lines FILE] [--parse FILE] FILE...
 *
 * A program that throws has failed, unless its first line has `// throws`, followed by how the text of what it throws
 * must begin. `// heap N` there, in KiB, and `// every N` are for programs that need more, or less. Each line of a file
 * after `--lines` is a program of its own, of which nothing is asked but that it ends, and a file after `--parse` is
 * only read. Crashes and reports of a sanitizer end the run, as they should. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mquickjs.h"
#include "engine.h"

static char *read_file(const char *name, size_t *length)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL;
    size_t size = 0, got;

    if (!file) {
        perror(name);
        exit(2);
    }
    *length = 0;
    do {
        if (*length + 65536 > size)
            text = realloc(text, size = 2 * size + 65536 + 1);
        got = fread(text + *length, 1, 65536, file);
        *length += got;
    } while (got > 0);
    fclose(file);
    text[*length] = '\0';
    return text;
}

/* Returns whether it went as its first line says. */
static int run(const char *name, size_t heap)
{
    size_t length;
    char *text = read_file(name, &length), told[512], wanted[128] = "";
    unsigned every = engine_every;
    char *word, *end;
    int ok;

    end = text + strcspn(text, "\n");
    if ((word = strstr(text, "// heap ")) && word < end)
        heap = strtoul(word + 8, NULL, 10) << 10;
    if ((word = strstr(text, "// every ")) && word < end && engine_every > 0)
        engine_every = strtoul(word + 9, NULL, 10);
    if ((word = strstr(text, "// throws ")) && word < end)
        sscanf(word + 10, "%127[^\n]", wanted);
    ok = engine_run(text, length, heap, told, sizeof(told));
    engine_every = every;
    free(text);
    if (wanted[0]) {
        ok = !ok && strncmp(told, wanted, strlen(wanted)) == 0;
    }
    if (!ok)
        fprintf(stderr, "%s: %s\n", name, told[0] ? told : "did not throw");
    return ok;
}

static int run_lines(const char *name, size_t heap)
{
    size_t length;
    char *text = read_file(name, &length), *line = text, *end;
    char told[512];
    int count = 0;

    /* Some of them only end when memory does. */
    engine_patience = 20;
    engine_every *= 10;
    while ((end = strchr(line, '\n'))) {
        engine_run(line, end - line, heap, told, sizeof(told));
        line = end + 1;
        count++;
    }
    free(text);
    engine_every /= 10;
    return count;
}

static void parse(const char *name, size_t heap)
{
    size_t length;
    char *text = read_file(name, &length);

    engine_parse(text, length, heap, 0);
    free(text);
}

int main(int argc, char **argv)
{
    size_t heap = 4096;
    int failed = 0, count = 0;

    for(int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--every") && i + 1 < argc) {
            engine_every = strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--heap") && i + 1 < argc) {
            heap = strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--patience") && i + 1 < argc) {
            engine_patience = strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--lines") && i + 1 < argc) {
            count += run_lines(argv[++i], heap << 10);
        } else if (!strcmp(argv[i], "--parse") && i + 1 < argc) {
            parse(argv[++i], heap << 10);
            count++;
        } else {
            failed += !run(argv[i], heap << 10);
            count++;
        }
    }
    printf("%d programs, %d failed\n", count, failed);
    return failed != 0;
}
