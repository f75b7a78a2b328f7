#!/usr/bin/env -S hauki proxy run
// The five most asked-for addresses of an access log, read by several workers: log_stats.js FILE [WORKERS]
if (!args[0]) {
    print("usage: log_stats.js FILE [WORKERS]");
    exit(2);
}
var count = +(args[1] || 3), size = 64 * 1024;

var workers = clone_object(
    "var hits = {}, lines = 0, bad = 0;\n" +
    "function feed(text) {\n" +
    "    text.split('\\n').forEach(function (line) {\n" +
    "        var request = /\"[A-Z]+ ([^ ]+) [^\"]*\" (\\d+)/.exec(line);\n" +
    "        if (!line) return;\n" +
    "        lines++;\n" +
    "        if (!request) { bad++; return; }\n" +
    "        hits[request[1]] = (hits[request[1]] || 0) + 1;\n" +
    "    });\n" +
    "    return lines;\n" +
    "}\n" +
    "function result() { return {hits: hits, lines: lines, bad: bad}; }\n",
    {count: count, file_name: "log_worker.js"});

// Pieces end at line ends, so that no line is read by two workers in halves.
var text = read_file(args[0]), at = 0, turn = 0, calls = [], end;
while (at < text.length) {
    end = at + size >= text.length ? text.length : text.lastIndexOf("\n", at + size) + 1;
    if (end <= at) end = text.length;
    calls.push(later(workers[turn++ % count], "feed", text.slice(at, end)));
    at = end;
}
gather(calls);

var all = {hits: {}, lines: 0, bad: 0};
gather(workers.map(function (worker) { return later(worker, "result"); })).forEach(function (part) {
    all.lines += part.lines;
    all.bad += part.bad;
    Object.keys(part.hits).forEach(function (path) { all.hits[path] = (all.hits[path] || 0) + part.hits[path]; });
});
print(all.lines + " lines, " + all.bad + " not understood");
Object.keys(all.hits)
    .sort(function (a, b) { return all.hits[b] - all.hits[a] || (a < b ? -1 : 1); })
    .slice(0, 5)
    .forEach(function (path) { print(all.hits[path] + " " + path); });
