// The run-time's side of a script: it sleeps until its next timer is due, and waits for its calls in their order.
(function (G, R, door) {
  var due = [], last = 0;

  R.startTimer = function (id, ms) {
    var at = G.performance.now() + ms, i = due.length;
    while (i > 0 && due[i - 1].at > at) i--;
    due.splice(i, 0, { at: at, id: id, handle: ++last });
    return last;
  };
  R.stopTimer = function (handle) {
    due = due.filter(function (one) { return one.handle !== handle; });
  };
  // Nobody has caught it, so it ends the script.
  R.unheard = function unheard(error) { throw error; };
  R.idle = function idle() {
    var left = due.length ? due[0].at - G.performance.now() : 0;
    if (R.awaited.length && !(due.length && left <= 0)) {
      R.answered(R.awaited[0]);
      return true;
    }
    if (!due.length) return false;
    if (left > 0) G.sleep(Math.ceil(left));
    R.fire(due.shift().id);
    return true;
  };
})
