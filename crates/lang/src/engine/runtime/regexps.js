// What regular expressions have beyond ES5: named groups, all matches, and methods of symbols.
(function (G, R, door) {
  var S = String, SP = S.prototype, RP = RegExp.prototype, exec = RP.exec, replace = SP.replace, split = SP.split;

  function text(value, who) {
    if (value === undefined || value === null) throw new TypeError("String.prototype." + who + " called on null or undefined");
    return S(value);
  }

  // The names of the groups of an expression are kept in it: `$$names` has for each name the number of its group.
  function grouped(expression, match) {
    var names = expression.$$names, groups, name;
    if (match === null) return match;
    if (names !== undefined) {
      groups = Object.create(null);
      for (name in names) groups[name] = match[names[name]];
    }
    match.groups = groups;
    return match;
  }

  // Takes the names out of an expression, with their numbers; `\k<name>` becomes the number.
  function unnamed(source) {
    var names, count = 0, out = "", i = 0, inside = false, end, name;
    if (source.indexOf("(?<") < 0) return undefined;
    while (i < source.length) {
      if (source.charAt(i) === "\\") {
        out += source.slice(i, i + 2);
        i += 2;
        continue;
      }
      if (source.charAt(i) === "[") inside = true;
      if (source.charAt(i) === "]") inside = false;
      if (!inside && source.charAt(i) === "(" && source.charAt(i + 1) !== "?") count++;
      if (!inside && source.slice(i, i + 3) === "(?<" && source.charAt(i + 3) !== "=" && source.charAt(i + 3) !== "!") {
        end = source.indexOf(">", i);
        name = source.slice(i + 3, end);
        if (end < 0 || !/^[A-Za-z_$][\w$]*$/.test(name)) throw new SyntaxError("Invalid regular expression: /" + source + "/: Invalid capture group name");
        names = names || {};
        if (names[name] !== undefined) throw new SyntaxError("Invalid regular expression: /" + source + "/: Duplicate capture group name");
        names[name] = ++count;
        out += "(";
        i = end + 1;
        continue;
      }
      out += source.charAt(i);
      i++;
    }
    if (names === undefined) return undefined;
    out = replace.call(out, /\\(?:k<([\w$]+)>|[^])/g, function (all, name) {
      if (name === undefined) return all;
      if (names[name] === undefined) throw new SyntaxError("Invalid regular expression: /" + source + "/: Invalid named capture referenced");
      return "(?:\\" + names[name] + ")";
    });
    return { source: out, names: names };
  }

  var Native = RegExp;
  function RegExpOf(pattern, flags) {
    var from, found, made;
    if (pattern instanceof Native) {
      if (!(this instanceof RegExpOf) && flags === undefined) return pattern;
      from = pattern.$$source === undefined ? pattern.source : pattern.$$source;
      if (flags === undefined) flags = pattern.flags;
    } else {
      from = pattern === undefined ? "(?:)" : S(pattern);
    }
    flags = flags === undefined ? "" : S(flags);
    // The names may have been taken out before it came here.
    found = pattern instanceof Native && pattern.$$names !== undefined && pattern.$$source === undefined
      ? { source: from, names: pattern.$$names } : unnamed(from);
    made = new Native(found ? found.source : from, flags);
    if (found) {
      R.hide(made, "$$" + "names", found.names);
      if (found.source !== from) R.hide(made, "$$" + "source", from);
    }
    return made;
  }
  RegExpOf.prototype = RP;
  R.hide(RP, "con" + "structor", RegExpOf);
  R.hide(RegExpOf, "na" + "me", "RegExp");
  G.RegExp = RegExpOf;
  if (R.natives) R.natives.push(RegExpOf);

  // `$<name>` and the rest of a replacement, for an expression with names.
  function filled(pattern, match, all, names) {
    return replace.call(pattern, /\$(?:([$&`'])|(\d\d?)|<([^>]*)>)/g, function (whole, sign, number, name) {
      var at;
      if (sign === "$") return "$";
      if (sign === "&") return match[0];
      if (sign === "`") return all.slice(0, match.index);
      if (sign === "'") return all.slice(match.index + match[0].length);
      if (name !== undefined) {
        at = names[name];
        return at === undefined || match[at] === undefined ? "" : match[at];
      }
      at = +number;
      if (at >= match.length && number.length > 1) {
        at = +number.charAt(0);
        return at < match.length && at > 0 ? (match[at] === undefined ? "" : match[at]) + number.charAt(1) : whole;
      }
      return at < match.length && at > 0 ? match[at] === undefined ? "" : match[at] : whole;
    });
  }

  // All matches of an expression, or the first where it is not global.
  function matches(expression, all) {
    var list = [], match;
    if (!expression.global) {
      match = expression.exec(all);
      return match ? [match] : [];
    }
    expression.lastIndex = 0;
    for (match = expression.exec(all); match; match = expression.exec(all)) {
      list.push(match);
      if (match[0] === "") expression.lastIndex++;
    }
    return list;
  }

  function replaced(all, expression, by) {
    var out = "", from = 0;
    matches(expression, all).forEach(function (match) {
      var list = match.slice(0);
      out += all.slice(from, match.index);
      if (typeof by === "function") {
        list.push(match.index, all);
        if (match.groups) list.push(match.groups);
        out += by.apply(undefined, list);
      } else {
        out += filled(S(by), match, all, expression.$$names || {});
      }
      from = match.index + match[0].length;
    });
    return out + all.slice(from);
  }

  var match = SP.match, replaceAll = SP.replaceAll;
  R.put(RP, { exec: function (all) { return grouped(this, exec.call(this, all)); } });
  R.put(SP, {
    match: function (expression) {
      var custom = R.isObject(expression) ? expression.$$match : undefined, found;
      if (typeof custom === "function") return custom.call(expression, S(this));
      if (!(expression instanceof Native)) expression = new RegExpOf(expression);
      if (!expression.global) return expression.exec(text(this, "match"));
      found = match.call(this, expression);
      return found;
    },
    matchAll: function (expression) {
      var all = text(this, "matchAll"), copy, last = false;
      if (!(expression instanceof Native)) expression = new RegExpOf(expression, "g");
      if (!expression.global) throw new TypeError("String.prototype.matchAll called with a non-global RegExp argument");
      copy = new RegExpOf(expression, expression.flags);
      copy.lastIndex = expression.lastIndex;
      return R.asking(function () {
        var found = last ? null : copy.exec(all);
        if (found === null) {
          last = true;
          return undefined;
        }
        if (found[0] === "") copy.lastIndex++;
        return { value: found, done: false };
      });
    },
    replace: function (what, by) {
      var custom = R.isObject(what) ? what.$$replace : undefined;
      if (typeof custom === "function") return custom.call(what, S(this), by);
      if (what instanceof Native && what.$$names !== undefined) return replaced(text(this, "replace"), what, by);
      return replace.call(this, what, by);
    },
    replaceAll: function (what, by) {
      if (what instanceof Native) {
        if (!what.global) throw new TypeError("replaceAll must be called with a global RegExp");
        return this.replace(what, by);
      }
      return replaceAll.call(this, what, by);
    },
    split: function (by, most) {
      var custom = R.isObject(by) ? by.$$split : undefined;
      if (typeof custom === "function") return custom.call(by, S(this), most);
      return split.call(this, by, most);
    }
  });
})
