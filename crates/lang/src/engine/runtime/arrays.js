// What arrays have beyond ES5.
(function (G, R, door) {
  var A = Array, AP = A.prototype, isArray = A.isArray, slice = AP.slice;

  var whole = R.whole, same = R.same;

  function index(value, length, absent) {
    if (value === undefined) return absent;
    value = whole(value);
    return value < 0 ? Math.max(length + value, 0) : Math.min(value, length);
  }

  function code(value) {
    if (typeof value !== "function") throw new TypeError(R.brief(value) + " is not a function");
    return value;
  }

  var both = {
    at: function (n) {
      n = whole(n);
      return this[n < 0 ? this.length + n : n];
    },
    includes: function includes(value, from) {
      var i, length = this.length;
      for (i = index(from, length, 0); i < length; i++) if (same(this[i], value)) return true;
      return false;
    },
    find: function (test, self) {
      var i, length = this.length;
      code(test);
      for (i = 0; i < length; i++) if (test.call(self, this[i], i, this)) return this[i];
      return undefined;
    },
    findIndex: function findIndex(test, self) {
      var i, length = this.length;
      code(test);
      for (i = 0; i < length; i++) if (test.call(self, this[i], i, this)) return i;
      return -1;
    },
    findLast: function findLast(test, self) {
      var i;
      code(test);
      for (i = this.length - 1; i >= 0; i--) if (test.call(self, this[i], i, this)) return this[i];
      return undefined;
    },
    findLastIndex: function findLastIndex(test, self) {
      var i;
      code(test);
      for (i = this.length - 1; i >= 0; i--) if (test.call(self, this[i], i, this)) return i;
      return -1;
    },
    fill: function (value, from, to) {
      var i, length = this.length;
      to = index(to, length, length);
      for (i = index(from, length, 0); i < to; i++) this[i] = value;
      return this;
    },
    copyWithin: function copyWithin(at, from, to) {
      var length = this.length, part = slice.call(this, index(from, length, 0), index(to, length, length)), i;
      at = index(at, length, 0);
      for (i = 0; i < part.length && at + i < length; i++) this[at + i] = part[i];
      return this;
    },
    keys: function () { return R.over(this, 0); },
    entries: function entries() { return R.over(this, 2); },
    values: R.values,
    $$iterator: R.values
  };

  function flat(target, list, depth) {
    var i;
    for (i = 0; i < list.length; i++) {
      if (isArray(list[i]) && depth > 0) flat(target, list[i], depth - 1); else target.push(list[i]);
    }
    return target;
  }

  R.put(AP, both);
  R.both = both;
  R.put(AP, {
    flat: function (depth) { return flat([], this, depth === undefined ? 1 : whole(depth)); },
    flatMap: function flatMap(map, self) {
      var target = [], i, value;
      code(map);
      for (i = 0; i < this.length; i++) {
        value = map.call(self, this[i], i, this);
        if (isArray(value)) target.push.apply(target, value); else target.push(value);
      }
      return target;
    },
    toReversed: function toReversed() { return slice.call(this).reverse(); },
    toSorted: function toSorted(compare) {
      if (compare !== undefined) code(compare);
      return compare === undefined ? slice.call(this).sort() : slice.call(this).sort(compare);
    },
    toSpliced: function toSpliced() {
      var copy = slice.call(this);
      copy.splice.apply(copy, arguments);
      return copy;
    },
    with: function (n, value) {
      var copy = slice.call(this), at = whole(n);
      if (at < 0) at += copy.length;
      if (at < 0 || at >= copy.length) throw new RangeError("Invalid index : " + n);
      copy[at] = value;
      return copy;
    },
    toLocaleString: function toLocaleString() {
      return slice.call(this).map(function (item) {
        return item === undefined || item === null ? "" : item.toLocaleString();
      }).join();
    }
  });

  // Of a class of arrays its own kind, else an array.
  function like(Class) { return typeof Class === "function" && Class !== A ? new Class() : []; }

  R.put(A, {
    from: function (source, map, self) {
      var target = like(this), list, i;
      if (source === undefined || source === null) throw new TypeError(source + " is not iterable");
      if (map !== undefined) code(map);
      if (typeof source.$$iterator === "function") {
        list = R.list(source);
      } else {
        list = [];
        for (i = 0; i < Math.max(0, whole(source.length)); i++) list.push(source[i]);
      }
      for (i = 0; i < list.length; i++) target.push(map ? map.call(self, list[i], i) : list[i]);
      return target;
    },
    of: function () {
      var target = like(this), i;
      for (i = 0; i < arguments.length; i++) target.push(arguments[i]);
      return target;
    }
  });
  // The elements of an array have no attributes.
  R.getter(A, { $$species: function () { return this; } });
})
