new Map([[1, "a"], ["1", "b"], [NaN, "c"], [null, "d"], [undefined, "e"], [true, "f"]])
const m = new Map([[NaN, 1]]);; [m.get(NaN), m.has(NaN), m.get("NaN")]
const m = new Map([[0, "z"]]);; [m.get(-0), [...m.keys()][0]]
const m = new Map([[-0, 1]]);; Object.is([...m.keys()][0], 0)
const k = {}, m = new Map([[k, 1]]);; [m.get(k), m.get({}), Object.keys(k), JSON.stringify(k)]
const m = new Map(); m.set("a", 1).set("b", 2); m.delete("a"); m.set("a", 3);; [...m]
const m = new Map([["a", 1]]);; [m.delete("a"), m.delete("a"), m.size]
const m = new Map([[1, 2], [3, 4]]); m.clear();; [m.size, [...m]]
const m = new Map([[1, 1], [2, 2], [3, 3]]), r = []; for (const [k] of m) { r.push(k); if (k === 1) { m.delete(2); m.set(4, 4) } };; r
const m = new Map(), r = []; for (let i = 0; i < 100; i++) m.set(i, i); for (const [k] of m) { r.push(k); for (let i = k + 1; i < k + 30; i++) m.delete(i) };; r
const m = new Map(), r = []; for (let i = 0; i < 200; i++) m.set(i, i); for (const [k] of m) { r.push(k); if (k === 5) { for (let i = 0; i < 190; i++) m.delete(i); m.set("x", 1) } };; r
const m = new Map([[1, 1]]), r = []; for (const [k] of m) { r.push(k); if (k < 4) { m.delete(k); m.set(k + 1, 1) } };; r
const m = new Map([[1, 1]]), r = []; for (const [k] of m) { r.push(k); if (r.length < 3) { m.clear(); m.set(k + 1, 1) } };; r
const m = new Map([["a", 1], ["b", 2]]);; [[...m.keys()], [...m.values()], [...m.entries()]]
let r = ""; new Map([["a", 1]]).forEach((v, k, m) => r += k + v + m.size);; r
const m = new Map([[1, 2]]), n = new Map(m); n.set(1, 3);; m.get(1)
Map()
new Map(5)
new Map([1])
new Map([[1, 2]]).size
new Map([[function () {}, 1], [[], 2]]).size
Object.prototype.toString.call(new Map())
[JSON.stringify(new Map([[1, 2]])), Object.keys(new Map([[1, 2]]))]
Map.prototype.get.call({}, 1)
const m = new Map([[1.5, "a"], ["1.5", "b"], [1e21, "c"], [Infinity, "d"], [-1, "e"]]);; [m.get(1.5), m.get("1.5"), m.get(1e21), m.get(Infinity), m.get(-1), m.size]
const m = new Map([["__proto__", 1], ["constructor", 2], ["hasOwnProperty", 3], ["", 4]]);; [m.get("__proto__"), m.get("constructor"), m.get("hasOwnProperty"), m.get("toString"), m.get("")]
const i = new Map([[1, 2]]).entries();; [i.next(), i.next(), i.next()]
[...new Map([["b", 1], ["a", 2]])].sort(([a], [b]) => a < b ? -1 : 1)
Object.fromEntries(new Map([["a", 1]]))
new Map(Object.entries({ a: 1, b: 2 }))
new Set([1, 1, "1", NaN, NaN, 0, -0])
const s = new Set([1]); s.add(2).add(1);; [...s]
const s = new Set([1, 2]);; [s.has(1), s.has(3), s.delete(1), s.size]
const a = new Set([1, 2, 3]), b = new Set([2, 3, 4]);; [[...a].filter(x => b.has(x)), [...new Set([...a, ...b])]]
const s = new Set([1]), r = []; for (const x of s) { r.push(x); if (x < 5) s.add(x + 1) };; r
const s = new Set([[1], [1]]);; s.size
[...new Set("hello")].join("")
[...new Set([3, 1]).entries()]
[[...new Set([1]).keys()], Set.prototype.keys === Set.prototype.values, Set.prototype[Symbol.iterator] === Set.prototype.values]
new Set([1, 2, 3]).forEach.length
Set()
const o = {}, f = () => {}, a = [];; [new Set([o, o, f, f, a, a]).size, new Set([Math.max, Math.max, Math.min]).size]
const w = new WeakMap(), k = {}; w.set(k, 1);; [w.get(k), w.has(k), w.has({}), w.delete(k), w.get(k), Object.keys(k)]
new WeakMap().set(1, 2)
const k = {}, a = new WeakMap([[k, 1]]), b = new WeakMap([[k, 2]]);; [a.get(k), b.get(k), JSON.stringify(k)]
const w = new WeakSet(), k = []; w.add(k);; [w.has(k), w.has([]), w.delete(k), w.has(k)]
new WeakSet([1])
class P { static #d = new WeakMap(); constructor(v) { P.#d.set(this, v) } get v() { return P.#d.get(this) } };; [new P(4).v, JSON.stringify(new P(1))]
const lru = new Map(), get = k => { const v = lru.get(k); lru.delete(k); lru.set(k, v); return v }; lru.set("a", 1).set("b", 2); get("a");; lru.keys().next().value
const m = new Map(); for (let i = 0; i < 1000; i++) m.set("k" + i % 7, (m.get("k" + i % 7) || 0) + 1);; m
const m = new Map(), k = []; for (let i = 0; i < 300; i++) { k.push({ i }); m.set(k[i], i) };; [m.size, m.get(k[299]), m.get(k[0])]
const m = new Map([["x", new Map([["y", 1]])]]);; m.get("x").get("y")
[typeof Map.prototype.entries, Map.name, Map.length, new Map().constructor === Map]
