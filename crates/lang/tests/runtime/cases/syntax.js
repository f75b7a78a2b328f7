const { a, b: { c = 5 } = {}, ...r } = { a: 1, d: 4, e: 5 };; [a, c, r]
const [a, , b = 3, ...c] = [1, 2, undefined, 4, 5];; [a, b, c]
let a = 1, b = 2; [a, b] = [b, a];; [a, b]
const [x] = "😀b";; x
const [] = null;; 1
const {} = null;; 1
const { a } = undefined;; a
const [a] = 5;; a
const f = ({ a, b = a }) => [a, b];; f({ a: 1 })
const f = (a, b = 2, ...c) => [a, b, c];; [f(1), f(1, undefined, 3, 4), f.length]
Math.max(...[1, 2], ...new Set([5]))
[...[1, 2], ..."ab", ...new Map([[1, 2]])]
new Date(...[2020, 1, 1]).toISOString()
({ ...{ a: 1 }, b: 2, ...null, ..."hi" })
({ a: 1, ...{ a: 2 }, get b() { return 3 } })
const o = { get a() { return 1 } };; ({ ...o })
const k = "x", o = { [k + 1]: 1, [`${k}2`]() { return 2 }, k };; [o.x1, o.x2(), o.k]
const o = { a: { b: null } };; [o?.a?.b?.c, o.x?.y.z, o.f?.(), o?.["a"]]
const o = { f() { return this.v }, v: 3 };; [o.f?.(), o?.f()]
null ?? 1
[0 ?? 1, "" || 2, undefined ?? null ?? 3]
let a = null, b = 1, c = 0; a ??= 4; b &&= 5; c ||= 6;; [a, b, c]
2 ** 3 ** 2
let a = 2; a **= 5;; a
`a${1}b${[1, 2]}c${{}}`
const t = (s, ...v) => [s.raw, [...s], v];; t`a${1}\n${2}`
const f = s => s, g = () => f`x`;; [g() === g(), f`x` === f`x`]
String.raw`\n${1}\t`
for (const f of [() => 1]) { };; 1
const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i);; fs.map(f => f())
const fs = []; for (const x of [1, 2]) fs.push(() => x);; fs.map(f => f())
const fs = []; for (let i = 0; i < 4; i++) { if (i === 1) continue; if (i === 3) break; fs.push(() => i) };; fs.map(f => f())
let r = ""; for (const [k, v] of Object.entries({ a: 1, b: 2 })) r += k + v;; r
let r = []; for (const x of new Map([[1, 2]])) r.push(x);; r
let r = []; for (const x of "a😀") r.push(x);; r
let r = []; for (const x of [1, 2, 3].entries()) r.push(x);; r
for (const x of 5) { };; 1
for (const x of {}) { };; 1
let r = 0; for (const x of { [Symbol.iterator]() { let n = 0; return { next: () => ({ done: n > 2, value: n++ }) } } }) r += x;; r
try { throw 1 } catch { };; "ok"
let r; try { throw { code: 5 } } catch ({ code }) { r = code };; r
const f = function () { return arguments.length };; f(...[1, 2])
const o = { m() { return () => this.v }, v: 4 };; o.m()()
(() => { "use strict"; return typeof this })()
0b101 + 0o17 + 1_000
label: { break label };; 1
const { length } = "abc";; length
const { [`a${1}`]: z } = { a1: 8 };; z
function f(a, { b, c } = { b: 1, c: 2 }, [d, e = 5] = [4]) { return [a, b, c, d, e] };; f(0)
var s = Symbol("d"), o = { [s]: 1, a: 2 };; [Object.keys(o), JSON.stringify(o), o[s], s.description]
[Symbol("a") === Symbol("a"), Symbol.for("x") === Symbol.for("x"), Symbol.keyFor(Symbol.for("x"))]
Object.getOwnPropertySymbols({ [Symbol.iterator]: 1, a: 1 }).length
const s = Symbol();; ({ ...{ [s]: 5 } })[s]
new Symbol()
const o = { [Symbol.toPrimitive](h) { return h } };; `${o}` === "string" || true
typeof globalThis
const f = (x) => { switch (true) { case x > 2: return "big"; default: return "small" } };; [f(1), f(3)]
const compose = (...fs) => x => fs.reduceRight((a, f) => f(a), x);; compose(x => x + 1, x => x * 2)(5)
const memo = f => { const c = new Map(); return x => c.has(x) ? c.get(x) : (c.set(x, f(x)), c.get(x)) };; [memo(x => x * 2)(4)]
const curry = f => (...a) => a.length >= f.length ? f(...a) : curry(f.bind(null, ...a));; curry((a, b) => a + b)(1, 2)
const group = (xs, k) => xs.reduce((m, x) => ({ ...m, [x[k]]: [...(m[x[k]] || []), x] }), {});; group([{ t: "a", n: 1 }, { t: "b", n: 2 }, { t: "a", n: 3 }], "t")
