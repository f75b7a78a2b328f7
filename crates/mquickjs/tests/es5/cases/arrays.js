// Array.prototype, on arrays and on what only looks like one.
[1, 2, 3].concat([4, [5]], 6)
[].concat(1, [2], [[3]])
[1, 2, 3].join()
[1, null, undefined, 2].join("-")
[].join()
[[1, 2], [3]].join(";")
[1, 2].join(undefined)
[1, 2].join(null)
[3, 1, 2].sort()
[10, 9, 1].sort()
[10, 9, 1].sort(function (a, b) { return a - b })
["b", undefined, "a"].sort()
[3, undefined, 1].sort(function (a, b) { return b - a })
[1, 2, 3].sort(undefined)
[1, 2].sort(5)
[{k: 1, v: "a"}, {k: 0, v: "b"}, {k: 1, v: "c"}, {k: 0, v: "d"}].sort(function (a, b) { return a.k - b.k }).map(function (o) { return o.v }).join("")
[1, 2, 3].reverse()
[].reverse()
[1, 2, 3, 4].slice(1, -1)
[1, 2, 3].slice(-2)
[1, 2, 3].slice()
[1, 2, 3].slice(2, 1)
[1, 2, 3].slice(1, undefined)
var a = [1, 2, 3, 4]; [a.splice(1, 2), a]
var a = [1, 2, 3]; [a.splice(1), a]
var a = [1, 2, 3]; [a.splice(), a]
var a = [1, 2, 3]; [a.splice(-1, 1, "x", "y"), a]
var a = [1, 2, 3]; [a.splice(1, 0, "x"), a]
var a = [1, 2, 3]; [a.splice(undefined), a]
var a = [1]; [a.push(2, 3), a]
var a = [3]; [a.unshift(1, 2), a]
var a = [1, 2]; [a.pop(), a.shift(), a.pop(), a.length]
var a = [1, 2, 3]; a.length = 1; a
var a = [1]; a.length = 3; a.length
var a = []; a.length = -1
var a = []; a.length = 1.5
[1, 2, 3].indexOf(2)
[1, 2, 3].indexOf(4)
[1, 2, 1].indexOf(1, 1)
[1, 2, 1].indexOf(1, -1)
[NaN].indexOf(NaN)
["1"].indexOf(1)
[1, 2, 1].lastIndexOf(1)
[1, 2, 1].lastIndexOf(1, -2)
[1, 2, 1].lastIndexOf(1, 1)
[].lastIndexOf(1)
[1, 2, 3].every(function (x) { return x > 0 })
[].every(function () { return false })
[1, 2, 3].some(function (x) { return x > 2 })
[1, 2, 3].filter(function (x, i) { return i })
[1, 2, 3].map(function (x, i, a) { return x * i + a.length })
["1", "2", "3"].map(parseInt)
["1", "2"].map(Number)
[1, 2].map(String)
[1, 2, 3].reduce(function (a, b) { return a + b })
[1, 2, 3].reduce(function (a, b) { return a + b }, "")
[[1], [2]].reduceRight(function (a, b) { return a.concat(b) })
[].reduce(function () {})
[].reduce(function () {}, 7)
[5].reduce(function () { return 0 })
[1].map(null)
[1].forEach()
[1].forEach(function () { return this.x }, {x: 1})
var s = []; [1, 2].forEach(function (x) { s.push(this.k + x) }, {k: 10}); s
var s = 0; [1, 2, 3].forEach(function (x, i, a) { if (i === 0) a.push(9); s += x }); s
var s = []; [1, 2, 3].forEach(function (x, i, a) { s.push(x); a.pop() }); s
[1, 2, 3].map(function () { return typeof this })[0]
Array.isArray([]) && !Array.isArray({length: 0})
Array.isArray(Array.prototype)
Array.isArray()
Array(3).length
new Array(3).length
new Array(2, 3)
new Array("3")
new Array(-1)
new Array(1.5)
Array()
[1, , 3].length
[, 1].length
[1, , 3].join("-")
1 in [1, , 3]
[1, , 3].map(function (x) { return 0 }).hasOwnProperty(1)
[,].length
[1, 2,].length
var n = 0; [1, , 3].forEach(function () { n++ }); n
[1, , 3].indexOf(undefined)
var a = []; a[3] = 1; a.length
var a = []; a[3] = 1; a.join()
var a = [1, 2, 3]; delete a[1]; [a.length, 1 in a, a[1]]
var n = 0; new Array(5).forEach(function () { n++ }); n
new Array(3).join("x")
Array(4).join("ab")
var k = []; var a = [1, 2]; a.x = 3; for (var i in a) k.push(i); k
0 in [1]
1 in [1]
"0" in [1]
"length" in []
var a = [1, 2]; a["1"]
var a = [1, 2]; a["01"]
var a = [1]; a["1"] = 2; a.length
var a = [1, 2]; a.foo = 1; a.length
var a = [0]; a[-1] = 5; [a.length, a[-1]]
var a = []; a[1.5] = 5; [a.length, a[1.5]]
var a = [1]; a["-0"] = 2; a.length
[1, 2, 3].toString()
[1, [2, [3]]].toString()
[].toLocaleString()
[1, 2].hasOwnProperty("length")
[1, 2].hasOwnProperty(1)
[1, 2].hasOwnProperty(2)
Object.keys([4, 5])
Array.prototype.slice.call({0: "a", 1: "b", length: 2})
(function () { return Array.prototype.slice.call(arguments, 1) })(1, 2, 3)
Array.prototype.map.call("abc", function (c) { return c + c })
Array.prototype.join.call({0: 1, 1: 2, length: 2}, "+")
Array.prototype.join.call("abc", "-")
Array.prototype.indexOf.call("abc", "b")
Array.prototype.forEach.call({length: 1, 0: 5}, function (x) { return x })
Array.prototype.filter.call("hello", function (c) { return c > "h" })
Array.prototype.every.call("aaa", function (c) { return c === "a" })
Array.prototype.reduce.call("abc", function (a, c) { return c + a })
var o = {length: 0}; Array.prototype.push.call(o, "a", "b"); [o.length, o[1]]
var o = {length: 2, 0: 1, 1: 2}; [Array.prototype.pop.call(o), o.length, 1 in o]
var o = {length: 2, 0: 1, 1: 2}; [Array.prototype.shift.call(o), o[0], o.length]
var o = {length: 2, 0: 1, 1: 2}; Array.prototype.reverse.call(o); [o[0], o[1]]
Array.prototype.concat.call(1, 2).length
Array.prototype.slice.call("abc", 1)
Array.prototype.map.call({length: "2", 0: 1, 1: 2}, function (x) { return x })
Array.prototype.forEach.call(null, function () {})
[].concat({length: 1, 0: "a"}).length
[1, 2, 3].concat("abc").length
Array.prototype.concat.length
Array.prototype.push.length
[].push.call([], 1)
Array.prototype.length
var a = [1, 2, 3]; a.length = 0; a.push("x"); a
var a = [1, 2, 3, 4, 5], r = []; while (a.length) r.push(a.pop()); r
[3, 2, 1].sort(function () { return "-1" }).length
[1, 2, 3].sort(function (a, b) { throw new RangeError("x") })
["b", "a", "C"].sort()
[true, false].sort()
[1, 2] + ""
[null] + ""
[[]] + ""
[undefined, null].join()
var a = [1, 2]; a === a.sort()
var a = [1, [2]]; var b = a.slice(); b[1] === a[1]
var o = {}; o[[1, 2]] = 3; Object.keys(o)
Math.max.apply(null, [1, 5, 3])
[].constructor === Array
[] instanceof Object
(function () { arguments[0] = 9; return arguments.length })(1, 2)
(function () { return arguments.callee })()
(function () { var r = []; for (var k in arguments) r.push(k); return r })(1, 2)
