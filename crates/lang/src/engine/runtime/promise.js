// Promises and the queue of what is to be done when the running code has ended. All of it is in the heap.
(function (G, R, door) {
  var define = Object.defineProperty, STATE = "$$" + "state", VALUE = "$$" + "value", WAITING = "$$" + "waiting";
  // Not enumerable, as what they are for is nobody's.
  var NOTHING = { value: undefined, writable: true }, PENDING_STATE = { value: 0, writable: true };
  var PENDING = 0, KEPT = 1, BROKEN = 2, Err = Error, put = R.put;
  // Three for each job: what to do, with what, and what else; and which is next.
  var queue = [], next = 0;
  // Rejected, and nobody has asked.
  var lonely = [];

  function Promise(executor) {
    if (!(this instanceof Promise)) throw new TypeError("Promise constructor cannot be invoked without 'new'");
    if (typeof executor !== "function") throw new TypeError("Promise resolver " + R.brief(executor) + " is not a function");
    begin(this);
    run(executor, this);
  }

  function begin(promise) {
    define(promise, STATE, PENDING_STATE);
    define(promise, VALUE, NOTHING);
    define(promise, WAITING, NOTHING);
  }

  function Plain() {}
  Plain.prototype = Promise.prototype;

  function pending() {
    var promise = new Plain();
    begin(promise);
    return promise;
  }

  // Runs code that may settle a promise, once.
  function run(code, promise, self) {
    var done = false;
    function keep(value) { if (!done) { done = true; resolve(promise, value); } }
    function spoil(why) { if (!done) { done = true; settle(promise, BROKEN, why); } }
    try {
      if (self === undefined) code(keep, spoil); else code.call(self, keep, spoil);
    } catch (error) { spoil(error); }
  }

  function enqueue(work, first, second) { queue.push(work, first, second); }

  function settle(promise, state, value) {
    var waiting = promise.$$waiting, i;
    promise.$$waiting = undefined;
    promise.$$state = state;
    promise.$$value = value;
    if (waiting) {
      for (i = 0; i < waiting.length; i++) enqueue(react, waiting[i], promise);
    } else if (state === BROKEN) {
      lonely.push(promise);
    }
  }

  function resolve(promise, value) {
    var then;
    if (value === promise) return settle(promise, BROKEN, new TypeError("Chaining cycle detected for promise #<Promise>"));
    if (!R.isObject(value)) return settle(promise, KEPT, value);
    try { then = value.then; } catch (error) { return settle(promise, BROKEN, error); }
    if (typeof then !== "function") return settle(promise, KEPT, value);
    enqueue(follow, promise, [value, then]);
  }

  function follow(promise, pair) { run(pair[1], promise, pair[0]); }

  // A reaction is what is called when it is kept, when it is broken, and the promise of what that gives; or, without a
  // promise, functions that are given the value and throw nothing.
  function react(reaction, promise) {
    var code = promise.$$state === KEPT ? reaction[0] : reaction[1], outcome = reaction[2], value;
    if (outcome === undefined) return code(promise.$$value);
    if (typeof code !== "function") {
      return outcome.$$state === undefined ? (promise.$$state === KEPT ? outcome.keep : outcome.spoil)(promise.$$value)
        : promise.$$state === KEPT ? resolve(outcome, promise.$$value) : settle(outcome, BROKEN, promise.$$value);
    }
    try { value = code(promise.$$value); } catch (error) {
      return outcome.$$state === undefined ? outcome.spoil(error) : settle(outcome, BROKEN, error);
    }
    if (outcome.$$state === undefined) outcome.keep(value); else resolve(outcome, value);
  }

  function subscribe(promise, reaction) {
    var at;
    if (promise.$$state === PENDING) {
      if (R.guarded) reaction = [R.guarded(reaction[0]), R.guarded(reaction[1]), reaction[2]];
      if (promise.$$waiting) promise.$$waiting.push(reaction); else promise.$$waiting = [reaction];
    } else {
      if (promise.$$state === BROKEN && lonely.length) {
        at = lonely.indexOf(promise);
        if (at >= 0) lonely.splice(at, 1);
      }
      enqueue(react, reaction, promise);
    }
  }

  // A promise of a class that is not ours alone, with what settles it.
  function capability(Class) {
    var made = {};
    made.promise = new Class(function (keep, spoil) { made.keep = keep; made.spoil = spoil; });
    return made;
  }

  function wrapped(Class, value) {
    if (value instanceof Promise && value.constructor === Class) return value;
    return new Class(function (keep) { keep(value); });
  }

  // The promise that a value is, or one that it settles.
  function promised(value) {
    var promise;
    if (value instanceof Promise && value.$$state !== undefined) return value;
    promise = pending();
    resolve(promise, value);
    return promise;
  }

  put(Promise.prototype, {
    then: function then(kept, broken) {
      var Class = this.constructor, outcome;
      if (!(this instanceof Promise)) throw new TypeError("Method Promise.prototype.then called on incompatible receiver " + R.brief(this));
      outcome = Class === Promise || typeof Class !== "function" ? pending() : capability(Class);
      subscribe(this, [kept, broken, outcome]);
      return outcome.$$state === undefined ? outcome.promise : outcome;
    },
    catch: function (broken) { return this.then(undefined, broken); },
    finally: function (code) {
      if (typeof code !== "function") return this.then(code, code);
      return this.then(function (value) {
        return promised(code()).then(function () { return value; });
      }, function (error) {
        return promised(code()).then(function () { throw error; });
      });
    },
    $$toStringTag: "Promise"
  });

  // Goes through promises: `each(promise, index, capability)` subscribes, `empty` is what no promise at all gives.
  function all(Class, promises, each, done) {
    var made = capability(Class), left = 1, results = [], it, step, index = 0;
    function less() { left--; if (left === 0) done(made, results); }
    function one(index, item) {
      var called = false;
      results[index] = undefined;
      left++;
      each(Class.resolve(item), made, results, index, function () { if (!called) { called = true; less(); return; } });
    }
    try {
      it = R.iterator(promises);
      for (step = it.next(); !step.done; step = it.next()) {
        results.push(undefined);
        try { one(index, step.value); } catch (error) { R.close(it); throw error; }
        index++;
      }
      less();
    } catch (error) { made.spoil(error); }
    return made.promise;
  }

  put(Promise, {
    resolve: function (value) { return wrapped(this, value); },
    reject: function reject(why) { return new this(function (keep, spoil) { spoil(why); }); },
    all: function (promises) {
      return all(this, promises, function (promise, made, results, index, less) {
        promise.then(function (value) { results[index] = value; less(); }, made.spoil);
      }, function (made, results) { made.keep(results); });
    },
    allSettled: function allSettled(promises) {
      return all(this, promises, function (promise, made, results, index, less) {
        promise.then(function (value) {
          results[index] = { status: "fulfilled", value: value };
          less();
        }, function (why) {
          results[index] = { status: "rejected", reason: why };
          less();
        });
      }, function (made, results) { made.keep(results); });
    },
    any: function any(promises) {
      return all(this, promises, function (promise, made, results, index, less) {
        promise.then(made.keep, function (why) { results[index] = why; less(); });
      }, function (made, results) { made.spoil(new G.AggregateError(results, "All promises were rejected")); });
    },
    race: function race(promises) {
      return all(this, promises, function (promise, made) { promise.then(made.keep, made.spoil); }, function () {});
    },
    withResolvers: function withResolvers() {
      var made = capability(this);
      return { promise: made.promise, resolve: made.keep, reject: made.spoil };
    }
  });
  G.Promise = Promise;

  function AggregateError(errors, message) {
    var error = message === undefined ? new Err() : new Err(message);
    Object.setPrototypeOf(error, this instanceof AggregateError ? Object.getPrototypeOf(this) : AggregateError.prototype);
    R.hide(error, "errors", R.list(errors));
    return error;
  }
  AggregateError.prototype = Object.create(Err.prototype);
  put(AggregateError.prototype, { constructor: AggregateError, name: "AggregateError" });
  G.AggregateError = AggregateError;

  G.queueMicrotask = function queueMicrotask(code) {
    if (typeof code !== "function") throw new TypeError("The \"callback\" argument must be of type function");
    enqueue(R.reported, code);
  };

  R.promised = promised;
  R.pending = pending;
  R.resolve = resolve;
  R.spoil = function (promise, why) { settle(promise, BROKEN, why); };
  R.isPromise = function (value) { return value instanceof Promise && value.$$state !== undefined; };
  // Calls one of two functions, which must not throw, when a promise is settled.
  R.await = function (value, kept, broken) {
    if (R.isObject(value)) subscribe(promised(value), [kept, broken, undefined]); else enqueue(kept, value);
  };
  // Runs jobs until there are none. One that throws is out of the queue.
  R.drain = function drain() {
    var work, first, second;
    while (next < queue.length) {
      work = queue[next];
      first = queue[next + 1];
      second = queue[next + 2];
      next += 3;
      if (next >= 3072) {
        queue.splice(0, next);
        next = 0;
      }
      work(first, second);
    }
    queue = [];
    next = 0;
  };
  // Lets go what an interrupted run has left.
  R.forget = function forget() {
    queue = [];
    next = 0;
    lonely = [];
  };
  // What was rejected since the last time, and nobody asked for.
  R.unhandled = function unhandled() {
    var list = lonely;
    lonely = [];
    return list;
  };
  R.handled = function handled(promise) {
    var at = lonely.indexOf(promise);
    if (at >= 0) lonely.splice(at, 1);
  };
})
