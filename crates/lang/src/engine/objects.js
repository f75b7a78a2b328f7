// The worker's half of objects that travel. In a vault an object is its reference, plain data that may be
// kept, copied and sent on: {"$hauki": "object", "ref": a word, "vault": ..., "methods": [...]}. The word
// is the gate's and cannot be guessed, so who only knows what a reference looks like holds nothing.
(function (G, door, laters, R) {
  var Err = Error, keys = Object.keys, parse = JSON.parse;
  // By their numbers, the calls that this run has sent and not heard of.
  var open = {};
  // The gate's account of what it refused last.
  var about;

  function held(value) {
    return typeof value === "object" && value !== null && value.$hauki === "object" && typeof value.ref === "string";
  }

  function ask() {
    about = undefined;
    try { return door.apply(undefined, arguments); } catch (refused) {
      about = door("failure");
      if (about === undefined) throw refused;
    }
  }

  // Takes the next answer, whichever it is, or the one that has come. Answers wait in the heap, because the heap is bounded.
  function settle(wanted, came) {
    var number = came || ask("next", wanted), later;
    if (about) return false;
    later = open[number];
    delete open[number];
    if (later) {
      try { later.answer = ask("said"); } catch (full) { later.fail(full); }
      later.about = about;
    }
    return true;
  }

  function begin(later, list) {
    while (!later.about && door("crowded") !== undefined) {
      if (!settle("")) later.about = about;
    }
    if (later.about) return;
    later.number = ask("ask", later.object.ref, later.method, list);
    if (about) later.about = about;
    else open[later.number] = later;
  }

  // An account becomes an Error where it is thrown, because the engine's stacks are short.
  function get(later) {
    var answer, error, why;
    while (!later.about && open[later.number] === later) {
      if (!settle(later.number)) later.about = about;
    }
    if (later.failed) throw later.error;
    if (later.about) {
      why = parse(later.about);
      error = new Err(why.message);
      error.name = "HaukiError";
      delete why.message;
      keys(why).forEach(function (name) { error[name] = why[name]; });
      throw error;
    }
    answer = later.answer;
    if (answer === undefined) throw new Err(later.method + " was sent by a call that has ended, and its answer was let go");
    later.answer = undefined;
    return parse(answer);
  }

  var Later = laters(G, function (later, list) {
    if (!held(later.object)) throw new TypeError("later: not an object that this worker was given");
    begin(later, list);
  }, get);

  if (R) {
    R.Later = Later;
    // Asks the node for what the vault itself cannot do.
    R.asked = function asked(method, list) {
      var later = new Later({ ref: "", vault: "the node" }, method);
      begin(later, list);
      return later;
    };
    R.isAnswered = function (later) { return !!later.about || later.failed || open[later.number] !== later; };
    // Waits for an answer, if calls are awaited, and for the next timer, whose number is the value. It is "" for an
    // answer, and undefined if there is nothing to wait for.
    R.next = function next(what) {
      var came = ask("wait", what);
      if (about) {
        R.awaited.forEach(function (later) { later.about = about; });
        return R.awaited.length ? "" : undefined;
      }
      if (came === undefined || came.charAt(0) === "t") return came && came.slice(1);
      settle("", came);
      return "";
    };
  }

  return {
    held: held,
    // What a line shows for it.
    shown: function (value) {
      return held(value) ? "<" + value.vault + ">" : value instanceof Later ? value.toString() : value;
    },
    // Another run begins: what an earlier one sent is let go.
    fresh: function () { open = {}; },
    call: function call(object, method, list) {
      var later = new Later(object, method);
      begin(later, list);
      return get(later);
    },
    // What is asked instead of an object.
    node: { ref: "", vault: "the node" }
  };
})
