#!/usr/bin/env -S hauki proxy run
// Hunts for inputs that break a parser, each tried in a vault: hunt.js [TRIES]
// A worker that loops, eats its memory or dies is a finding, not an accident: the script goes on.
var tries = +(args[0] || 60);

// The prey: it mishandles three kinds of input.
var prey =
    "function parse(text) {\n" +
    "    var depth = 0, i = 0, all = '';\n" +
    "    while (i < text.length) {\n" +
    "        if (text.charAt(i) === '(') depth++;\n" +
    "        if (text.charAt(i) === ')' && --depth < 0) throw new Error('unbalanced at ' + i);\n" +
    "        if (text.charAt(i) === '*' && text.charAt(i + 1) === '*') continue;\n" +
    "        if (text.charAt(i) === '%') for (;;) all += all + 'x';\n" +
    "        i++;\n" +
    "    }\n" +
    "    return depth;\n" +
    "}\n";
var options = {file_name: "prey.js", deadline: "250ms", memory: "1MiB"};
var worker = clone_object(prey, options), findings = {}, shortest = {}, n, text;

// The same numbers each time, so that a finding can be found again.
var state = 42;
function chance(below) {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % below;
}

for (n = 0; n < tries; n++) {
    text = "";
    while (chance(6)) text += "()*%ab".charAt(chance(6));
    try {
        worker->parse(text);
    } catch (error) {
        if (error.code === "vault_dead") worker = clone_object(prey, options);
        findings[error.kind] = (findings[error.kind] || 0) + 1;
        if (!shortest[error.kind] || text.length < shortest[error.kind].length) shortest[error.kind] = text;
    }
}
Object.keys(findings).sort().forEach(function (kind) {
    print(kind + ": the shortest of its inputs is " + JSON.stringify(shortest[kind]));
});
