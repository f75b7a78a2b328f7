// Runs before a script of the caller's side. Objects are held by the host under their vault's id; here
// each is one object of JavaScript, so that two ways to the same vault give the same object. Data that
// a worker sends can look like an object, but is none: what counts is identity, not looks.
//
// The value is a function as in the worker's prelude; its dispatcher is called with the verbs of
// lang::engine::Script and those of `hauki proxy repl`.
(function (G, door, shared, runtime) {
  var keys = Object.keys, Err = Error, Str = String, isArray = Array.isArray;
  var stringify = JSON.stringify, Typed = Object.getPrototypeOf(Uint8Array);
  var objects = {}, raised = [], MARK = '"vault":"vlt_';

  function Ghost(about) {
    this.vault = about.vault;
    this.worker = about.worker;
    this.node = about.node;
  }

  Ghost.prototype.toString = function toString() { return "<" + this.vault + " on " + this.node + ">"; };

  function is_ghost(value) { return value instanceof Ghost && objects[value.vault] === value; }

  function ghost(about) {
    if (!(objects[about.vault] instanceof Ghost)) objects[about.vault] = new Ghost(about);
    return objects[about.vault];
  }

  function need(value, who) {
    if (is_ghost(value)) return value.vault;
    throw new TypeError(who + ": " + show(value, 1) + " is not an object that this script holds");
  }

  // Goes through the door, for a value. What fails behind it is thrown as an Error with the host's account
  // of it; the engine's stacks are short, so the Error is made where there are few functions around it.
  function ask() {
    var about;
    try { return door.apply(undefined, arguments); } catch (refused) {
      about = account(refused);
      throw told(new Err(about.message), about);
    }
  }

  // The host's account of what was refused; the engine's own errors go on. A script that is to end runs into
  // the loop, where the engine ends it without asking the script.
  function account(refused) {
    var about = door("failure");
    if (about === null) for (;;) {}
    if (about === undefined) throw refused;
    return about;
  }

  function told(error, about) {
    error.name = "HaukiError";
    raised.push({ error: error, number: about.number });
    delete about.number;
    delete about.message;
    keys(about).forEach(function (name) { error[name] = about[name]; });
    if (raised.length > 16) raised.shift();
    return error;
  }

  // A copy of plain data; what `by` knows something better for is replaced by it.
  function replaced(value, by) {
    var copy, names, i;
    if (typeof value !== "object" || value === null || value instanceof Typed) return value;
    copy = by(value);
    if (copy !== undefined) return copy;
    if (isArray(value)) return value.map(function (member) { return replaced(member, by); });
    copy = {};
    names = keys(value);
    for (i = 0; i < names.length; i++) copy[names[i]] = replaced(value[names[i]], by);
    return copy;
  }

  // The host takes lists as they are, which is fast, and refuses one in which it sees what may be an object,
  // with `undefined`. It takes this one, in which an object is its ticket.
  function packed(list) {
    return replaced(list, function (value) {
      if (is_ghost(value)) return ask("ticket", value.vault);
    });
  }

  // A worker's word for itself is the object that was called, and a ticket is the object that it opens.
  // Nothing else in a result becomes an object: a worker cannot speak for a vault that it only knows of.
  function revived(value, callee) {
    var names, i;
    if (typeof value !== "object" || value === null) return value;
    names = keys(value);
    if (names.length === 1 && value.vault === callee.vault) return callee;
    if (value.kind === "ticket" && typeof value.auth === "object") {
      try { return ghost(ask("adopt", value)); } catch (no_ticket) { return value; }
    }
    for (i = 0; i < names.length; i++) value[names[i]] = revived(value[names[i]], callee);
    return value;
  }

  // A result. The host keeps it back, with `undefined`, where it sees what may be an object in it.
  function result(value, callee) {
    return value === undefined ? revived(ask("kept"), callee) : value;
  }

  // What workers may call, by vault and name, and how much of it there is.
  var offered = {}, open = 0, last = 0;

  // The functions of what can be offered: of a function, or of an object that has nothing else.
  function offerable(value) {
    var names;
    if (typeof value === "function") return { call: value };
    if (typeof value !== "object" || value === null || isArray(value) || value instanceof Typed) return undefined;
    names = keys(value);
    return names.length && names.every(function (name) { return typeof value[name] === "function"; }) ? value : undefined;
  }

  // The value stands for it in arguments.
  function offer(vault, name, object) {
    var about = ask("offer", vault, name, keys(object)), key = vault + " " + name;
    if (!offered[key]) open++;
    offered[key] = object;
    return about;
  }

  // What a call lent is its own until it has ended.
  function taken_back(later) {
    (later.lent || []).splice(0).forEach(function (name) {
      delete offered[later.object.vault + " " + name];
      open--;
      ask("withdraw", later.object.vault, name);
    });
  }

  function lent(later, list) {
    return list.map(function (value) {
      var object = offerable(value), name = "f" + ++last, about;
      if (!object) return value;
      about = offer(later.object.vault, name, object);
      later.lent = (later.lent || []).concat(name);
      return about;
    });
  }

  // A worker waits for what one of these functions says.
  function serve(asked) {
    var object = offered[asked.vault + " " + asked.object], value;
    try {
      if (!object) throw new Err(asked.object + " is offered no more");
      value = object[asked.method].apply(object, revived(asked.params, objects[asked.vault]));
      if (R) value = R.settled(value);
      // As with a call's arguments.
      if (ask("said", asked.number, value, "") === undefined) ask("said", asked.number, packed(value), "packed");
    } catch (error) {
      ask("threw", asked.number, error instanceof Err ? error.message : line(error));
    }
  }

  // What a call gave. Until it has, the worker calls what it was lent.
  function awaited(number) {
    var value, asked;
    for (;;) {
      value = ask("wait", number);
      if (value !== undefined || !open) return value;
      asked = ask("callback");
      if (asked === undefined) return value;
      serve(asked);
    }
  }

  var Later = shared.laters(G, function begin(later, list) {
    var vault = need(later.object, "later"), method = later.method;
    try {
      if (list.some(offerable)) list = lent(later, list);
      later.number = ask("later", vault, method, list, "") || ask("later", vault, method, packed(list), "packed");
    } catch (refused) {
      taken_back(later);
      throw refused;
    }
  }, function get(later) {
    try { return result(awaited(later.number), later.object); } finally { taken_back(later); }
  });
  var later = G.later;

  G.clone_object = function clone_object(source) {
    var list = arguments.slice(1);
    var made = ask("clone", source, list, "") || ask("clone", source, packed(list), "packed");
    return isArray(made) ? made.map(ghost) : ghost(made);
  };
  G.find_object = function find_object(what) {
    return is_ghost(what) ? what : ghost(ask("find", what));
  };
  G.call_other = function call_other(object, method) {
    // What is_ghost(), need(), ask() and result() do, whose calls would take longer than the rest of this.
    var vault = object instanceof Ghost && objects[object.vault] === object ? object.vault : need(object, "call_other");
    var list = arguments.slice(2), value, about;
    // What JSON leaves out of a compiled source's list is not refused.
    if (open || R && list.some(offerable)) return later.apply(undefined, [object, method].concat(list)).wait();
    try { value = door("call", vault, method, list, ""); } catch (refused) {
      if (list.some(offerable)) return later.apply(undefined, [object, method].concat(list)).wait();
      about = account(refused);
      throw told(new Err(about.message), about);
    }
    if (value !== undefined) return value;
    value = result(value, object);
    return value === undefined ? result(ask("call", vault, method, packed(list), "packed"), object) : value;
  };
  G.offer = function (object, tools) {
    var functions = offerable(tools);
    if (!functions) throw new TypeError("offer: neither a function nor an object of functions");
    offer(need(object, "offer"), "tools", functions);
  };
  G.objectp = is_ghost;
  G.methods = function methods(object) { return ask("methods", need(object, "methods")); };
  G.events = function events(of) {
    var one = of instanceof Later;
    return ask("events", need(one ? of.object : of, "events"), one ? of.number : "");
  };
  G.destruct = function destruct(object, grace) {
    return ask("destruct", need(object, "destruct"), grace === undefined ? "" : grace);
  };
  G.print = G.write = G.console.log = G.console.info = G.console.debug = function print() {
    ask("print", arguments.map(line).join(" "));
  };
  G.console.warn = G.console.error = function warn() {
    ask("warn", arguments.map(line).join(" "));
  };
  G.read_file = function read_file(path) { return ask("read_file", path); };
  G.write_file = function write_file(path, text) { ask("write_file", path, text); };
  G.sleep = function sleep(ms) { ask("sleep", ms); };
  G.exit = function exit(code) { ask("exit", code === undefined ? 0 : code); };
  G.args = door("args");
  shared.efuns(G, door);
  var R = runtime && {};
  if (R) {
    R.line = function (level, text) { ask(level === "warn" || level === "error" ? "warn" : "print", text); };
    R.shown = function (value) { return value instanceof Ghost || value instanceof Later ? Str(value) : undefined; };
    R.Later = Later;
    R.settled = function (value) { return value; };
    R.finish = function () {};
    // Installs the parts of the run-time with these numbers, once each.
    R.install = function (numbers) {
      numbers.split(",").forEach(function (index) {
        var part = runtime[+index];
        runtime[+index] = undefined;
        if (part) part(G, R, door);
      });
    };
  }

  // The text of what is no plain data. An Error's own toString cuts long messages.
  function said(value) {
    if (value instanceof Err) return value.name + ": " + value.message;
    if (value instanceof Ghost || value instanceof Later) return Str(value);
  }

  // Data is printed as JSON, so that another program can read it; an object in it as its text.
  function line(value) {
    var text;
    if (typeof value !== "object" || value === null) return Str(value);
    try { text = stringify(value); } catch (cycle) { return show(value, 72); }
    // What its own toJSON says is nothing has no text.
    if (text === undefined) return Str(text);
    return said(value) || (text.indexOf(MARK) < 0 ? text : stringify(replaced(value, said)));
  }

  // A value as people read it.
  function show(value, width) {
    return drawn(value, [], "", width);
  }

  function drawn(value, around, indent, width) {
    var list = isArray(value), inner = indent + "  ", names, parts, i, one;
    if (typeof value === "string") return stringify(value);
    if (typeof value === "function") return "[function" + (value.name ? " " + value.name : "") + "]";
    if (typeof value !== "object" || value === null) return Str(value);
    if (said(value)) return said(value);
    if (around.indexOf(value) >= 0) return "[cycle]";
    if (around.length > 8) return list ? "[...]" : "{...}";
    names = keys(value);
    around.push(value);
    parts = names.slice(0, 100).map(function (name) {
      var text = drawn(value[name], around, inner, width);
      return list ? text : (/^[A-Za-z_$][\w$]*$/.test(name) ? name : stringify(name)) + ": " + text;
    });
    around.pop();
    if (names.length > 100) parts.push("... " + (names.length - 100) + " more");
    if (!parts.length) return list ? "[]" : "{}";
    one = parts.join(", ");
    if (indent.length + one.length <= width && one.indexOf("\n") < 0) return list ? "[" + one + "]" : "{ " + one + " }";
    one = parts.join(",\n" + inner);
    return (list ? "[\n" : "{\n") + inner + one + "\n" + indent + (list ? "]" : "}");
  }

  function thrown() {
    var i;
    try { door("again"); } catch (error) {
      if (!(error instanceof Err)) return stringify({ value: line(error) });
      for (i = raised.length - 1; i >= 0 && raised[i].error !== error; i--) {}
      return stringify({
        error: said(error) + "\n" + error.stack,
        failure: i < 0 ? null : raised[i].number
      });
    }
  }

  return function dispatch(verb, name, value) {
    if (verb === "thrown") return thrown();
    if (R && verb === "install") return R.install(name);
    if (R && verb === "finish") return R.finish();
    if (R) value = R.settled(value);
    if (verb === "show") return value === undefined ? undefined : show(value, 72);
    if (verb === "globals") return stringify(keys(G));
    if (verb === "members") {
      return stringify(is_ghost(value) ? ask("methods", value.vault) : []);
    }
    // The object of a conversation.
    if (verb === "bind") return void (G[name] = ghost(value));
    return undefined;
  };
})
