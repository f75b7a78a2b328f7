// Dates, typed arrays, and what else the engine brings or lacks.
typeof Date.now()
typeof Date
new Date(0).getTime()
new Date(2015, 0, 1).getFullYear()
new Date(0).toISOString()
Date.parse("1970-01-01T00:00:00Z")
Date.UTC(1970, 0, 1)
typeof Date()
JSON.stringify({d: new Date(0)})
new Uint8Array([1, 2, 300])[2]
new Uint8ClampedArray([300, -5, 1.5])[0]
new Int8Array([200])[0]
new Uint8Array(3).length
new Uint8Array([1, 2, 3]).join("-")
String(new Uint8Array([1, 2]))
new Uint8Array([1, 2, 3, 4]).subarray(1, 3).length
new Uint8Array([1, 2, 3, 4]).subarray(-3)[0]
new Uint8Array([1, 2, 3, 4]).subarray(1, -1).length
new Uint8Array([1, 2, 3, 4]).subarray(4).length
new Uint8Array([1, 2, 3, 4]).subarray(3, 1).length
new Uint8Array([1, 2, 3, 4]).subarray(0, 99).length
new Uint8Array([1, 2, 3, 4]).subarray(1).subarray(1)[0]
new Uint8Array([1, 2, 3, 4]).subarray().length
new Uint16Array([1, 2, 3]).subarray(1).byteOffset
var a = new Uint8Array(4); a.set([1, 2], 1); a.join()
var a = new Uint8Array(4); a.set(new Uint8Array([7, 8])); a.join()
var a = new Uint8Array([1, 2, 3, 4]); a.set(a.subarray(0, 3), 1); a.join()
var a = new Uint8Array(2); a.set([1, 2, 3])
var a = new Uint8Array(2); a.set([1], 2)
var a = new Uint8Array(2); a.set([1], -1)
var a = new Uint8Array(2); a.set({length: 2, 0: 5, 1: 6}); a.join()
var a = new Float64Array(2); a.set(["1.5", 2]); a.join()
var a = new Float32Array(1); a[0] = 1.1; a[0] === Math.fround(1.1)
var a = new Uint8Array(2); a[5] = 1; a[5]
var a = new Uint8Array(2); a[0] = "7"; a[0]
new Uint8Array(new ArrayBuffer(8), 2, 3).length
new Uint32Array(new ArrayBuffer(8), 4).length
new ArrayBuffer(8).byteLength
new Uint16Array(new ArrayBuffer(3))
new Uint16Array(new ArrayBuffer(4), 1)
new Uint8Array(-1)
var b = new ArrayBuffer(4); new Uint32Array(b)[0] = 258; new Uint8Array(b).join()
Uint8Array.BYTES_PER_ELEMENT
new Uint8Array(2).BYTES_PER_ELEMENT
Object.prototype.toString.call(new Uint8Array(1))
new Uint8Array([1, 2]) instanceof Uint8Array
var k = []; for (var i in new Uint8Array(2)) k.push(i); k
Object.keys(new Uint8Array(2))
JSON.stringify(new Uint8Array([1, 2]))
Array.prototype.slice.call(new Uint8Array([1, 2, 3]), 1)
Array.prototype.map.call(new Uint8Array([1, 2]), function (x) { return x * 2 })
typeof globalThis
typeof console.log
typeof NaN + typeof Infinity
isNaN("a") && !isNaN("5")
isFinite(Infinity)
"abc".codePointAt(1)
String.fromCodePoint(128512) === "😀"
"a-a".replaceAll("a", "b")
" x ".trimStart() + "|" + " x ".trimEnd()
2 ** 10
2 ** -1
Math.sign(-3) + Math.trunc(4.7)
Math.log2(8) + Math.log10(1000)
Math.imul(0xffffffff, 5)
Math.clz32(1)
var s = 0; for (var x of [1, 2, 3]) s += x; s
Number.MAX_SAFE_INTEGER
Number.EPSILON > 0
Object.setPrototypeOf({}, {a: 1}).a
/a/y.sticky
/a.b/s.test("a\nb")
/\u{1f600}/u.test("😀")
/^.$/u.test("😀")
/a/g.flags
[Math.tan(1), Math.tan(0.5), Math.tan(-2), Math.tan(0), 1 / Math.tan(-0), Math.tan(Infinity), Math.exp(1) === Math.E]
[new Int8Array(1), new Float64Array(1), new ArrayBuffer(1), new Uint8ClampedArray(1)].map(function (x) { return Object.prototype.toString.call(x) })
