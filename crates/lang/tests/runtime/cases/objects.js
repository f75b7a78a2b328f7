[Object.entries({ a: 1, b: 2 }), Object.values({ a: 1 }), Object.fromEntries([["x", 1], ["y", 2]])]
Object.assign({ a: 1 }, { b: 2 }, null, undefined, { a: 3 }, "hi")
Object.assign(null, {})
[Object.is(NaN, NaN), Object.is(0, -0), Object.is(1, 1)]
[Object.hasOwn({ a: 1 }, "a"), Object.hasOwn({ a: 1 }, "toString"), Object.hasOwn([1], 0)]
"use strict"; const o = Object.freeze({ a: 1 });; [Object.isFrozen(o), o.a, Object.isFrozen({}), Object.isFrozen(5)]
const o = Object.freeze({ a: 1 }); try { (function () { "use strict"; o.a = 2 })() } catch (e) { };; o.a
const o = Object.freeze({ a: { b: 1 } }); o.a.b = 2;; o.a.b
[Object.isSealed(Object.seal({ a: 1 })), Object.isExtensible(Object.preventExtensions({})), Object.isExtensible({}), Object.isExtensible(1)]
Object.isFrozen(Object.freeze([1]))
Object.getOwnPropertyDescriptors({ a: 1, get b() { return 2 } }).a
Object.keys(Object.getOwnPropertyDescriptors({ a: 1, b: 2 }))
[Object.keys("ab"), Object.entries("a"), Object.keys([1]), Object.keys(1)]
Object.keys(null)
[Object.getPrototypeOf(1) === Number.prototype, Object.getPrototypeOf("") === String.prototype, Object.getPrototypeOf([]) === Array.prototype]
Object.fromEntries(5)
JSON.stringify({ a: [1, { b: 2 }], c: undefined, d: () => 1, e: null }, null, 2)
JSON.stringify({ a: 1, b: [1, 2] }, (k, v) => typeof v === "number" ? v + 1 : v)
JSON.stringify({ a: 1, b: 2, c: { a: 3 } }, ["a", "c"])
JSON.stringify({ d: new Date(0), n: { toJSON(k) { return k + "!" } } })
JSON.stringify([NaN, Infinity, undefined, () => 1, "\u2028\"", new Set([1])])
JSON.stringify("a\u{1F600}\n")
JSON.stringify({ [Symbol("x")]: 1, b: Symbol.iterator ? 1 : 0 })
JSON.stringify({ a: 1, b: { c: [] , d: {} } }, null, "--")
JSON.parse('{"a":[1,2,{"b":3}]}', (k, v) => k === "b" ? v * 2 : v)
JSON.parse('{"d":"1970-01-01T00:00:00.000Z"}', (k, v) => k === "d" ? new Date(v) : v)
JSON.parse("{bad")
const o = {}; o.o = o;; JSON.stringify(o)
JSON.parse(JSON.stringify({ a: [1, "b", null, true, { c: 1.5e-7 }] }))
[Reflect.has({ a: 1 }, "a"), Reflect.ownKeys({ a: 1, b: 2 }), Reflect.get({ a: 1 }, "a"), Reflect.set({}, "a", 1)]
class A { constructor(x) { this.x = x } } class B { };; [Reflect.construct(A, [1]).x, Reflect.construct(A, [1], B) instanceof B]
[Reflect.apply(Math.max, null, [1, 2]), Reflect.getPrototypeOf([]) === Array.prototype, Reflect.defineProperty({}, "a", { value: 1 }), Reflect.deleteProperty({ a: 1 }, "a")]
Reflect.get({ get a() { return this.b } }, "a", { b: 5 })
Reflect.ownKeys(5)
[Number.isInteger(5), Number.isInteger(5.5), Number.isInteger("5"), Number.isSafeInteger(2 ** 53), Number.isNaN("x"), Number.isNaN(NaN), Number.isFinite("5")]
[Number.EPSILON > 0, Number.MAX_SAFE_INTEGER, Number.parseFloat("1.5a"), Number.parseInt("12px", 10)]
[Math.trunc(-4.7), Math.sign(-3), Math.cbrt(27), Math.cbrt(-8), Math.hypot(3, 4), Math.hypot(), Math.log2(8), Math.log10(1000), Math.fround(5.5), Math.clz32(1)]
[Math.log1p(0), Math.expm1(0), Math.sinh(0), Math.cosh(0), Math.tanh(0), Math.asinh(0), Math.acosh(1), Math.atanh(0)]
[Math.sinh(1), Math.cosh(1), Math.tanh(1), Math.asinh(1), Math.acosh(2), Math.atanh(0.5), Math.log1p(1e-10), Math.expm1(1e-10)].map(x => x.toPrecision(12))
[Math.hypot(NaN, Infinity), Math.hypot(1e200, 1e200).toPrecision(10), Math.cbrt(2).toPrecision(14), Math.tanh(100), Math.acosh(0.5), Math.atanh(1)]
[(1234567.891).toLocaleString(), (0).toLocaleString(), (-1234.5).toLocaleString(), (1e6).toLocaleString("en-US")]
[(1234.5).toLocaleString("en-US", { style: "currency", currency: "USD" }), (0.256).toLocaleString("en-US", { style: "percent" }), (5).toLocaleString("en-US", { minimumFractionDigits: 2 })]
[Object.prototype.toString.call(null), Object.prototype.toString.call([]), Object.prototype.toString.call(new Map()), Object.prototype.toString.call(function* () { }()), Object.prototype.toString.call(Symbol.iterator ? {} : 0)]
structuredClone({ a: [1, { b: new Date(0) }], m: new Map([[1, new Set([2])]]), r: /x/g, u: undefined })
const o = { a: 1 }; o.self = o; const c = structuredClone(o);; [c.self === c, c !== o, c.a]
structuredClone(() => 1)
structuredClone({ f() { } })
const e = structuredClone(new RangeError("m"));; [e.name, e.message, e instanceof RangeError]
structuredClone(new Uint8Array([1, 2]))
class A { constructor() { this.x = 1 } };; [structuredClone(new A()), structuredClone(new A()) instanceof A]
const a = {}; const c = structuredClone([a, a]);; c[0] === c[1]
[structuredClone(null), structuredClone("x"), structuredClone(1.5), structuredClone(undefined)]
const o = { b: 1, a: 2, 1: 3, 0: 4 };; Object.keys(o).sort().join()
const { a, ...rest } = Object.create({ z: 1 }, { a: { value: 1, enumerable: true }, b: { value: 2, enumerable: true }, c: { value: 3 } });; rest
Object.entries({ x: 1, y: 2 }).map(([k, v]) => `${k}=${v}`).join("&")
