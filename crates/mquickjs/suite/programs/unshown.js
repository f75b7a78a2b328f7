// throws Error that cannot be shown
var e = new Error("x");
Object.defineProperty(e, "message", {get: function () { throw 1; }});
throw e;
