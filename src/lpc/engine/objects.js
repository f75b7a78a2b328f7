// The worker's half of objects that travel. In a vault an object is its reference, plain data that may be
// kept, copied and sent on: {"$hauki": "object", "ref": a word, "vault": ..., "methods": [...]}. The word
// is the gate's and cannot be guessed, so who only knows what a reference looks like holds nothing.
(function (door) {
  var Err = Error, keys = Object.keys, parse = JSON.parse;

  function held(value) {
    return typeof value === "object" && value !== null && value.$hauki === "object" && typeof value.ref === "string";
  }

  // Goes out through the gate. What failed there is thrown as an Error with the gate's account of it.
  function ask() {
    var about, error;
    try { return parse(door.apply(undefined, arguments)); } catch (refused) {
      about = door("failure");
      if (about === undefined) throw refused;
      about = parse(about);
      error = new Err(about.message);
      error.name = "HaukiError";
      delete about.message;
      keys(about).forEach(function (name) { error[name] = about[name]; });
      throw error;
    }
  }

  return {
    held: held,
    clone: function (list) { return ask("ask", "", "clone_object", list); },
    call: function (object, method, list) {
      return ask("ask", object.ref, method, list);
    },
    destruct: function (object, grace_ms) {
      return ask("ask", object.ref, "hauki.destruct", { grace_ms: grace_ms || 0 }).receipt;
    }
  };
})
