// Runs before the worker's source. `load` is the engine's one door to Rust: it is captured here and
// deleted, so a worker reaches it only through what this file defines. Everything that the dispatcher
// uses is captured too, so that a worker which overwrites a built-in breaks only itself.
//
// The value of the script is a function that is given the global object, the door, what shared.js
// objects.js and integrity.js give, and the parts of the run-time if the source is compiled; its value is the dispatcher, which Rust calls as (verb, name, arguments). Rust
// writes the JSON of what that returns.
(function (G, door, shared, objects, integrity, runtime) {
  var keys = Object.keys, Err = Error, parse = JSON.parse, isArray = Array.isArray;
  var O = Object, tools = {
    getOwnPropertyNames: O.getOwnPropertyNames,
    getOwnPropertyDescriptor: O.getOwnPropertyDescriptor,
    defineProperty: O.defineProperty,
    getPrototypeOf: O.getPrototypeOf,
    setPrototypeOf: O.setPrototypeOf
  };
  // Made when the first turn comes that needs it.
  var names;
  var self = { vault: door("vault") };
  var R = runtime && {};
  objects = objects(G, door, shared.laters, R);

  function line() {
    var list = ["log"], i;
    for (i = 0; i < arguments.length; i++) list.push(objects.shown(arguments[i]));
    door.apply(undefined, list);
  }

  // A worker may travel, and what it wants to do later with it; so that must have a name.
  function named(what) {
    var names, i;
    if (typeof what === "function") {
      names = keys(G);
      for (i = 0; i < names.length; i++) if (G[names[i]] === what) return names[i];
    } else if (typeof what === "string" && typeof G[what] === "function") {
      return what;
    }
    throw new TypeError("call_out: not a function of the top level, nor the name of one");
  }

  G.print = line;
  G.write = line;
  G.console.log = G.console.info = G.console.debug = G.console.warn = G.console.error = line;
  G.this_object = function this_object() { return self; };
  G.previous_object = function previous_object() {
    var caller = door("caller");
    return caller === undefined ? null : parse(caller);
  };
  G.objectp = function objectp(value) { return value === self || objects.held(value); };
  G.emit = function emit(event, data) { door("event", event, data); };
  G.destruct = function destruct(object, grace_ms) {
    if (objects.held(object)) return objects.call(object, "hauki.destruct", { grace_ms: grace_ms || 0 }).receipt;
    if (object !== self) throw new TypeError("destruct: not an object that this worker holds");
    door("destruct");
  };
  G.clone_object = function clone_object(source) {
    var list = [], i;
    for (i = 0; i < arguments.length; i++) list.push(arguments[i]);
    return objects.call(objects.node, "clone_object", list);
  };
  G.call_other = function call_other(object, method) {
    var rest = [], i;
    for (i = 2; i < arguments.length; i++) rest.push(arguments[i]);
    if (objects.held(object)) return objects.call(object, method, rest);
    if (object !== self) throw new TypeError("call_other: not an object that this worker holds");
    if (typeof G[method] !== "function") throw new TypeError("call_other: no method " + method);
    return G[method].apply(self, rest);
  };
  G.call_out = function call_out(what, delay) {
    var rest = [], i;
    for (i = 2; i < arguments.length; i++) rest.push(arguments[i]);
    return +door("call_out", named(what), delay, rest);
  };
  G.remove_call_out = function remove_call_out(what) {
    return +door("remove_call_out", typeof what === "number" ? what : named(what));
  };
  // From now on whoever may do everything here may also evaluate here.
  G.enable_evaluate = function enable_evaluate() { door("enable_evaluate"); };
  shared.efuns(G, door);
  if (R) {
    R.line = function (level, text) { door("log", text); };
    R.shown = objects.shown;
    R.settled = function (value) { return value; };
    R.fresh = R.left = function () {};
    // Installs the parts of the run-time with these numbers, once each. They come before the worker's names.
    R.install = function (numbers) {
      numbers.split(",").forEach(function (index) {
        var part = runtime[+index];
        runtime[+index] = undefined;
        if (part) part(G, R, door);
      });
      given = keys(G);
    };
  }

  // The worker's names come after these, unless it deleted one of them.
  var given = keys(G);

  function added() {
    var names = keys(G), last = given.length - 1;
    if (names[last] === given[last]) return names.slice(last + 1);
    return names.filter(function (name) { return given.indexOf(name) < 0; });
  }

  // Errors carry their stack; anything else that is thrown is described while it can be.
  function run(method, list) {
    var value;
    try {
      value = method.apply(self, list);
      return R ? R.settled(value) : value;
    } catch (thrown) {
      if (R) R.left();
      if (thrown instanceof Err) throw thrown;
      door("thrown", thrown);
      throw new Err("not an Error");
    }
  }

  // The turn that is evaluated: whether it is a program with arguments, and what was called main before it.
  var program = false, main;

  // The value of a turn; a function is none that can be told.
  function turned(value) {
    if (program && typeof G.main === "function" && G.main !== main) value = G.main.apply(undefined, G.args);
    if (R) value = R.settled(value);
    return typeof value === "function" ? undefined : value;
  }

  function lost() {
    try { door("again"); } catch (thrown) {
      if (R) R.left();
      if (!(thrown instanceof Err)) door("thrown", thrown);
    }
  }

  return function dispatch(verb, name, list) {
    var method;
    if (verb === "turned") return turned(list);
    if (verb === "lost") return lost();
    if (verb === "watch") {
      names = names || integrity(G, tools);
      return names.begin(R && R.classes || []);
    }
    if (verb === "restore") return names.end();
    objects.fresh();
    if (R) R.fresh();
    if (verb === "call") {
      if (list === undefined) list = [];
      else if (!isArray(list)) list = [list];
      return run(G[name], list);
    }
    if (R && verb === "install") return R.install(name);
    if (verb === "turn") {
      program = list !== undefined;
      main = G.main;
      if (program) G.args = list;
      if (name && R && R.narrow) R.narrow();
      return undefined;
    }
    if (verb === "methods") {
      if (R) R.settled();
      return added().filter(function (key) { return typeof G[key] === "function"; });
    }
    // create, dest and what was called out, where the worker has them.
    method = R && name === "$$timer" ? R.fire : R && name === "$$parked" ? R.unpark : G[name];
    if (typeof method === "function") run(method, list || []);
    return undefined;
  };
})
