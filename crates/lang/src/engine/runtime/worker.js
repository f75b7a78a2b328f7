// The run-time's side of a worker: timers are call_outs, and while a run waits, its timers and answers come.
(function (G, R, door) {
  R.startTimer = function (id, ms) { return +door("call_out", "$$timer", ms / 1000, [id]); };
  R.stopTimer = function (handle) { door("remove_call_out", handle); };
  // Nobody has caught it, so it is an event.
  R.unheard = function unheard(error) {
    var text;
    if (error instanceof Error) return door("unhandled", error.name + ": " + error.message, error.stack || "");
    try { text = R.formatted ? R.formatted([error]) : R.isObject(error) ? JSON.stringify(error) : String(error); } catch (odd) { text = "what cannot be shown"; }
    door("unhandled", text, "");
  };
  // Waits for the next thing that a run may wait for, and does it; false if there is none.
  R.idle = function idle() {
    var open = R.awaited.length > 0, came = R.next(open ? "answers" : "");
    if (came === undefined) return false;
    if (came === "") {
      R.awaited.filter(R.isAnswered).forEach(R.answered);
    } else {
      R.fire(+came);
    }
    return true;
  };
})
