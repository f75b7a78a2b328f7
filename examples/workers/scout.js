// scout: the smallest worker that remembers something.
var seen = 0;
function observe(items) {
  if (!Array.isArray(items)) throw new TypeError('observe takes a list, as in observe ["a","b"]');
  seen += items.length;
  return seen;
}
function report() { return { total: seen, by: this_object() }; }
