function same(a, b) { if (a !== b || 1 / a !== 1 / b) throw new Error(a + " is not " + b); }
var i, o = {}, n = 0, k;
same([].reverse().length, 0); same(new Array(0).reverse().join(), "");
same(-1 << 1, -2); same(1 << 31, -2147483648); same(-1073741824 << 1, -2147483648); same(3 << 30, -1073741824);
same(-1073741825 + 1, -1073741824); same(~~-6442450944, -2147483648); same(-2147483648 | 0, -2147483648);
same((-9223372036854775808 * 4 + 8192) | 0, 8192); same(-(2147483648 * 2097153) | 0, -2147483648);
same(6 % 3, 0); same(-6 % 3, -0); same(5.5 % 1.1 < 1.1, true); same(1e300 % 2, 0); same(-7.5 % 2.5, -0); same(5e-324 % 5e-324, 0);
same(Math.atan2(-0, -0), -Math.PI); same(Math.atan2(1, -0), Math.PI / 2); same(Math.atan2(0, 1), 0); same(Math.atan2(2, 1), Math.atan(2));
// Names by the hundred, which are sorted into the others a table at a time.
for (i = 0; i < 1500; i++) o["name" + (i * 7919 % 1500)] = i;
for (k in o) if (o[k] * 7919 % 1500 === +k.slice(4)) n++;
same(n, 1500); for (i = 0; i < 1500; i++) same(o["name" + i] * 7919 % 1500, i);
