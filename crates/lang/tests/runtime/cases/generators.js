function* g() { yield 1; yield 2; return 3 };; [...g()]
function* g() { const x = yield 1; yield x * 2 };; const i = g(); i.next();; i.next(5)
function* g() { yield 1; return 2 };; const i = g();; [i.next(), i.next(), i.next()]
function* g() { try { yield 1 } finally { yield 2 } };; const i = g(); i.next();; [i.return(9), i.next(), i.next()]
function* g() { try { yield 1 } catch (e) { yield e + 1 } };; const i = g(); i.next();; [i.throw(4), i.next()]
function* g() { yield 1 };; const i = g();; i.throw(new RangeError("x"))
function* g() { yield 1 };; const i = g(); i.next();; i.throw(new RangeError("x"))
function* g() { yield 1; yield 2 };; const i = g();; [i.return(5), i.next()]
function* a() { yield 1; return "r" } function* b() { const x = yield* a(); yield x };; [...b()]
function* b() { yield* [1, 2]; yield* "ab"; yield* new Set([3]) };; [...b()]
function* fib() { let [a, b] = [0, 1]; while (true) { yield a; [a, b] = [b, a + b] } };; const r = []; for (const x of fib()) { if (x > 50) break; r.push(x) };; r
function* g() { for (let i = 0; i < 3; i++) { if (i === 1) continue; yield i } };; [...g()]
function* g() { outer: for (const a of [1, 2]) for (const b of [1, 2]) { if (b === 2) continue outer; yield [a, b] } };; [...g()]
function* g() { try { return yield 1 } finally { yield 2 } };; const i = g();; [i.next(), i.next(7), i.next()]
function* g() { try { throw 1 } catch (e) { yield e } finally { yield 3 } };; [...g()]
function* g() { try { try { yield 1 } finally { yield 2 } } finally { yield 3 } };; const i = g(); i.next();; [i.return(0), i.next(), i.next()]
function* g() { try { yield 1 } finally { return 8 } };; const i = g(); i.next();; [i.throw(1), i.next()]
function* g() { try { yield 1 } finally { throw new TypeError("f") } };; const i = g(); i.next();; i.return(1)
function* g() { switch (yield) { case 1: yield "one"; break; default: yield "other" } };; const i = g(); i.next();; [i.next(1), i.next()]
function* g() { i.next() };; var i = g();; i.next()
const it = { from: 1, to: 3, *[Symbol.iterator]() { for (let v = this.from; v <= this.to; v++) yield v } };; [...it]
function* inner() { try { yield 1 } catch (e) { yield "c" + e } finally { yield "f" } } function* outer() { yield* inner() };; const i = outer(); i.next();; [i.throw(2), i.next(), i.next()]
function* inner() { try { yield 1; yield 2 } finally { log.push("closed") } } function* outer() { yield* inner() };; var log = []; const i = outer(); i.next(); i.return(4);; log
function* g() { const r = yield* { [Symbol.iterator]() { return { next() { return { done: true, value: 4 } } } } }; return r };; g().next()
function* g() { yield this.v };; g.call({ v: 3 }).next().value
function* g() { yield arguments.length };; g(1, 2, 3).next().value
function* g(a, b = a + 1, ...c) { yield a; yield b; yield c };; [...g(1, undefined, 5)]
function* take(n, it) { let i = 0; for (const x of it) { if (i++ >= n) return; yield x } } function* nat() { let n = 0; while (1) yield n++ };; [...take(3, nat())]
const g = (function* () { yield 1 })();; [g[Symbol.iterator]() === g, typeof g.next, Object.prototype.toString.call(g)]
function* g() { let i = 0; do { yield i } while (++i < 3) };; Array.from(g(), x => x * 2)
function* g() { yield 1; yield 2; yield 3 };; const [a, ...b] = g();; [a, b]
function* g() { yield* undefined };; [...g()]
function* g() { const x = { a: yield 1, b: yield 2 }; return x };; const i = g(); i.next(); i.next("p");; i.next("q")
function* g() { return [yield 1, yield 2].join() };; const i = g(); i.next(); i.next("p");; i.next("q")
function* g() { yield 1 };; const i = g(); i.next(); i.next();; i.throw(new RangeError("late"))
function* g() { for (const k in { a: 1, b: 2 }) yield k };; [...g()]
function* g() { let x; try { x = yield 1 } catch { x = "caught" } return x };; const i = g(); i.next();; i.throw(0)
function* g() { label: { yield 1; break label } yield 2 };; [...g()]
function* walk(t) { if (t) { yield* walk(t.l); yield t.v; yield* walk(t.r) } };; [...walk({ v: 2, l: { v: 1 }, r: { v: 3 } })]
function* g() { yield 1 && (yield 2) || (yield 3) };; [...g()]
