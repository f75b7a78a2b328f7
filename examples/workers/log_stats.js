// log_stats: reads a web server's access log (combined format) in chunks and answers questions.
//
//   hauki clone examples/workers/log_stats.js --out t.json
//   hauki proxy call t.json ingest --text --file access.log
//   hauki proxy call t.json top '{"n":5}'

var LINE = /^(\S+) \S+ \S+ \[([^\]]+)\] "([A-Z]+) ([^ "]*)[^"]*" (\d+) (\d+|-)/;

var _lines = 0;
var _unread = 0;
var _bytes = 0;
var _rest = "";
var _paths = {};
var _hosts = {};
var _statuses = {};
var _minutes = {};
var _failures = [];

function _count(table, key) {
    table[key] = (table[key] || 0) + 1;
}

function _take(line) {
    var found = LINE.exec(line);
    if (!found) {
        _unread++;
        return;
    }
    var status = found[5];
    _lines++;
    _bytes += found[6] === "-" ? 0 : Number(found[6]);
    _count(_paths, found[4]);
    _count(_hosts, found[1]);
    _count(_statuses, status);
    // 21/Nov/2026:21:17:45 +0000 -> 21:17
    _count(_minutes, found[2].substring(12, 17));
    if (status >= "400" && _failures.length < 1000) {
        _failures.push({ status: Number(status), method: found[3], path: found[4], from: found[1] });
    }
}

// Takes a chunk of the file; a line that the chunk cuts is completed by the next one.
function ingest(chunk) {
    var lines = (_rest + chunk).split("\n");
    _rest = lines.pop();
    for (var i = 0; i < lines.length; i++) {
        if (lines[i] !== "") {
            _take(lines[i]);
        }
    }
    return { lines: _lines, unread: _unread };
}

function _ranked(table, n) {
    return Object.keys(table)
        .map(function (key) { return { key: key, count: table[key] }; })
        .sort(function (a, b) { return b.count - a.count || (a.key < b.key ? -1 : 1); })
        .slice(0, n);
}

// The most frequent paths, or hosts with {by: "host"}.
function top(ask) {
    var n = (ask && ask.n) || 10;
    return _ranked(ask && ask.by === "host" ? _hosts : _paths, n);
}

// Requests that failed: how many of each status, and the paths behind them.
function errors(ask) {
    var n = (ask && ask.n) || 10;
    var paths = {};
    _failures.forEach(function (failure) { _count(paths, failure.status + " " + failure.path); });
    return { total: _failures.length, worst: _ranked(paths, n) };
}

// Requests per minute, as numbers and as a picture.
function histogram() {
    var minutes = Object.keys(_minutes).sort();
    var most = minutes.reduce(function (most, minute) { return Math.max(most, _minutes[minute]); }, 1);
    return minutes.map(function (minute) {
        var width = Math.round(_minutes[minute] * 40 / most);
        return { minute: minute, count: _minutes[minute], bar: new Array(width + 1).join("#") };
    });
}

function report() {
    return { lines: _lines, unread: _unread, bytes: _bytes, statuses: _statuses, by: this_object() };
}
