// The end of a run: what it has promised is waited for, and what nobody has caught is told.
(function (G, R, door) {
  var Err = Error;
  // Calls that are waited for, each with its promise.
  var awaited = [];

  R.awaited = awaited;
  // Whether a run goes on: what an interrupted one has left is let go.
  var busy = false;
  // Lets a call that is under way be awaited.
  R.put(R.Later.prototype, {
    then: function (kept, broken) {
      if (!this.promise) {
        R.hide(this, "promise", R.pending());
        awaited.push(this);
      }
      return this.promise.then(kept, broken);
    },
    catch: function (broken) { return this.then(undefined, broken); },
    finally: G.Promise.prototype.finally
  });
  // A call that has been answered settles its promise.
  R.answered = function answered(later) {
    var at = awaited.indexOf(later), value;
    if (at >= 0) awaited.splice(at, 1);
    try { value = later.wait(); } catch (error) { return R.spoil(later.promise, error); }
    R.resolve(later.promise, value);
  };
  // What a callback throws that nobody called is nobody's to catch.
  R.reported = function reported(code) {
    try { code(); } catch (error) { R.unheard(error); }
  };

  function report() {
    R.unhandled().forEach(function (promise) { R.unheard(promise.$$value); });
  }

  // Another run begins: what an earlier one has sent is let go, and so is what was left when it was interrupted.
  R.fresh = function fresh() {
    var left = awaited.splice(0, awaited.length);
    if (busy) R.forget();
    busy = true;
    left.forEach(function (later) {
      R.spoil(later.promise, new Err(later.method + " was sent by a call that has ended, and its answer was let go"));
    });
  };
  // The value of a run, for whoever waits for it.
  R.settled = function settled(value) {
    value = waited(value);
    busy = false;
    return value;
  };

  function waited(value) {
    var promise;
    if (!R.isObject(value) || typeof value.then !== "function") {
      R.drain();
      report();
      return value;
    }
    promise = R.promised(value);
    R.handled(promise);
    for (;;) {
      R.drain();
      if (promise.$$state !== 0) break;
      report();
      if (!R.idle()) {
        busy = false;
        throw new Err("the promise never settles");
      }
    }
    R.handled(promise);
    report();
    busy = false;
    if (promise.$$state === 2) throw promise.$$value;
    return promise.$$value;
  }

  // What a run has left behind that threw.
  R.left = function left() {
    R.drain();
    report();
    busy = false;
  };
  // Runs until there is nothing more to wait for.
  R.finish = function finish() {
    do {
      R.drain();
      report();
    } while (R.idle());
  };
})
