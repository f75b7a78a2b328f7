// Functions that stop and go on: generators, async functions, and async generators.
//
// A lowered body is a function of its state that is called again and again. It goes on at `state.label` and returns what
// to do: [2, value] return, [3, label] jump, [4, value] yield, [5, iterator] yield all of it, [7] the end of `finally`.
// `state.trys` has the try statements around it as [start, catch, finally, end]; `state.ops` what waits for a `finally`.
(function (G, R, door) {
  var NEXT = 0, THROW = 1, RETURN = 2, JUMP = 3, YIELD = 4, ALL = 5, FINISHED = 7;

  function State(self, body) {
    this.label = 0;
    this.trys = [];
    this.ops = [];
    this.self = self;
    this.body = body;
    this.inner = undefined;
    this.begun = this.running = this.ended = false;
    // Of an async generator: what it returns is waited for before it is left.
    this.waits = this.leaving = false;
    this.value = undefined;
  }

  // What the yield gave, where the body goes on.
  State.prototype.sent = function sent() { return this.value; };

  // Finds where to go on with a completion that is none of the next statement's. Whether the body goes on.
  function unwound(state, kind, value) {
    var region;
    for (;;) {
      region = state.trys[state.trys.length - 1];
      if (region === undefined) {
        if (kind === JUMP) { state.label = value; return true; }
        state.value = value;
        return false;
      }
      if (kind === JUMP && value > region[0] && value < region[3]) { state.label = value; return true; }
      if (kind === THROW && region[1] !== undefined && state.label < region[1]) {
        state.label = region[1];
        state.value = value;
        return true;
      }
      if (region[2] !== undefined) {
        if (state.label < region[2]) {
          state.label = region[2];
          state.ops.push(kind, value);
          return true;
        }
        // Whatever waited for the end of this `finally` waits in vain.
        state.ops.length -= 2;
      }
      state.trys.pop();
    }
  }

  // Goes on until the next yield, whose value is returned, or to the end, which `state.ended` tells.
  function resume(state, kind, value) {
    var todo, step, method;
    if (state.running) throw new TypeError("Generator is already running");
    if (state.ended) {
      if (kind === THROW) throw value;
      return kind === RETURN ? value : undefined;
    }
    if (kind !== NEXT && !state.begun) {
      state.ended = true;
      if (kind === THROW) throw value;
      return value;
    }
    state.begun = state.running = true;
    if (state.leaving) {
      state.leaving = false;
      if (kind === NEXT) kind = RETURN;
    }
    try {
      for (;;) {
        if (state.inner) {
          try {
            method = kind === NEXT ? state.inner.next : kind === THROW ? state.inner.throw : state.inner.return;
            if (method === undefined && kind === RETURN) {
              state.inner = undefined;
            } else if (method === undefined && kind === THROW) {
              step = state.inner;
              state.inner = undefined;
              R.close(step);
              throw new TypeError("The iterator does not provide a 'throw' method");
            } else {
              step = method.call(state.inner, value);
              if (!R.isObject(step)) throw new TypeError("Iterator result " + R.brief(step) + " is not an object");
              if (!step.done) return step.value;
              state.inner = undefined;
              value = step.value;
              if (kind === THROW) kind = NEXT;
            }
          } catch (error) {
            state.inner = undefined;
            kind = THROW;
            value = error;
          }
        }
        if (kind === NEXT) {
          state.value = value;
        } else if (!unwound(state, kind, value)) {
          state.ended = true;
          if (kind === THROW) throw value;
          return value;
        }
        for (;;) {
          try { todo = state.body.call(state.self, state); } catch (error) {
            kind = THROW;
            value = error;
            break;
          }
          kind = todo[0];
          value = todo[1];
          if (kind === YIELD) {
            state.label++;
            return value;
          }
          if (kind === RETURN && state.waits && todo.length > 1) {
            state.leaving = true;
            return new Awaited(value, false);
          }
          if (kind === ALL) {
            state.label++;
            state.inner = value;
            kind = NEXT;
            value = undefined;
            break;
          }
          if (kind === FINISHED) {
            value = state.ops.pop();
            kind = state.ops.pop();
            state.trys.pop();
          }
          if (kind !== JUMP) break;
          unwound(state, kind, value);
        }
      }
    } finally {
      state.running = false;
    }
  }

  function Generator(state) { this.$$state = state; }
  Generator.prototype = new R.Iterator();
  R.classes[R.classes.length] = Generator;

  function stepped(generator, kind, value) {
    var state = generator.$$state, given = resume(state, kind, value);
    return { value: given, done: state.ended };
  }

  R.put(Generator.prototype, {
    next: function next(value) { return stepped(this, NEXT, value); },
    throw: function (error) { return stepped(this, THROW, error); },
    return: function (value) { return stepped(this, RETURN, value); },
    $$toStringTag: "Generator"
  });

  G._ts_generator = function (self, body) { return new Generator(new State(self, body)); };
  G._ts_values = function (value) {
    if (value !== undefined && value !== null && typeof value.$$iterator === "function") return R.iterator(value);
    if (value && typeof value.length === "number") return R.over(value, 1);
    throw new TypeError(R.brief(value) + " is not iterable");
  };

  // Goes on with an async function until it waits again.
  function advance(state, outcome, kind, value) {
    var given;
    try { given = resume(state, kind, value); } catch (error) { return R.spoil(outcome, error); }
    if (state.ended) return R.resolve(outcome, given);
    R.await(given, function (value) { advance(state, outcome, NEXT, value); },
      function (error) { advance(state, outcome, THROW, error); });
  }

  G._async_to_generator = function (make) {
    return function () {
      var outcome = R.pending(), made;
      try { made = make.apply(this, arguments); } catch (error) {
        R.spoil(outcome, error);
        return outcome;
      }
      if (made instanceof Generator) advance(made.$$state, outcome, NEXT, undefined); else R.resolve(outcome, made);
      return outcome;
    };
  };

  // A value that an async generator waits for, and does not yield.
  function Awaited(value, delegated) {
    this.value = value;
    this.delegated = delegated;
  }

  function AsyncGenerator(state) {
    this.$$state = state;
    // Requests in their order: what, with what, and the promise of its result.
    this.$$asked = [];
    this.$$busy = false;
  }

  function answer(generator, failed, value, done) {
    var outcome = generator.$$asked.splice(0, 3)[2];
    generator.$$busy = false;
    if (failed) R.spoil(outcome, value); else R.resolve(outcome, { value: value, done: done });
    serve(generator);
  }

  function serve(generator) {
    var asked = generator.$$asked, state = generator.$$state;
    if (generator.$$busy || !asked.length) return;
    generator.$$busy = true;
    if (asked[0] === NEXT) return drive(generator, NEXT, asked[1]);
    if (state.ended || !state.begun) {
      state.ended = true;
      if (asked[0] === THROW) return answer(generator, true, asked[1]);
      return R.await(asked[1], function (value) { answer(generator, false, value, true); },
        function (error) { answer(generator, true, error); });
    }
    if (asked[0] === THROW) return drive(generator, THROW, asked[1]);
    R.await(asked[1], function (value) { drive(generator, RETURN, value); },
      function (error) { drive(generator, THROW, error); });
  }

  function drive(generator, kind, value) {
    var state = generator.$$state, given;
    try { given = resume(state, kind, value); } catch (error) { return answer(generator, true, error); }
    if (given instanceof Awaited && !state.ended) {
      return R.await(given.value, function (value) {
        drive(generator, kind === RETURN && given.delegated ? RETURN : NEXT, value);
      },
        function (error) { drive(generator, THROW, error); });
    }
    // What a delegate gave, and what was returned, has been waited for.
    if (state.inner || state.ended) return answer(generator, false, given, state.ended);
    R.await(given, function (value) { answer(generator, false, value, false); },
      function (error) { drive(generator, THROW, error); });
  }

  function ask(generator, kind, value) {
    var outcome = R.pending();
    generator.$$asked.push(kind, value, outcome);
    serve(generator);
    return outcome;
  }

  R.put(AsyncGenerator.prototype, {
    next: function next(value) { return ask(this, NEXT, value); },
    throw: function (error) { return ask(this, THROW, error); },
    return: function (value) { return ask(this, RETURN, value); },
    $$asyncIterator: function () { return this; },
    $$toStringTag: "AsyncGenerator"
  });

  G._wrap_async_generator = function (make) {
    return function () {
      var state = make.apply(this, arguments).$$state;
      state.waits = true;
      return new AsyncGenerator(state);
    };
  };
  G._await_async_generator = function (value) { return new Awaited(value, false); };

  // The async iterator of a value; one of an ordinary iterator waits for what that gives.
  function FromSync(inner) { this.$$inner = inner; }

  function later(step) {
    var done = step.done;
    return R.promised(step.value).then(function (value) { return { value: value, done: done }; });
  }

  R.put(FromSync.prototype, {
    next: function next(value) {
      var inner = this.$$inner;
      return new G.Promise(function (keep) { keep(later(inner.next(value))); });
    },
    return: function (value) {
      var inner = this.$$inner;
      return new G.Promise(function (keep) {
        keep(inner.return === undefined ? { value: value, done: true } : later(inner.return(value)));
      });
    },
    throw: function (error) {
      var inner = this.$$inner;
      return new G.Promise(function (keep) {
        if (inner.throw === undefined) throw error;
        keep(later(inner.throw(error)));
      });
    },
    $$asyncIterator: function () { return this; }
  });

  G._async_iterator = R.asyncIterator = function (value) {
    var method = value === undefined || value === null ? undefined : value.$$asyncIterator, made;
    if (method === undefined || method === null) return new FromSync(R.iterator(value));
    made = method.call(value);
    if (!R.isObject(made)) throw new TypeError("Result of the Symbol.asyncIterator method is not an object");
    return made;
  };
  // `yield*` in an async generator: an iterator that gives what to wait for, then what came of it.
  G._async_generator_delegate = function (inner) {
    var waiting = false, made = {};
    function pump(name) {
      return function (value) {
        var step = value;
        if (waiting) {
          waiting = false;
          if (name === "throw") throw value;
          if (!R.isObject(step)) throw new TypeError("Iterator result " + R.brief(step) + " is not an object");
          return step;
        }
        if (name === "return" && inner.return === undefined) return { value: value, done: true };
        if (name === "throw" && inner.throw === undefined) throw value;
        waiting = true;
        return { value: new Awaited(name === "next" ? inner.next(value) : name === "throw" ? inner.throw(value) : inner.return(value), true), done: false };
      };
    }
    made.next = pump("next");
    made.throw = pump("throw");
    made.return = pump("return");
    made.$$iterator = function () { return this; };
    return made;
  };
})
