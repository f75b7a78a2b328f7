class A { x = 1; y = this.x + 1 };; new A()
class A { #x = 5; get x() { return this.#x } set x(v) { this.#x = v * 2 } };; const a = new A(); a.x = 4;; [a.x, Object.keys(a), JSON.stringify(a)]
class A { #m() { return 3 } m() { return this.#m() } };; [new A().m(), Object.keys(new A())]
class A { #x = 1; static read(o) { return o.#x } };; A.read({})
class A { static s = 5; static t() { return this.s } static { this.u = 7 } };; [A.s, A.t(), A.u]
class A { m() { return "a" } } class B extends A { m() { return super.m() + "b" } };; new B().m()
class A { constructor(x) { this.x = x } } class B extends A { constructor() { super(3); this.y = 4 } };; const b = new B();; [b.x, b.y, b instanceof A, b instanceof B, b.constructor === B]
class A { constructor(x) { this.x = x } } class B extends A {};; new B(9).x
class A { static s() { return 1 } } class B extends A {};; B.s()
class A { get p() { return 1 } } class B extends A { get p() { return super.p + 1 } };; new B().p
class A { set p(v) { this.q = v } } class B extends A { set p(v) { super.p = v + 1 } };; const b = new B(); b.p = 4;; b.q
class A {};; A()
class A { constructor() { return { z: 1 } } };; new A()
class E2 extends Error { constructor(m) { super(m); this.name = "E2"; this.code = 7 } };; const e = new E2("hi");; [e.message, e.name, e.code, e instanceof E2, e instanceof Error, String(e), typeof e.stack]
class E2 extends TypeError {};; const e = new E2("x");; [e instanceof TypeError, e instanceof Error, e.message, e.name]
class E2 extends Error { constructor(m, o) { super(m, o) } };; new E2("x", { cause: 5 }).cause
class E2 extends Error { get name() { return "Mine" } };; String(new E2("q"))
class E3 extends Error {} class E4 extends E3 { constructor() { super("deep") } };; const e = new E4();; [e.message, e instanceof E3, e instanceof E4]
class L extends Array { last() { return this[this.length - 1] } };; const l = new L(); l.push(1, 2, 3);; [l.last(), l.length, l instanceof L, Array.isArray(l)]
class L extends Array {};; L.from([1, 2]).length
class M extends Map { inc(k) { this.set(k, (this.get(k) || 0) + 1); return this } };; const m = new M([["a", 1]]); m.inc("a").inc("b");; [m.get("a"), m.get("b"), m.size, m instanceof Map]
class S extends Set { constructor() { super([1, 2]) } };; [...new S()]
class P extends Promise {};; P.resolve(4).then(x => x + 1)
class P extends Promise {};; P.resolve(4).then(x => x) instanceof P
class A { ["c" + 1]() { return 1 } static ["d"] = 2 };; [new A().c1(), A.d]
class A { *[Symbol.iterator]() { yield 1; yield 2 } };; [...new A()]
class A { async m() { return await 5 } };; new A().m()
class A { async *g() { yield 1; yield 2 } };; (async () => { const r = []; for await (const x of new A().g()) r.push(x); return r })()
class A { m = () => this.v; v = 6 };; const { m } = new A();; m()
const A = class B { static n = B.name };; A.n
class A { constructor() { this.t = new.target === A } };; new A().t
const o = { __proto__: { m() { return 1 } }, m() { return super.m() + 1 } };; o.m()
class A { static async s() { return 1 } static *g() { yield 2 } };; Promise.all([A.s(), [...A.g()]])
class A { #p = 1; inc() { this.#p++; this.#p += 2; return this.#p } };; new A().inc()
class A { static #c = 0; static next() { return ++A.#c } };; [A.next(), A.next()]
class A { toString() { return "I" } toJSON() { return { j: 1 } } };; [`${new A()}`, JSON.stringify(new A())]
class A { get [Symbol.toStringTag]() { return "Tag" } };; Object.prototype.toString.call(new A())
class A { static [Symbol.hasInstance](x) { return x === 1 } };; [1 instanceof A, 2 instanceof A]
class A extends Object { constructor() { super(); this.k = 1 } };; new A().k
class A extends null {};; typeof A
function F() {} F.prototype.m = function () { return 8 }; class A extends F {};; new A().m()
class A { constructor() { this.b = 1 } } const f = (C) => class extends C { c = 2 };; new (f(A))()
class A {} class B extends A { constructor() { } };; new B()
class A extends 5 {};; 1
class A { a = 1; ["b"] = 2; static c; d };; [new A(), "c" in A, "d" in new A()]
class T { static #count = 0; #id; constructor() { this.#id = ++T.#count } get id() { return this.#id } };; [new T().id, new T().id]
class Stack { #items = []; push(x) { this.#items.push(x); return this } pop() { return this.#items.pop() } get size() { return this.#items.length } };; const s = new Stack().push(1).push(2);; [s.pop(), s.size, JSON.stringify(s)]
class A { m() { return [1, 2].map(x => x + this.k) } k = 10 };; new A().m()
class A { static of(...a) { return new this(...a) } constructor(a, b) { this.s = a + b } };; A.of(1, 2)
class A { m(a = 1, { b = 2, ...c } = {}) { return [a, b, c] } };; [new A().m(), new A().m(5, { b: 6, d: 7 })]
class Animal { speak() { return `${this.name} makes a noise` } constructor(name) { this.name = name } } class Dog extends Animal { speak() { return super.speak() + ", woof" } };; new Dog("Rex").speak()
const e = new Error("a", { cause: new TypeError("b") });; [e.message, e.cause.message, e.cause instanceof TypeError, e instanceof Error, e.constructor === Error, Error.name, Object.keys(e)]
try { try { null.x } catch (c) { throw new RangeError("far", { cause: c }) } } catch (e) { var seen = [e.name, e.cause.name, e.cause === undefined] };; seen
class E2 extends Error { constructor(m, o) { super(m, o); this.name = "E2" } };; const e = new E2("m", { cause: 1 });; [e.cause, e.name, e instanceof E2, e instanceof Error, String(e), "cause" in new E2("x")]
const e = Error("called", { cause: 0 });; [e.cause, e instanceof Error, new TypeError("t").cause, "cause" in new Error("x")]
