function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
// A name in catch is of its block: twice in a function, within itself, beside a variable and an argument.
function twice(e) {
  var said = [e], later = [];
  try { throw 1; } catch (e) { said.push(e); later.push(function () { return e; }); e = 10; }
  try { throw 2; } catch (e) {
    try { throw 3; } catch (e) { said.push(e); later.push(function () { return e++; }); }
    said.push(e);
    later.push(function (f) { return function () { return [e, f]; }; });
  }
  said.push(e);
  load("collect");
  return [said.join(), later[0](), later[1](), later[1](), later[2](7)().join()].join(";");
}
same(twice(0), "0,1,3,2,0;10;3;4;2,7");
// A variable of the same name belongs to the function; what is assigned with it does not.
function hoisted() { try { throw 1; } catch (e) { var e = 2, f = e; for (var e in {a: 1}) ; f += e; } return [e, f].join(); }
same(hoisted(), ",2a");
function around() { var e = 5; try { throw 1; } catch (e) { e = 2; delete load.x; } finally { e++; } return e; }
same(around(), 6);
var e = "of all";
try { throw 1; } catch (e) { var inner = function () { return e; }, deep = function () { return function () { return e; }; }; }
same(inner() + deep()(), 2); same(e, "of all");
try { throw 1; } catch (e) { (function () { var e = 4; try { throw 5; } catch (x) { same(e + x, 9); } })(); same(e, 1); }
try { null.x; } catch (error) { try { throw error; } catch (e) { same(e, error); } }
same(typeof error, "undefined");
// Getters, declarations and what stands in the head of a loop.
try { throw 8; } catch (x) { var o = {get x() { return x; }, f: function x() { return typeof x; }}; for (x in {k: 1}) ; }
same(o.x, "k"); same(o.f(), "function"); same(typeof x, "undefined");
function finish() { for (var i = 0; i < 3; i++) { try { throw i; } catch (e) { if (e === 1) continue; if (e === 2) return e; } finally { load("collect"); } } }
same(finish(), 2);
// Functions inside functions inside many blocks, as the names of all of them come and go.
function many() {
  var list = [], i, text = "var list = [];";
  for (i = 0; i < 60; i++) text += "try { throw " + i + " } catch (e) { list.push(function () { try { throw e } catch (f) { return function () { return [e, f] } } }) }";
  list = new Function(text + "return list")();
  for (i = 0; i < 60; i++) same(list[i]()().join(), i + "," + i);
}
many();
