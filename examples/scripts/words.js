#!/usr/bin/env -S hauki proxy run
// Counts words in files, one worker for each file at a time: words.js FILE...
// A map on the workers, a reduce here: what comes back is small.
if (args.length === 0) {
    print("usage: words.js FILE...");
    exit(2);
}

var mapper =
    "function count(text) {\n" +
    "    var counts = {}, words = text.toLowerCase().match(/[a-z']+/g) || [];\n" +
    "    words.forEach(function (word) { counts[\"_\" + word] = (counts[\"_\" + word] || 0) + 1; });\n" +
    "    return counts;\n" +
    "}\n";
var workers = clone_object(mapper, {count: Math.min(args.length, 4), file_name: "words.js", memory: "32MiB", max_frame: "8MiB"});

// The underscore keeps words such as "constructor" apart from what every object has.
var totals = {};
gather(args.map(function (path, index) {
    return later(workers[index % workers.length], "count", read_file(path));
})).forEach(function (counts) {
    Object.keys(counts).forEach(function (word) { totals[word] = (totals[word] || 0) + counts[word]; });
});

Object.keys(totals)
    .sort(function (a, b) { return totals[b] - totals[a] || (a < b ? -1 : 1); })
    .slice(0, 10)
    .forEach(function (word) { print(totals[word] + " " + word.slice(1)); });
