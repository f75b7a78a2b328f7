#!/usr/bin/env -S hauki proxy run
// Counts and sums the primes from FROM to TO on several workers: primes.js [FROM [TO [WORKERS]]]
var from = +(args[0] || 1), to = +(args[1] || 20000), count = +(args[2] || 4);

var workers = clone_object(
    "function primes(from, to) {\n" +
    "    var found = 0, sum = 0, n, d;\n" +
    "    for (n = from < 2 ? 2 : from; n < to; n++) {\n" +
    "        for (d = 2; d * d <= n && n % d; d++) {}\n" +
    "        if (d * d > n) { found++; sum += n; }\n" +
    "    }\n" +
    "    return {found: found, sum: sum};\n" +
    "}\n",
    {count: count, file_name: "primes.js"});

// Large numbers cost more than small ones, so there are more pieces than workers, dealt out in turn.
var pieces = count * 4, step = Math.ceil((to - from) / pieces), calls = [], i;
for (i = 0; i < pieces; i++) {
    calls.push(later(workers[i % count], "primes", from + i * step, Math.min(to, from + (i + 1) * step)));
}
var total = gather(calls).reduce(function (sum, piece) {
    return {found: sum.found + piece.found, sum: sum.sum + piece.sum};
}, {found: 0, sum: 0});
print(total.found + " primes from " + from + " to " + to + ", their sum is " + total.sum);
