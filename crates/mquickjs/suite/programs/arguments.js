// More arguments than sixteen bits count. // heap 65536 // every 1000
function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function list(n) { var a = [], i; for (i = 0; i < n; i++) a.push(i % 1000); return a; }
function count() { return arguments.length; }
function last() { return arguments[arguments.length - 1]; }
var n = [0, 1, 1001, 65535, 65536, 70000, 131071, 131072, 200000], i;
for (i = 0; i < n.length; i++) {
    var a = list(n[i]);
    same(count.apply(null, a), n[i]);
    same(count.bind(null).apply(null, a), n[i]);
    same(count.bind(null, 1, 2, 3).apply(null, a), n[i] + 3);
    same(count.call.apply(count, [null].concat(a)), n[i]);
    if (n[i] > 0) same(last.apply(null, a), (n[i] - 1) % 1000);
    if (n[i] > 1000) same(Math.max.apply(null, a), 999);
    same([].push.apply([], a), n[i]);
    same(String.fromCharCode.apply(null, a).length, n[i]);
}
same((function () { return 1; }).apply(null, list(65536)), 1);
same(count.apply(null), 0);
same(count.apply(null, null), 0);
function Point(x) { this.x = x; }
var point = new Point(7);
same(point.x, 7);
same(new Array(1, 2, 3).length, 3);
