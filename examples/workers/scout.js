// scout: the smallest worker that remembers something.
var seen = 0;
function observe(items) { seen += items.length; return seen; }
function report() { return { total: seen, by: this_object() }; }
