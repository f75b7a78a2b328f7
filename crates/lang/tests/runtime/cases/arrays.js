[[1, 2, 3].at(-1), [1].at(5), [1].at(0.9)]
[[1, NaN].includes(NaN), [1, 2].includes(3), [1, 2].includes(1, 1), [1, 2].includes(2, -1)]
[[1, 5, 9].find(x => x > 3), [1].find(x => x > 3), [1, 5].findIndex(x => x > 3), [1].findIndex(x => x > 3)]
[[1, 5, 9].findLast(x => x < 6), [1, 5, 9].findLastIndex(x => x < 6), [].findLast(x => x)]
[1, [2, [3, [4]]]].flat()
[1, [2, [3, [4]]]].flat(Infinity)
[1, [2, [3]]].flat(0)
[1, 2].flatMap(x => [x, [x * 2]])
[[1, 2, 3].fill(0), [1, 2, 3].fill(9, 1), [1, 2, 3].fill(9, -2, -1), new Array(3).fill("x")]
[[1, 2, 3, 4, 5].copyWithin(0, 3), [1, 2, 3, 4, 5].copyWithin(1, 0, 3), [1, 2, 3].copyWithin(-1)]
[[..."ab"].entries().next(), [...["a", "b"].entries()], [...["a"].keys()], [...["a"].values()]]
[3, 1, 2].toSorted()
const a = [3, 1]; a.toSorted();; a
[3, 1, 2].toSorted((a, b) => b - a)
const a = [1, 2]; const b = a.toReversed();; [a, b]
[[1, 2, 3].toSpliced(1, 1, "a", "b"), [1, 2].with(0, 5), [1, 2].with(-1, 5)]
[1].with(5, 0)
[Array.from("a😀"), Array.from({ length: 2 }), Array.from({ length: 2, 0: "x" }), Array.from([1, 2], x => x * 2), Array.from(new Set([1]))]
[Array.from({ length: 3 }, (_, i) => i), Array.of(7), Array.of(1, 2), Array.from(5)]
Array.from(null)
Array.from([1], 5)
[1].find(5)
[10, 9, 1].sort()
["b", undefined, "a"].sort()
[{ n: 2, k: "a" }, { n: 1, k: "b" }, { n: 2, k: "c" }].sort((a, b) => a.n - b.n).map(x => x.k).join("")
[1234.5, null, "a"].toLocaleString()
[..."abc"].reverse().join("")
[...Array(3).keys()]
[[1, 2], [3]].map(([a, b = 0]) => a + b)
Array.isArray(Array.from(new Map([[1, 2]])))
const a = [1, 2, 3], r = []; for (const x of a) { r.push(x); if (x === 1) a.push(4) };; r
const i = [1][Symbol.iterator]();; [i.next(), i.next(), i[Symbol.iterator]() === i]
Object.keys([1, 2])
let s = ""; for (const k in [7, 8]) s += k;; s
Array.prototype.includes.call("abc", "b")
Array.prototype.find.call({ length: 2, 0: 1, 1: 2 }, x => x > 1)
[1, 2, 3].indexOf(2)
[[3, 2, 1].reduce((a, x) => a + x), [[1], [2]].reduce((a, x) => a.concat(x), [])]
new Uint8Array([1, 2, 3]).map(x => x * 2)
new Uint8Array([1, 2, 300]).filter(x => x > 1)
[new Uint8Array([1, 2, 3]).slice(1), new Uint8Array([1, 2, 3]).slice(-1), new Uint8Array([3, 1, 2]).sort(), new Float64Array([3, -1, NaN, 2]).sort()]
[new Uint8Array([1, 2]).includes(2), new Uint8Array([1, 2]).indexOf(2), new Uint8Array([1, 2]).find(x => x > 1), new Uint8Array([5]).at(-1)]
[...new Uint8Array([1, 2])]
[new Uint8Array([1, 2]).reduce((a, b) => a + b), new Uint8Array([1, 2]).join("-"), new Uint8Array(2).fill(7), new Uint8Array([1, 2]).reverse()]
[Uint8Array.from([1, 2], x => x + 1), Uint8Array.of(1, 2), Uint8Array.from(new Set([4]))]
[new Uint8Array([1, 2]).every(x => x), new Uint8Array([1, 0]).some(x => !x), [...new Uint8Array([1]).entries()]]
let n = 0; new Uint8Array([1, 2]).forEach(x => n += x);; n
[new Int16Array([1, 2]).toReversed(), new Uint8Array([2, 1]).toSorted(), new Uint8Array([1, 2]).with(0, 9)]
const [a, ...b] = new Uint8Array([1, 2, 3]);; [a, b]
[1, 2, 3, 4].findLast((x, i, a) => a.length === 4 && i < 2)
[[], [1]].flat().concat([2], 3)
Array.from(function* () { yield 1; yield 2 }())
Array.from({ length: 2, [Symbol.iterator]: undefined })
