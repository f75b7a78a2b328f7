function same(a, b) { if (a !== b) throw new Error(a + " is not " + b); }
function count() { return arguments.length; }
var many = "1,2,3,4,5,6,7,8,9,0", i, f;
for (i = 0; i < 5; i++) many = many + "," + many;
f = new Function("count", "try { throw 1; } catch (e) { return count(" + many + "); }");
same(f(count), 320);
f = new Function("count", "var n; try { throw 1; } catch (e) { try { null.x; } finally { n = count(" + many + "); } }");
try { f(count); throw 1; } catch (e) { same(e instanceof TypeError, true); }
f = new Function("count", "try { return 1; } finally { return count(" + many + "); }");
same(f(count), 320);
f = new Function("count", "for (var k in {a: 1}) { try { throw k; } catch (e) { return e + count(" + many + "); } }");
same(f(count), "a320");
for (i = 0, many = ""; i < 300; i++) many += "if (a) { b(" + i + "); } else if (b || a) a(); ";
f = new Function("a", "b", many + "return 7;");
same(f(0, 0), 7);
