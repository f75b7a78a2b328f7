// console, as far as lines go: each is a line of the worker. What is no text is shown as Node shows it, in short.
(function (G, R, door) {
  var S = String, line = R.line, indent = "", counts = {}, timers = {}, isArray = Array.isArray, stringify = JSON.stringify;
  // How wide a line may be, and how deep the object was that was shown last.
  var WIDTH = 80, reached = 0;

  function key(name) { return /^[A-Za-z_$][\w$]*$/.test(name) ? name : "'" + name + "'"; }

  function quoted(text) {
    var mark = text.indexOf("'") < 0 ? "'" : text.indexOf("\"") < 0 ? "\"" : text.indexOf("`") < 0 ? "`" : "'";
    text = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t").replace(/\r/g, "\\r");
    return mark + (mark === "'" ? text.replace(/'/g, "\\'") : text) + mark;
  }

  function called(value) {
    var of = Object.getPrototypeOf(value);
    return of && typeof of.constructor === "function" ? of.constructor.name : "";
  }

  function stack(error) {
    var head = error.name + (error.message === "" ? "" : ": " + error.message), frames = error.stack;
    return frames ? head + "\n" + S(frames).replace(/\n+$/, "") : head;
  }

  // How many are in it.
  function count(value) {
    if (isArray(value) || value instanceof R.Typed) return value.length;
    return (G.Map && value instanceof G.Map || G.Set && value instanceof G.Set ? value.size : 0) || R.keys(value).length;
  }

  function filled(text, width, left) {
    var blanks = width > text.length ? " ".repeat(width - text.length) : "";
    return left ? blanks + text : text + blanks;
  }

  // The elements of a longer array as lines of columns, numbers to the right, as Node puts them; or as they are, where
  // they are too long.
  function columns(parts, value, level) {
    var rest = value.length > 100 ? 1 : 0, length = parts.length - rest, sum = 0, longest = 0, widest, bias, wide, numbers = true, widths = [];
    var lines = [], line, i, j;
    for (i = 0; i < length; i++) {
      sum += parts[i].length + 2;
      longest = Math.max(longest, parts[i].length);
    }
    widest = longest + 2;
    if (widest * 3 + level >= WIDTH || sum / widest <= 5 && longest > 6) return parts;
    bias = Math.max(widest - 3 - Math.sqrt(widest - sum / parts.length), 1);
    wide = Math.min(Math.round(Math.sqrt(2.5 * bias * length) / bias), Math.floor((WIDTH - level) / widest), 12);
    if (wide <= 1) return parts;
    for (i = 0; i < wide; i++) {
      widths[i] = 2;
      for (j = i; j < length; j += wide) widths[i] = Math.max(widths[i], parts[j].length + 2);
    }
    for (i = 0; i < parts.length; i++) if (typeof value[i] !== "number") numbers = false;
    for (i = 0; i < length; i += wide) {
      line = "";
      for (j = i; j < Math.min(i + wide, length) - 1; j++) line += filled(parts[j] + ", ", widths[j - i], numbers);
      lines.push(line + (numbers ? filled(parts[j], widths[j - i] - 2, true) : parts[j]));
    }
    if (rest) lines.push(parts[length]);
    return lines;
  }

  function show(value, around, depth) {
    var type = typeof value, parts, open = "{", close = "}", name, more, level, width;
    if (type === "string") return R.isHidden(value) ? "Symbol(" + (value.description || "") + ")" : quoted(value);
    if (type === "function") return value.name ? "[Function: " + value.name + "]" : "[Function (anonymous)]";
    if (type !== "object" || value === null) return value === 0 && 1 / value < 0 ? "-0" : S(value);
    if (value instanceof Error) return around.length ? "[" + stack(value) + "]" : stack(value);
    if (R.Date && value instanceof R.Date) return isFinite(+value) ? value.toISOString() : "Invalid Date";
    if (value instanceof RegExp) return S(value);
    if (R.shown && typeof R.shown(value) === "string") return R.shown(value);
    if (around.indexOf(value) >= 0) return "[Circular *1]";
    name = called(value);
    if (depth < 0 && count(value)) return isArray(value) ? "[Array]" : "[" + (name || "Object") + "]";
    around = around.concat([value]);
    if (count(value)) reached = around.length;
    function inner(one) { return show(one, around, depth - 1); }
    if (R.isPromise && R.isPromise(value)) {
      return "Promise { " + (value.$$state === 0 ? "<pending>" : value.$$state === 1 ? inner(value.$$value) : "<rejected> " + inner(value.$$value)) + " }";
    }
    if (isArray(value) || value instanceof R.Typed) {
      open = "[";
      close = "]";
      parts = Array.prototype.slice.call(value, 0, 100).map(inner);
      if (value.length > 100) parts.push("... " + (value.length - 100) + " more item" + (value.length > 101 ? "s" : ""));
      name = isArray(value) ? name === "Array" ? "" : name + "(" + value.length + ")" : name + "(" + value.length + ")";
      if (isArray(value)) {
        R.keys(value).slice(value.length).forEach(function (own) { parts.push(key(own) + ": " + inner(value[own])); });
      }
    } else if (G.Map && value instanceof G.Map) {
      name += "(" + value.size + ")";
      parts = R.list(value).map(function (pair) { return inner(pair[0]) + " => " + inner(pair[1]); });
    } else if (G.Set && value instanceof G.Set) {
      name += "(" + value.size + ")";
      parts = R.list(value).map(inner);
    } else {
      parts = R.keys(value).map(function (own) {
        var one = Object.getOwnPropertyDescriptor(value, own);
        return key(own) + ": " + (one && (one.get || one.set) ? one.get ? one.set ? "[Getter/Setter]" : "[Getter]" : "[Setter]" : inner(value[own]));
      });
      if (name === "Object") name = "";
      if (Object.getPrototypeOf(value) === null) name = "[Object: null prototype]";
    }
    name = name ? name + " " : "";
    if (!parts.length) return name + open + close;
    level = 2 * around.length - 2;
    more = open === "[" && parts.length > 6 ? columns(parts, value, level) : parts;
    // On one line goes what is short, and holds no more than two objects within each other.
    if (more === parts && reached - around.length < 3) {
      width = parts.reduce(function (sum, part) { return sum + part.length; }, 2 * parts.length + level + name.length + 11);
      more = parts.join(", ");
      if (width <= WIDTH && more.indexOf("\n") < 0) return name + open + " " + more + " " + close;
      more = parts;
    }
    return name + open + "\n  " + more.join(",\n").replace(/\n/g, "\n  ") + "\n" + close;
  }

  function shown(value) { return typeof value === "string" && !R.isHidden(value) ? value : show(value, [], 2); }

  // The format of a first text, and what is left of the list.
  function formatted(list) {
    var first = list[0], at = 1, out;
    list = Array.prototype.slice.call(list);
    if (typeof first !== "string" || list.length < 2 || first.indexOf("%") < 0) return list.map(shown).join(" ");
    out = first.replace(/%([sdifjoOc%])/g, function (whole, sign) {
      var value;
      if (sign === "%") return "%";
      if (at >= list.length) return whole;
      value = list[at++];
      switch (sign) {
      case "s": return typeof value === "object" && value !== null ? show(value, [], 0) : S(value);
      case "d": return R.isObject(value) ? "NaN" : S(+value);
      case "i": return S(parseInt(value, 10));
      case "f": return S(parseFloat(value));
      case "j": return stringify(value);
      case "c": return "";
      }
      return show(value, [], 4);
    });
    return [out].concat(list.slice(at).map(shown)).join(" ");
  }

  function say(level, text) { line(level, indent ? indent + text.replace(/\n/g, "\n" + indent) : text); }

  function sayer(level) {
    return function () { say(level, formatted(arguments)); };
  }

  function label(name) { return name === undefined ? "default" : S(name); }

  function took(name) {
    var ms = G.performance.now() - timers[name];
    return name + ": " + (ms >= 1000 ? (ms / 1000).toFixed(3) + "s" : (Math.round(ms * 1000) / 1000) + "ms");
  }

  function cells(row) { return row.map(function (cell) { return " " + cell + " "; }); }

  // A table with lines around it.
  function table(data, wanted) {
    var columns = [], rows = [], plain = false, names, width;
    if (!R.isObject(data)) return say("log", formatted([data]));
    R.keys(data).forEach(function (name) {
      var value = data[name];
      if (R.isObject(value)) R.keys(value).forEach(function (own) { if (columns.indexOf(own) < 0) columns.push(own); });
      else plain = true;
    });
    if (wanted) columns = wanted.slice();
    R.keys(data).forEach(function (name) {
      var value = data[name], row = [name];
      columns.forEach(function (own) {
        row.push(R.isObject(value) && own in value ? show(value[own], [], 0) : "");
      });
      if (plain) row.push(R.isObject(value) ? "" : show(value, [], 0));
      rows.push(cells(row));
    });
    names = cells(["(index)"].concat(columns, plain ? ["Values"] : []));
    width = names.map(function (name, i) {
      return Math.max.apply(undefined, [name.length].concat(rows.map(function (row) { return row[i].length; })));
    });
    function filled(cell, i) { return cell + " ".repeat(width[i] - cell.length); }
    function rule(a, b, c) { return a + width.map(function (n) { return "\u2500".repeat(n); }).join(b) + c; }
    function bar(row) { return "\u2502" + row.map(filled).join("\u2502") + "\u2502"; }
    say("log", [rule("\u250c", "\u252c", "\u2510"), bar(names), rule("\u251c", "\u253c", "\u2524")]
      .concat(rows.map(bar), [rule("\u2514", "\u2534", "\u2518")]).join("\n"));
  }

  R.formatted = formatted;
  R.put(G.console, {
    log: sayer("log"),
    info: sayer("info"),
    debug: sayer("debug"),
    warn: sayer("warn"),
    error: sayer("error"),
    trace: function () { say("error", ("Trace: " + formatted(arguments)).replace(/: $/, "") + "\n" + S(new Error().stack).replace(/\n+$/, "")); },
    dir: function (value) { say("log", shown(value)); },
    assert: function (holds) {
      var rest = Array.prototype.slice.call(arguments, 1);
      if (!holds) say("warn", "Assertion failed" + (rest.length ? ": " + formatted(rest) : ""));
    },
    group: function () {
      if (arguments.length) say("log", formatted(arguments));
      indent += "  ";
    },
    groupEnd: function groupEnd() { indent = indent.slice(2); },
    count: function (name) {
      name = label(name);
      counts[name] = (counts[name] || 0) + 1;
      say("log", name + ": " + counts[name]);
    },
    countReset: function countReset(name) { counts[label(name)] = 0; },
    time: function (name) { timers[label(name)] = G.performance.now(); },
    timeEnd: function timeEnd(name) {
      name = label(name);
      if (timers[name] === undefined) return;
      say("log", took(name));
      timers[name] = undefined;
    },
    timeLog: function timeLog(name) {
      name = label(name);
      if (timers[name] !== undefined) say("log", [took(name), formatted(Array.prototype.slice.call(arguments, 1))].join(" ").replace(/ $/, ""));
    },
    table: table,
    clear: function () {}
  });
  R.hide(G.console, "group" + "Collapsed", G.console.group);
})
