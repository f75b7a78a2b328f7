// Tools of the caller by their names: `tools.search(q)` beside `tools->search(q)`, for programs that know functions and no
// arrows. Such a call is under way when it is made, and is awaited.
(function (G, R, door) {
  var previous = G.previous_object, later = G.later;
  // A script has no caller.
  if (!previous) return;
  G.previous_object = function previous_object() {
    var caller = previous(), tools = caller && caller.tools;
    if (tools) tools.methods.forEach(function (name) {
      if (name in tools) return;
      // What is hidden does not travel.
      R.hide(tools, name, function () {
        var list = [tools, name], i;
        for (i = 0; i < arguments.length; i++) list.push(arguments[i]);
        return later.apply(undefined, list);
      });
    });
    return caller;
  };
})
