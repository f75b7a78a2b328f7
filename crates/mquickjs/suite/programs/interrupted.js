// throws InternalError: interrupted
var a = [], i;
for (i = 0; i < 2000; i++) a.push(i * 7919 % 2000);
try { a.sort(function (x, y) { for (var j = 0; j < 1e9; j++) {} return x - y; }); } catch (e) { }
try { while (true) {} } finally { while (true) {} }
