console.log("a", 1, true, null, undefined);; 1
console.log({ a: 1, b: "x", c: [1, 2], d: { e: { f: { g: 1 } } } });; 1
console.log([1, "a", null, undefined, [], {}]);; 1
console.log("%s is %d and %i %f %j %o %%", "x", 5, 5.7, 1.5, { a: 1 });; 1
console.log("%c styled", "color: red", "rest");; 1
console.log(new Map([["a", 1]]), new Set([1, "b"]));; 1
console.log(() => 1, function f() { }, class A { });; 1
console.log(new Date(0), /x/g, Symbol("q"));; 1
console.log(-0, 1.5, NaN, "");; 1
class P { constructor() { this.x = 1 } } console.log(new P(), new (class { })());; 1
const o = { a: 1 }; o.o = o; console.log(typeof o);; 1
console.group("G"); console.log("in"); console.group(); console.log("deep\ntwo"); console.groupEnd(); console.groupEnd(); console.log("out");; 1
console.count(); console.count("x"); console.count(); console.countReset(); console.count();; 1
console.assert(1 === 1, "no"); console.log("x");; 1
console.table([{ a: 1, b: "x" }, { a: 2, c: true }]);; 1
console.table([[1, 2], [3, 4]]);; 1
console.table(["a", "b"]);; 1
console.table([{ a: 1, b: 2 }], ["b"]);; 1
console.table(5);; 1
console.log({ "a-b": 1, get g() { return 1 }, set s(v) { }, f() { }, h: "it's" });; 1
console.log(Promise.resolve(4), Promise.reject(1).catch(() => { }) instanceof Promise);; 1
console.log([undefined, , 3].length, Object.create(null), [[[[1]]]]);; 1
console.log(new Uint8Array([1, 2]), "a".repeat(3));; 1
console.info("i"); console.debug("d");; 1
console.log("a\nb", ["a\nb"]);; 1
console.dir({ a: 1 });; 1
console.log(Array.from({ length: 3 }, (_, i) => ({ id: i })));; 1
console.log("%s", { a: 1 }, "%s"); console.log("100%", 5);; 1
