function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
// Of each object first the names that are numbers, in their order.
same(Object.keys({2: 1, b: 1, 1: 1, a: 1}).join(), "1,2,b,a");
var k = [], i, o = Object.create({z: 1, 9: 1, 5: 3, 3: 1}, {q: {enumerable: true}, 8: {enumerable: true}, 7: {enumerable: false}, 6: {enumerable: true}});
for (i in o) k.push(i);
same(k.join(), "6,8,q,3,5,9,z");
same(JSON.stringify({b: 1, a: 2, 1: 3}), '{"1":3,"b":1,"a":2}');
same(JSON.stringify(JSON.parse('{"x":0,"10":1,"9":2}')), '{"9":2,"10":1,"x":0}');
same(Object.getOwnPropertyNames({c: 1, 4: 1, 2: 1}).join(), "2,4,c");
o = {n: 0};
for (i = 0; i < 300; i++) o[i * 7919 % 300] = i;
k = Object.keys(o); same(k.length, 301); same(k[300], "n");
for (i = 0; i < 300; i++) same(k[i], "" + i);
delete o[0]; delete o[150]; k = 0;
for (i in o) { if (i === "1") { delete o[2]; load("collect"); } k++; }
same(k, 298);
