#!/usr/bin/env -S hauki proxy run
// The difference of two files, worked out by a service that several scripts share: diff.js OLD NEW
// The service is found by its name, or made; it lives on for its lease and is there for the next one.
if (args.length !== 2) {
    print("usage: diff.js OLD NEW");
    exit(2);
}

var service = clone_object(
    "var asked = 0;\n" +
    "function diff(before, after) {\n" +
    "    var a = before.split('\\n'), b = after.split('\\n'), table = [], out = [], i, j, row;\n" +
    "    asked++;\n" +
    "    for (i = 0; i <= a.length; i++) {\n" +
    "        row = [];\n" +
    "        for (j = 0; j <= b.length; j++) row.push(0);\n" +
    "        table.push(row);\n" +
    "    }\n" +
    "    for (i = a.length - 1; i >= 0; i--) for (j = b.length - 1; j >= 0; j--)\n" +
    "        table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);\n" +
    "    for (i = 0, j = 0; i < a.length || j < b.length;) {\n" +
    "        if (i < a.length && j < b.length && a[i] === b[j]) { i++; j++; }\n" +
    "        else if (i < a.length && (j >= b.length || table[i + 1][j] >= table[i][j + 1])) out.push('-' + a[i++]);\n" +
    "        else out.push('+' + b[j++]);\n" +
    "    }\n" +
    "    return {lines: out, asked: asked};\n" +
    "}\n",
    {name: "examples/diff", get_or_create: true, detached: true, lease: "20s", file_name: "diff.js", memory: "32MiB"});

var result = service->diff(read_file(args[0]), read_file(args[1]));
result.lines.forEach(function (line) { print(line); });
if (result.lines.length) exit(1);
