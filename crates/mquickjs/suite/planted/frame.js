function f() { var a = /a(b)/, c = /c/g; return a.test("ab") && c.test("c"); } if (!f()) throw new Error("lost");
