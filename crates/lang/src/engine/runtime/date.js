// Date, whose local time zone is UTC. The clock is the vault's.
(function (G, R, door) {
  var floor = Math.floor, DAY = 864e5, LONGEST = 864e13, now = G.Date.now, S = String;
  var days = "Sun,Mon,Tue,Wed,Thu,Fri,Sat".split(","), months = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec".split(",");
  var NEVER = 0 / 0;

  // Days since 1970 of the first of a month; months may be any number. Years are counted from March in here.
  function day(year, month) {
    var era, rest;
    year += floor(month / 12);
    month = (month % 12 + 12) % 12;
    if (month < 2) year--;
    era = floor(year / 400);
    rest = year - era * 400;
    return era * 146097 + rest * 365 + floor(rest / 4) - floor(rest / 100) + floor((153 * ((month + 10) % 12) + 2) / 5) - 719468;
  }

  // Year, month, day of the month, hours, minutes, seconds, milliseconds, day of the week.
  function fields(time) {
    var date = floor(time / DAY), rest = time - date * DAY, era, inEra, year, inYear, month, at = date + 719468;
    era = floor(at / 146097);
    inEra = at - era * 146097;
    year = floor((inEra - floor(inEra / 1460) + floor(inEra / 36524) - floor(inEra / 146096)) / 365);
    inYear = inEra - (365 * year + floor(year / 4) - floor(year / 100));
    month = floor((5 * inYear + 2) / 153);
    return [era * 400 + year + (month > 9 ? 1 : 0), (month + 2) % 12, inYear - floor((153 * month + 2) / 5) + 1,
      floor(rest / 36e5), floor(rest / 6e4) % 60, floor(rest / 1000) % 60, rest % 1000, ((date + 4) % 7 + 7) % 7];
  }

  function clip(time) {
    return time >= -LONGEST && time <= LONGEST ? (time < 0 ? Math.ceil(time) : floor(time)) + 0 : NEVER;
  }

  // The time of these fields, each of which may be beyond its bounds.
  function joined(list) {
    var all = [0, 0, 1, 0, 0, 0, 0], i;
    for (i = 0; i < 7 && i < list.length; i++) {
      all[i] = +list[i];
      if (!isFinite(all[i])) return NEVER;
      all[i] = R.whole(all[i]);
    }
    return (day(all[0], all[1]) + all[2] - 1) * DAY + all[3] * 36e5 + all[4] * 6e4 + all[5] * 1000 + all[6];
  }

  function given(list) {
    var year = +list[0];
    list = Array.prototype.slice.call(list);
    if (year >= 0 && year <= 99) list[0] = 1900 + R.whole(year);
    return clip(joined(list));
  }

  var ISO = /^([+-]\d{6}|\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;
  var WORDS = /^(?:[a-z]{3,9}\.?,?\s+)?(?:(\d{1,2})[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{1,4})|([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{1,4}))(?:,?\s+(?:at\s+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(am|pm)?)?\s*(?:(?:GMT|UTC|Z)?\s*([+-]\d\d:?\d\d)?)?\s*(?:\([^)]*\))?$/i;
  var SLASHES = /^(\d{1,4})[\/](\d{1,2})[\/](\d{1,4})(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*(am|pm)?)?\s*(?:GMT|UTC|Z)?$/i;

  function offset(zone) {
    var digits;
    if (!zone || zone === "Z" || zone === "z") return 0;
    digits = zone.slice(1).replace(":", "");
    return (zone.charAt(0) === "-" ? -1 : 1) * (+digits.slice(0, 2) * 60 + +digits.slice(2)) * 6e4;
  }

  function hours(hour, half) {
    if (!half) return +hour || 0;
    return +hour % 12 + (half.toLowerCase() === "pm" ? 12 : 0);
  }

  function parse(text) {
    var found, month, year, date;
    text = S(text).trim();
    found = ISO.exec(text);
    if (found) {
      if (found[1] === "-000000" || found[2] && (+found[2] < 1 || +found[2] > 12) || found[3] && (+found[3] < 1 || +found[3] > 31)) return NEVER;
      if (+found[4] > 24 || +found[5] > 59 || +found[6] > 59 || +found[4] === 24 && (+found[5] || +found[6] || +found[7])) return NEVER;
      if (found[8] && !found[4]) return NEVER;
      return clip(joined([+found[1], (found[2] || 1) - 1, found[3] || 1, found[4] || 0, found[5] || 0, found[6] || 0,
        found[7] ? +(found[7] + "00").slice(0, 3) : 0]) - offset(found[8]));
    }
    found = WORDS.exec(text);
    if (found) {
      month = (found[2] || found[4]).slice(0, 3).toLowerCase();
      month = months.map(function (name) { return name.toLowerCase(); }).indexOf(month);
      date = +(found[1] || found[5]);
      year = +(found[3] || found[6]);
      if (month < 0 || date < 1 || date > 31) return NEVER;
      if (year < 50) year += 2000; else if (year < 100) year += 1900;
      return clip(joined([year, month, date, hours(found[7], found[11]), found[8] || 0, found[9] || 0,
        found[10] ? +(found[10] + "00").slice(0, 3) : 0]) - offset(found[12]));
    }
    found = SLASHES.exec(text);
    if (!found) return NEVER;
    date = found[1].length > 2 ? [found[1], found[2] - 1, found[3]] : [found[3], found[1] - 1, found[2]];
    if (date[1] < 0 || date[1] > 11 || +date[2] < 1 || +date[2] > 31) return NEVER;
    if (+date[0] < 50) date[0] = 2000 + +date[0]; else if (+date[0] < 100) date[0] = 1900 + +date[0];
    return clip(joined(date.concat([hours(found[4], found[7]), found[5] || 0, found[6] || 0])));
  }

  function two(n) { return n < 10 ? "0" + n : "" + n; }

  function year(n, most) {
    var text = S(Math.abs(n));
    while (text.length < most) text = "0" + text;
    return (n < 0 ? "-" : "") + text;
  }

  function clock(all) { return two(all[3]) + ":" + two(all[4]) + ":" + two(all[5]); }
  function dateText(all) { return days[all[7]] + " " + months[all[1]] + " " + two(all[2]) + " " + year(all[0], 4); }

  function Date(first, month, date, hour, minute, second, ms) {
    var count = arguments.length, time;
    if (!(this instanceof Date)) return new Date().toString();
    if (count === 0) time = now();
    else if (count > 1) time = given(arguments);
    else if (first instanceof Date && first.$$time !== undefined) time = first.$$time;
    else {
      first = R.toPrimitive(first);
      time = typeof first === "string" ? parse(first) : clip(+first);
    }
    R.hide(this, "$$" + "time", time);
  }

  function time(date) {
    if (!(date instanceof Date) || date.$$time === undefined) throw new TypeError("this is not a Date object.");
    return date.$$time;
  }

  // What is written of a date, unless it is none.
  function writes(write) {
    return function () {
      var at = time(this);
      return at !== at ? "Invalid Date" : write(fields(at), at);
    };
  }

  function zoned(all) { return dateText(all) + " " + clock(all) + " GMT+0000 (Coordinated Universal Time)"; }
  function american(all) { return all[1] + 1 + "/" + all[2] + "/" + all[0]; }
  function half(all) {
    return (all[3] % 12 || 12) + ":" + two(all[4]) + ":" + two(all[5]) + (all[3] < 12 ? " AM" : " PM");
  }

  function iso(all) {
    var text = all[0] >= 0 && all[0] <= 9999 ? year(all[0], 4) : (all[0] < 0 ? "-" : "+") + year(Math.abs(all[0]), 6);
    return text + "-" + two(all[1] + 1) + "-" + two(all[2]) + "T" + clock(all) + "." + ("00" + all[6]).slice(-3) + "Z";
  }

  R.made(Date, "Date", {
    getTime: function () { return time(this); },
    valueOf: function () { return time(this); },
    setTime: function (value) { time(this); return this.$$time = clip(+value); },
    getTimezoneOffset: function () { var at = time(this); return at !== at ? at : 0; },
    getYear: function () { return this.getFullYear() - 1900; },
    toString: writes(zoned),
    toDateString: writes(dateText),
    toTimeString: writes(function (all) { return zoned(all).slice(dateText(all).length + 1); }),
    toUTCString: writes(function (all) {
      return days[all[7]] + ", " + two(all[2]) + " " + months[all[1]] + " " + year(all[0], 4) + " " + clock(all) + " GMT";
    }),
    toLocaleString: writes(function (all) { return american(all) + ", " + half(all); }),
    toLocaleDateString: writes(american),
    toLocaleTimeString: writes(half),
    toISOString: function () {
      var at = time(this);
      if (at !== at) throw new RangeError("Invalid time value");
      return iso(fields(at));
    },
    toJSON: function () { return isFinite(+this) ? this.toISOString() : null; },
    $$toPrimitive: function (hint) { return hint === "number" ? time(this) : this.toString(); }
  });
  R.hide(Date.prototype, "toGMT" + "String", Date.prototype.toUTCString);

  // Getters and setters: the field, and how many arguments from it on a setter takes.
  var FIELDS = { FullYear: [0, 3], Month: [1, 2], Date: [2, 1], Hours: [3, 4], Minutes: [4, 3], Seconds: [5, 2], Milliseconds: [6, 1], Day: [7, 0] };
  R.allKeys(FIELDS).forEach(function (name) {
    var field = FIELDS[name][0], most = FIELDS[name][1];
    function get() {
      var at = time(this);
      return at !== at ? at : fields(at)[field];
    }
    function set(value) {
      var at = time(this), all, i;
      if (at !== at) {
        if (field) return at;
        at = 0;
      }
      all = fields(at);
      if (!arguments.length) return this.$$time = NEVER;
      for (i = 0; i < arguments.length && i < most; i++) all[field + i] = +arguments[i];
      return this.$$time = clip(joined(all));
    }
    R.hide(Date.prototype, "get" + name, get);
    R.hide(Date.prototype, "getUTC" + name, get);
    if (most) {
      R.hide(Date.prototype, "set" + name, set);
      R.hide(Date.prototype, "setUTC" + name, set);
    }
  });
  R.put(Date, { now: now, parse: parse, UTC: function () { return given(arguments.length < 2 ? [arguments[0], 0] : arguments); } });
  R.Date = Date;
})
