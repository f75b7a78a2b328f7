// Map, Set, WeakMap and WeakSet.
//
// A Table has its keys and values in lists, in the order in which they came, and the place of each key in a dictionary
// for its type. What was deleted is a hole; when most are holes the lists are packed, and whoever is on its way through
// them finds its place again by the numbers of the entries, which never change. An object that is a key has a number
// of its own, as a hidden property; a WeakMap keeps its values in such properties of its keys, so they go with these.
(function (G, R, door) {
  var O = Object, HOLE = {}, ids = 0, weak = 0, odd = [], own = O.prototype.hasOwnProperty;

  function Table() {
    this.names = [];
    this.values = [];
    this.count = 0;
    // The numbers of the entries, once they are not their places.
    this.numbers = undefined;
    this.last = 0;
    this.texts = undefined;
    this.others = undefined;
  }

  // The number of an object. The engine's own functions can have none, so they are counted here.
  function id(key) {
    var at;
    if (own.call(key, "$$" + "id")) return key.$$id;
    try { R.hide(key, "$$" + "id", ++ids); } catch (constant) {
      at = odd.indexOf(key);
      return -(at < 0 ? odd.push(key) : at + 1);
    }
    return ids;
  }

  // What stands for a key that is no text. A number with a fraction or an exponent is as its text.
  function word(key) {
    return typeof key === "number" ? key + 0 : R.isObject(key) ? "o" + id(key) : "c" + key;
  }

  function place(table, key) {
    var at;
    if (typeof key === "string") at = table.texts === undefined ? undefined : table.texts[key];
    else at = table.others === undefined ? undefined : table.others[word(key)];
    return at === undefined ? -1 : at;
  }

  function has(table, key) { return place(table, key) >= 0; }

  function get(table, key) {
    var at = place(table, key);
    return at < 0 ? undefined : table.values[at];
  }

  function set(table, key, value) {
    var at = place(table, key);
    if (at >= 0) {
      table.values[at] = value;
      return;
    }
    at = table.names.length;
    if (typeof key === "string") {
      if (table.texts === undefined) table.texts = O.create(null);
      table.texts[key] = at;
    } else {
      if (table.others === undefined) table.others = O.create(null);
      table.others[word(key)] = at;
    }
    // There is one zero.
    table.names.push(key === 0 ? 0 : key);
    table.values.push(value);
    if (table.numbers) table.numbers.push(table.last);
    table.last++;
    table.count++;
  }

  function remove(table, key) {
    var at = place(table, key), names = table.names;
    if (at < 0) return false;
    if (typeof key === "string") delete table.texts[key]; else delete table.others[word(key)];
    names[at] = HOLE;
    table.values[at] = undefined;
    table.count--;
    if (names.length > 32 && table.count * 4 < names.length) pack(table);
    return true;
  }

  function pack(table) {
    var names = [], values = [], numbers = [], i, key;
    for (i = 0; i < table.names.length; i++) {
      key = table.names[i];
      if (key !== HOLE) {
        (typeof key === "string" ? table.texts : table.others)[typeof key === "string" ? key : word(key)] = names.length;
        names.push(key);
        values.push(table.values[i]);
        numbers.push(table.numbers ? table.numbers[i] : i);
      }
    }
    table.names = names;
    table.values = values;
    table.numbers = numbers;
  }

  function clear(table) {
    table.names = [];
    table.values = [];
    table.numbers = [];
    table.texts = table.others = undefined;
    table.count = 0;
  }

  // The place of the first entry whose number is not below this one.
  function seek(table, number) {
    var numbers = table.numbers, low = 0, high, middle;
    if (numbers === undefined) return number;
    high = numbers.length;
    while (low < high) {
      middle = low + high >> 1;
      if (numbers[middle] < number) low = middle + 1; else high = middle;
    }
    return low;
  }

  // On its way through a table: 0 for keys, 1 for values, 2 for both.
  function TableIterator(table, what) {
    this.$$table = table;
    this.$$next = 0;
    this.$$what = what;
  }
  TableIterator.prototype = new R.Iterator();
  R.classes[R.classes.length] = TableIterator;

  // The place of the next entry, or -1.
  function following(walk) {
    var table = walk.$$table, names, at;
    if (table === undefined) return -1;
    names = table.names;
    at = seek(table, walk.$$next);
    while (at < names.length && names[at] === HOLE) at++;
    if (at >= names.length) {
      walk.$$table = undefined;
      return -1;
    }
    walk.$$next = (table.numbers ? table.numbers[at] : at) + 1;
    return at;
  }

  R.put(TableIterator.prototype, {
    next: function next() {
      var table = this.$$table, what = this.$$what, at = following(this);
      if (at < 0) return { value: undefined, done: true };
      return { value: what === 1 ? table.values[at] : what ? [table.names[at], table.values[at]] : table.names[at], done: false };
    },
    $$toStringTag: "Map Iterator"
  });

  function each(table, code, self, collection) {
    var walk = new TableIterator(table, 0), at;
    if (typeof code !== "function") throw new TypeError(R.brief(code) + " is not a function");
    for (at = following(walk); at >= 0; at = following(walk)) code.call(self, table.values[at], table.names[at], collection);
  }

  function check(self, Class, name) {
    if (!(self instanceof Class) || self.$$table === undefined) {
      throw new TypeError("Method " + name + " called on incompatible receiver " + R.brief(self));
    }
    return self.$$table;
  }

  // What all four take: entries from an iterable.
  function filled(self, Class, name, entries, add) {
    var it, step;
    if (!(self instanceof Class)) throw new TypeError("Constructor " + name + " requires 'new'");
    if (entries === undefined || entries === null) return;
    it = R.iterator(entries);
    for (step = it.next(); !step.done; step = it.next()) {
      try { add(step.value); } catch (error) { R.close(it); throw error; }
    }
  }

  function pair(value) {
    if (!R.isObject(value)) throw new TypeError("Iterator value " + R.brief(value) + " is not an entry object");
    return value;
  }

  function hidden(self, table) { R.hide(self, "$$" + "table", table); }

  function Map() {
    var self = this, entries = arguments[0];
    if (self instanceof Map) hidden(self, new Table());
    filled(self, Map, "Map", entries, function (entry) { self.set(pair(entry)[0], entry[1]); });
  }

  R.made(Map, "Map", {
    get: function (key) { return get(check(this, Map, "Map.prototype.get"), key); },
    set: function (key, value) {
      set(check(this, Map, "Map.prototype.set"), key, value);
      return this;
    },
    has: function (key) { return has(check(this, Map, "Map.prototype.has"), key); },
    delete: function (key) { return remove(check(this, Map, "Map.prototype.delete"), key); },
    clear: function () { clear(check(this, Map, "Map.prototype.clear")); },
    forEach: function forEach(code) { each(check(this, Map, "Map.prototype.forEach"), code, arguments[1], this); },
    keys: function () { return new TableIterator(check(this, Map, "Map.prototype.keys"), 0); },
    values: function () { return new TableIterator(check(this, Map, "Map.prototype.values"), 1); },
    entries: function entries() { return new TableIterator(check(this, Map, "Map.prototype.entries"), 2); }
  });
  R.hide(Map.prototype, "$$iter" + "ator", Map.prototype.entries);
  R.getter(Map.prototype, { size: function () { return check(this, Map, "get Map.prototype.size").count; } });

  function Set() {
    var self = this, values = arguments[0];
    if (self instanceof Set) hidden(self, new Table());
    filled(self, Set, "Set", values, function (value) { self.add(value); });
  }

  R.made(Set, "Set", {
    add: function (value) {
      set(check(this, Set, "Set.prototype.add"), value, value === 0 ? 0 : value);
      return this;
    },
    has: function (value) { return has(check(this, Set, "Set.prototype.has"), value); },
    delete: function (value) { return remove(check(this, Set, "Set.prototype.delete"), value); },
    clear: function () { clear(check(this, Set, "Set.prototype.clear")); },
    forEach: function forEach(code) { each(check(this, Set, "Set.prototype.forEach"), code, arguments[1], this); },
    values: function () { return new TableIterator(check(this, Set, "Set.prototype.values"), 1); },
    entries: function entries() { return new TableIterator(check(this, Set, "Set.prototype.entries"), 2); }
  });
  R.hide(Set.prototype, "ke" + "ys", Set.prototype.values);
  R.hide(Set.prototype, "$$iter" + "ator", Set.prototype.values);
  R.getter(Set.prototype, { size: function () { return check(this, Set, "get Set.prototype.size").count; } });

  function slot(self, Class, name) {
    if (!(self instanceof Class) || self.$$slot === undefined) {
      throw new TypeError("Method " + name + " called on incompatible receiver " + R.brief(self));
    }
    return self.$$slot;
  }

  function keep(slot, key, value, name) {
    if (!R.isObject(key)) throw new TypeError("Invalid value used " + name);
    R.hide(key, slot, value);
  }

  function lose(slot, key) { return R.isObject(key) && own.call(key, slot) && delete key[slot]; }

  function WeakMap() {
    var self = this, entries = arguments[0];
    if (self instanceof WeakMap) R.hide(self, "$$" + "slot", "$$w" + weak++);
    filled(self, WeakMap, "WeakMap", entries, function (entry) { self.set(pair(entry)[0], entry[1]); });
  }

  R.made(WeakMap, "WeakMap", {
    get: function (key) {
      var name = slot(this, WeakMap, "WeakMap.prototype.get");
      return R.isObject(key) && own.call(key, name) ? key[name] : undefined;
    },
    set: function (key, value) {
      keep(slot(this, WeakMap, "WeakMap.prototype.set"), key, value, "as weak map key");
      return this;
    },
    has: function (key) { return R.isObject(key) && own.call(key, slot(this, WeakMap, "WeakMap.prototype.has")); },
    delete: function (key) { return lose(slot(this, WeakMap, "WeakMap.prototype.delete"), key); }
  });

  function WeakSet() {
    var self = this, values = arguments[0];
    if (self instanceof WeakSet) R.hide(self, "$$" + "slot", "$$w" + weak++);
    filled(self, WeakSet, "WeakSet", values, function (value) { self.add(value); });
  }

  R.made(WeakSet, "WeakSet", {
    add: function (value) {
      keep(slot(this, WeakSet, "WeakSet.prototype.add"), value, true, "in weak set");
      return this;
    },
    has: function (value) { return R.isObject(value) && own.call(value, slot(this, WeakSet, "WeakSet.prototype.has")); },
    delete: function (value) { return lose(slot(this, WeakSet, "WeakSet.prototype.delete"), value); }
  });
})
