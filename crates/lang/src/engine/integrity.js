// Integrity of a session's names: what a turn with fewer powers than the session has changed of them is put back, because
// whoever has more would call it next. The turn's own new names stay, and are its own; so is what it changed inside of data.
//
// The turn's code may have changed every built-in when this runs, so nothing of them is called but what is handed in, and
// what was added to Object.prototype is gone before any description of a property is read.
(function (G, tools) {
  var names = tools.getOwnPropertyNames, describe = tools.getOwnPropertyDescriptor, define = tools.defineProperty;
  var parent = tools.getPrototypeOf, adopt = tools.setPrototypeOf, fast = { writable: 4, enumerable: 2, configurable: 1 };
  // What is looked after, how errors call it, its prototype, and of its properties in a row: name, value or getter, setter, kind.
  var objects, titles, parents, marks, count;
  // Names that turns have made. Keys begin with a letter of ours.
  var made = {};
  var told, lost;

  function isObject(value) { return typeof value === "function" || typeof value === "object" && value !== null; }

  function isMade(name) { return made["$" + name] === true; }

  // -1 for data, and what may be done to the property.
  function kind(one) {
    return (one.writable === undefined ? 8 : one.writable ? fast.writable : 0) + (one.enumerable ? fast.enumerable : 0) + (one.configurable ? fast.configurable : 0);
  }

  function watch(object, title) {
    var i, list, above, row = [], one;
    if (!isObject(object)) return;
    for (i = 0; i < count; i++) if (objects[i] === object) return;
    // Some functions of the engine are no objects, and nothing can be put into them.
    try { above = parent(object); list = names(object); } catch (plain) { return; }
    objects[count] = object;
    titles[count] = title;
    parents[count] = above;
    marks[count] = row;
    count++;
    for (i = 0; i < list.length; i++) {
      if (object === G && isMade(list[i])) continue;
      one = describe(object, list[i]);
      if (one === undefined) continue;
      row[row.length] = list[i];
      row[row.length] = one.get || one.value;
      row[row.length] = one.set;
      row[row.length] = kind(one);
    }
  }

  // A turn begins.
  function begin(classes) {
    var list, i, one, own;
    objects = [];
    titles = [];
    parents = [];
    marks = [];
    count = 0;
    watch(G.Object.prototype, "Object.prototype");
    watch(G, "");
    watch(G.JSON, "JSON");
    watch(G.Math, "Math");
    watch(G.console, "console");
    watch(G.performance, "performance");
    watch(G.Reflect, "Reflect");
    list = names(G);
    for (i = 0; i < list.length; i++) {
      if (isMade(list[i])) continue;
      one = describe(G, list[i]);
      if (one === undefined || typeof one.value !== "function") continue;
      // Which is made when it is first looked at.
      own = one.value.prototype;
      watch(one.value, list[i]);
      watch(own, list[i] + ".prototype");
    }
    watch(parent(G.Uint8Array), "TypedArray");
    watch(parent(G.Uint8Array.prototype), "TypedArray.prototype");
    for (i = 0; i < classes.length; i++) watch(classes[i].prototype, "an iterator");
  }

  function note(i, name) {
    if (told.length < 16 && name.length < 256) told[told.length] = (titles[i] ? titles[i] + "." : "") + name;
  }

  function place(row, name, near) {
    var at;
    if (row[near] === name) return near;
    for (at = 0; at < row.length; at += 4) if (row[at] === name) return at;
    return -1;
  }

  // Takes away what was added; a name of the top level is the turn's.
  function strip(i) {
    var object = objects[i], list = names(object), row = marks[i], at = 0, j, found;
    for (j = 0; j < list.length; j++) {
      found = place(row, list[j], at);
      if (found >= 0) { at = found + 4; continue; }
      if (object === G) { made["$" + list[j]] = true; continue; }
      note(i, list[j]);
      try { delete object[list[j]]; } catch (kept) { lost = true; }
      if (describe(object, list[j]) !== undefined) lost = true;
    }
  }

  function differs(object, row, at) {
    var one = describe(object, row[at]), value;
    if (one === undefined || kind(one) !== row[at + 3]) return true;
    value = one.get || one.value;
    return one.set !== row[at + 2] || value !== row[at + 1] && (value === value || row[at + 1] === row[at + 1]);
  }

  function restore(i) {
    var object = objects[i], row = marks[i], at, what, one;
    if (parent(object) !== parents[i]) {
      note(i, "__proto__");
      try { adopt(object, parents[i]); } catch (kept) { lost = true; }
      if (parent(object) !== parents[i]) lost = true;
    }
    for (at = 0; at < row.length; at += 4) {
      if (!differs(object, row, at)) continue;
      note(i, row[at]);
      what = row[at + 3];
      one = { enumerable: (what & fast.enumerable) !== 0, configurable: (what & fast.configurable) !== 0 };
      if (what & 8) {
        one.get = row[at + 1];
        one.set = row[at + 2];
      } else {
        one.value = row[at + 1];
        one.writable = (what & fast.writable) !== 0;
      }
      try { define(object, row[at], one); } catch (kept) { lost = true; }
      if (differs(object, row, at)) lost = true;
    }
  }

  // It has ended: what is as it was again, and whether all of it is.
  function end() {
    var i, all = objects;
    told = [];
    lost = false;
    for (i = 0; i < count; i++) strip(i);
    for (i = 0; i < count; i++) restore(i);
    objects = titles = parents = marks = undefined;
    return { restored: told, lost: lost || all === undefined };
  }

  return { begin: begin, end: end };
})
