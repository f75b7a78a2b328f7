/* Programs made at random, and what became of programs that exist, run and parsed where the heap moves.
 *
 *     fuzz [--seconds N] [--seed N] [--every N] [--keep DIR] [--corpus DIR [--thin]] [FILE...]
 *
 * A program that takes a way through the engine which none has taken before is kept, cut down to what takes it, and
 * changed in its turn; then it runs once more with a collection at every allocation. FILEs are programs to begin with. Those
 * that are found go to the corpus's directory too, which outlives a run and may be shared. With `--thin` nothing is
 * made: what only goes where shorter programs of the corpus have been is taken out of it.
 * A failure ends the run by a signal or the sanitizer's report; the program is then in DIR/last.js. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "corpus.h"
#include "edges.h"
#include "engine.h"
#include "grammar.h"

static char last[4096];

/* Also from a handler of signals. */
static void save(void)
{
    int file = open(last, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (file >= 0) {
        (void)!write(file, text, length);
        close(file);
    }
}

static void failed(int signal)
{
    (void)signal;
    save();
}

/* One program may take so much of the processor; a collector or a matcher that never ends is a failure too. */
static void too_long(int signal)
{
    static const char words[] = "a program does not end\n";
    (void)signal;
    (void)!write(2, words, sizeof(words) - 1);
    abort();
}

static double processor(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* What was made, and how often something ran: to cut a program down takes a hundred times. */
static unsigned long made, runs;

/* How a program is run: the second time must be as the first. */
struct way {
    unsigned every;
    size_t heap;
    /* -1 to run it, or how it is read. */
    int flags;
    size_t read;
};

static int run(const struct way *way)
{
    static const struct itimerval limit = {{0, 0}, {60, 0}};
    char told[256];
    int ok;

    text[length] = '\0';
    engine_every = way->every;
    setitimer(ITIMER_PROF, &limit, NULL);
    edges_begin();
    if (way->flags < 0)
        ok = engine_run(text, length, way->heap, told, sizeof(told));
    else
        ok = engine_parse(text, way->read < length ? way->read : length, way->heap, way->flags);
    runs++;
    return ok;
}

/* Takes out what the new edges do not need, with few collections if these do not need them either. */
static void trim(struct way way)
{
    static char whole[MOST + SLACK];
    unsigned every = way.every;
    int tries = 0;

    way.every = 1000;
    run(&way);
    if (!edges_again())
        way.every = every;
    for(size_t many = length / 2; many > 0 && tries < 100; many /= 2) {
        for(size_t at = 0; at + many <= length && tries < 100; tries++) {
            size_t size = length;
            memcpy(whole, text, size);
            cut(at, many);
            run(&way);
            if (!edges_again()) {
                length = size;
                memcpy(text, whole, size);
                at += many;
            }
        }
    }
}

/* What is there: as programs that are not changed, and with how few of them the edges are reached. */
static void begin(int thin)
{
    static const size_t heaps[] = {1 << 20, 64 << 10};

    for(size_t i = 0; i < corpus_size(); i++) {
        size_t found = 0;
        for(size_t heap = 0; heap < COUNT(heaps); heap++) {
            struct way way = {200, heaps[heap], -1, 0};
            corpus_take(i);
            run(&way);
            found += edges_new();
        }
        if (found == 0 && thin)
            corpus_drop(i);
    }
}

static struct way any_way(unsigned every)
{
    static const size_t heaps[] = {64, 96, 128, 256, 1024};
    static const int flags[] = {0, 1, 2, 8};
    struct way way = {every, heaps[any(COUNT(heaps))] << 10, -1, MOST};

    if (every == 0)
        way.every = 1 + any(any(8) == 0 ? 8 : any(2) ? 40 : 400);
    if (any(12) == 0) {
        way.flags = flags[any(COUNT(flags))];
        if (any(4) == 0)
            way.read = any(length + 1);
    }
    return way;
}

int main(int argc, char **argv)
{
    unsigned seconds = 10, seed = (unsigned)time(NULL), every = 0;
    unsigned long ended = 0, parsed = 0, found = 0;
    const char *keep = ".", *corpus = NULL;
    int thin = 0;
    time_t end;

    for(int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
            seconds = strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--every") && i + 1 < argc)
            every = strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--keep") && i + 1 < argc)
            keep = argv[++i];
        else if (!strcmp(argv[i], "--corpus") && i + 1 < argc)
            corpus = argv[++i];
        else if (!strcmp(argv[i], "--thin"))
            thin = 1;
        else if (!corpus_read(argv[i]))
            fprintf(stderr, "%s: not read\n", argv[i]);
    }
    snprintf(last, sizeof(last), "%s/last.js", keep);
    if (corpus)
        corpus_open(corpus);
    any_begin(seed);
    engine_patience = 3;
    signal(SIGPROF, too_long);
    signal(SIGABRT, failed);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(save);
#else
    signal(SIGSEGV, failed);
#endif
    end = time(NULL) + seconds;
    begin(thin);
    while (!thin && time(NULL) < end) {
        struct way way;
        int ok;

        if (corpus_size() > 0 && any(5) > 0)
            change();
        else
            make();
        way = any_way(every);
        ok = run(&way);
        made++;
        if (way.flags < 0)
            ended += ok;
        else
            parsed += ok;
        if (edges_new() > 0) {
            struct way closely = way;
            trim(way);
            corpus_keep();
            found++;
            closely.every = 1;
            run(&closely);
        }
    }
    printf("%lu programs in %lu runs and %.0f CPU seconds: %lu ended without a throw, %lu were only read and are right; "
           "%lu went new ways: %zu edges, a corpus of %zu\n",
           made, runs, processor(), ended, parsed, found, edges_known(), corpus_size());
    return 0;
}
