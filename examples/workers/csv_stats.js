// csv_stats: reads a CSV file in chunks and tells count, sum, mean, least and most of each column.
//
//   hauki clone examples/workers/csv_stats.js --args '[{"groups":{"by":"country","of":"price"}}]' --out csv.json
//   hauki proxy call csv.json ingest --text --file prices.csv
//   hauki proxy call csv.json columns
//   hauki proxy call csv.json groups
//
// Fields may be quoted, and a quoted field may hold commas, quotes ("") and line breaks; a chunk may
// end anywhere. Only sums are kept, so a file of any length needs the same memory.

var _separator = ",";
var _names = null;
var _stats = [];
var _groups = {};
var _grouping = null;
var _rows = 0;

// The reader's state between two chunks.
var _field = "";
var _record = [];
var _quoted = false;
var _quote_before = false;

function create(options) {
    if (options && options.separator) {
        _separator = options.separator;
    }
    if (options && options.groups) {
        // {by: NAME, of: NAME}: what groups() can be asked for.
        _grouping = options.groups;
    }
}

function _summary() {
    return { count: 0, numbers: 0, sum: 0, least: null, most: null };
}

function _note(summary, text) {
    var number;
    summary.count++;
    number = text === "" ? NaN : +text;
    if (!isFinite(number)) {
        return;
    }
    summary.numbers++;
    summary.sum += number;
    summary.least = summary.least === null ? number : Math.min(summary.least, number);
    summary.most = summary.most === null ? number : Math.max(summary.most, number);
}

function _shown(name, summary) {
    return {
        name: name,
        count: summary.count,
        numbers: summary.numbers,
        sum: summary.sum,
        mean: summary.numbers ? summary.sum / summary.numbers : null,
        least: summary.least,
        most: summary.most
    };
}

function _take(record) {
    var by, key, i;
    if (record.length === 1 && record[0] === "") {
        return;
    }
    if (_names === null) {
        _names = record;
        _stats = record.map(_summary);
        return;
    }
    _rows++;
    for (i = 0; i < _names.length && i < record.length; i++) {
        _note(_stats[i], record[i]);
    }
    if (_grouping !== null) {
        by = _names.indexOf(_grouping.by);
        key = "=" + (record[by] === undefined ? "" : record[by]);
        _groups[key] = _groups[key] || _summary();
        _note(_groups[key], record[_names.indexOf(_grouping.of)] || "");
    }
}

function _end_field() {
    _record.push(_field);
    _field = "";
}

function _end_record() {
    var record = _record;
    _record = [];
    _take(record);
}

// Takes a chunk of the file; answers the number of rows so far.
function ingest(chunk) {
    var i, letter;
    if (typeof chunk !== "string") {
        throw new TypeError("a chunk is text");
    }
    for (i = 0; i < chunk.length; i++) {
        letter = chunk[i];
        if (_quoted) {
            // A second quote is a quote of the field; anything else after the first ends the quoting.
            if (_quote_before) {
                _quote_before = false;
                if (letter === '"') {
                    _field += letter;
                    continue;
                }
                _quoted = false;
            } else if (letter === '"') {
                _quote_before = true;
                continue;
            } else {
                _field += letter;
                continue;
            }
        }
        if (letter === '"' && _field === "") {
            _quoted = true;
        } else if (letter === _separator) {
            _end_field();
        } else if (letter === "\n") {
            _end_field();
            _end_record();
        } else if (letter !== "\r") {
            _field += letter;
        }
    }
    if (_rows > 0) {
        emit("progress", { rows: _rows });
    }
    return _rows;
}

// The last line may have no line break: say so when the file is at its end.
function finish() {
    if (_field !== "" || _record.length > 0) {
        _end_field();
        _end_record();
    }
    _quoted = false;
    _quote_before = false;
    return _rows;
}

function columns() {
    return (_names || []).map(function (name, index) { return _shown(name, _stats[index]); });
}

// What was asked for when the worker was made: summon --args '[{"groups":{"by":"country","of":"price"}}]'
function groups() {
    if (_grouping === null) {
        throw new Error("no grouping was asked for; give create() {groups: {by: NAME, of: NAME}}");
    }
    return Object.keys(_groups).sort().map(function (key) { return _shown(key.substring(1), _groups[key]); });
}
