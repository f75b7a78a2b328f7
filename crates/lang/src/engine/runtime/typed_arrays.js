// What typed arrays have beyond the engine's.
(function (G, R, door) {
  var A = Array, AP = A.prototype, slice = AP.slice, whole = R.whole;
  var TP = Object.getPrototypeOf(Uint8Array.prototype);

  function typed(self, list) {
    var made = new self.constructor(list.length), i;
    for (i = 0; i < list.length; i++) made[i] = list[i];
    return made;
  }

  function less(a, b) { return a - b || (a !== a ? b !== b ? 0 : 1 : b !== b ? -1 : 0); }

  R.put(TP, R.both);
  ["indexOf", "lastIndexOf", "every", "some", "forEach", "reduce", "reduceRight"].forEach(function (name) {
    var method = AP[name];
    R.hide(TP, name, function () { return method.apply(slice.call(this), arguments); });
  });
  R.put(TP, {
    slice: function (from, to) { return typed(this, slice.call(this, from, to === undefined ? this.length : to)); },
    map: function (map, self) { return typed(this, slice.call(this).map(map, self)); },
    filter: function (test, self) { return typed(this, slice.call(this).filter(test, self)); },
    reverse: function () {
      var list = slice.call(this).reverse(), i;
      for (i = 0; i < list.length; i++) this[i] = list[i];
      return this;
    },
    sort: function (compare) {
      var list = slice.call(this).sort(compare || less), i;
      for (i = 0; i < list.length; i++) this[i] = list[i];
      return this;
    },
    toReversed: function toReversed() { return typed(this, slice.call(this).reverse()); },
    toSorted: function toSorted(compare) { return typed(this, slice.call(this).sort(compare || less)); },
    with: function (n, value) {
      var at = whole(n);
      if (at < 0) at += this.length;
      if (at < 0 || at >= this.length) throw new RangeError("Invalid typed array index");
      at = [at, typed(this, this)];
      at[1][at[0]] = value;
      return at[1];
    }
  });
  [Uint8ClampedArray, Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array].forEach(function (Class) {
    R.put(Class, {
      from: function (source, map, self) { return new Class(A.from(source, map, self)); },
      of: function () { return new Class(slice.call(arguments)); }
    });
  });
})
