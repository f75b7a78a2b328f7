/* The corpus, and how a program of it is changed. Its files are named by what they hold, and appear whole, so several
 * fuzzers may share a directory: each reads at its start what the others have found. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "corpus.h"
#include "grammar.h"

static struct program {
    char *text;
    size_t length;
    /* Only of those that are in the corpus's directory. */
    char *name;
} programs[1 << 16];
static size_t count;
static const char *place;

static int add(const char *bytes, size_t size, const char *name)
{
    if (count == COUNT(programs) || size == 0)
        return 0;
    programs[count].text = malloc(size);
    memcpy(programs[count].text, bytes, size);
    programs[count].length = size;
    programs[count].name = name ? strdup(name) : NULL;
    count++;
    return 1;
}

static int read_file(const char *path, const char *name)
{
    static char bytes[MOST];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file)
        return 0;
    size = fread(bytes, 1, MOST, file);
    fclose(file);
    return add(bytes, size, name);
}

int corpus_read(const char *name)
{
    return read_file(name, NULL);
}

static int shorter(const void *left, const void *right)
{
    size_t a = ((const struct program *)left)->length, b = ((const struct program *)right)->length;
    return (a > b) - (a < b);
}

void corpus_open(const char *directory)
{
    size_t first = count;
    struct dirent *entry;
    DIR *open;

    place = directory;
    mkdir(directory, 0777);
    open = opendir(directory);
    if (!open) {
        perror(directory);
        exit(2);
    }
    while ((entry = readdir(open))) {
        char path[4096];
        if (!strstr(entry->d_name, ".js"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        read_file(path, entry->d_name);
    }
    closedir(open);
    qsort(programs + first, count - first, sizeof(*programs), shorter);
}

void corpus_keep(void)
{
    uint64_t value = 0xCBF29CE484222325;
    char path[4096], whole[4096], name[32];
    FILE *file;

    for(size_t i = 0; i < length; i++)
        value = (value ^ (uint8_t)text[i]) * 0x100000001B3;
    snprintf(name, sizeof(name), "%016llx.js", (unsigned long long)value);
    if (!add(text, length, name) || !place)
        return;
    snprintf(whole, sizeof(whole), "%s/%s", place, name);
    snprintf(path, sizeof(path), "%s/%d", place, (int)getpid());
    file = fopen(path, "wb");
    if (!file)
        return;
    fwrite(text, 1, length, file);
    fclose(file);
    rename(path, whole);
}

void corpus_drop(size_t which)
{
    char path[4096];

    if (!programs[which].name)
        return;
    snprintf(path, sizeof(path), "%s/%s", place, programs[which].name);
    unlink(path);
}

size_t corpus_size(void)
{
    return count;
}

void corpus_take(size_t which)
{
    length = programs[which].length;
    memcpy(text, programs[which].text, length);
}

void cut(size_t at, size_t many)
{
    memmove(text + at, text + at + many, length - at - many);
    length -= many;
}

/* What stands behind `at` is kept while something is put there. */
static char behind[MOST + SLACK];
static size_t behind_length;

static void part(size_t at, size_t end)
{
    behind_length = length - end;
    memcpy(behind, text + end, behind_length);
    length = at;
}

static void join(void)
{
    if (length > MOST)
        length = MOST;
    if (behind_length > MOST - length)
        behind_length = MOST - length;
    memcpy(text + length, behind, behind_length);
    length += behind_length;
}

static void put_piece(const char *bytes, size_t size)
{
    if (length + size > MOST)
        return;
    memcpy(text + length, bytes, size);
    length += size;
}

/* Some pair of brackets: from the opening one to behind the closing one. */
static int brackets(const char *bytes, size_t size, size_t *at, size_t *end)
{
    size_t from = any(size), many = 0;
    char quote = 0;

    while (from < size && !strchr("([{", bytes[from]))
        from++;
    for(size_t i = from; i < size; i++) {
        char c = bytes[i];
        if (c == '\\')
            i++;
        else if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (strchr("([{", c))
            many++;
        else if (strchr(")]}", c) && --many == 0) {
            *at = from, *end = i + 1;
            return 1;
        }
    }
    return 0;
}

static int of_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void change_once(void)
{
    size_t at = any(length), end = at + any(length - at < 40 ? length - at : 40), from, to;
    size_t other = any(count);
    const char *bytes = programs[other].text;
    size_t size = programs[other].length;

    switch (any(10)) {
    case 0: part(at, end), put_expression(), join(); break;
    case 1: part(at, end), join(); break;
    case 2:
        from = any(size), to = from + any(size - from < 60 ? size - from : 60);
        part(at, end), put_piece(bytes + from, to - from), join();
        break;
    case 3: case 4:
        while (at < length && !strchr(";{}\n", text[at]))
            at++;
        if (at < length)
            part(at + 1, at + 1), put_statement(), join();
        break;
    case 5:
        if (brackets(text, length, &at, &end) && brackets(bytes, size, &from, &to))
            part(at, end), put_piece(bytes + from, to - from), join();
        break;
    case 6:
        if (brackets(text, length, &at, &end))
            part(at + 1, end - 1), put_expression(), join();
        break;
    case 7: case 8:
        while (at < length && !of_word(text[at]))
            at++;
        for(end = at; end < length && of_word(text[end]); end++)
            ;
        part(at, end), put_word(), join();
        break;
    default: part(length, length), put_piece("\n", 1), put_piece(bytes, size); break;
    }
}

void change(void)
{
    /* What was found last has been tried least. */
    corpus_take(any(2) ? any(count) : count - 1 - any(1 + count / 8));
    for(int i = 1 + any(4); i > 0 && length > 8; i--)
        change_once();
}
