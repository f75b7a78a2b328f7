[new Date(0), new Date(0).getTime(), +new Date(86400000), new Date(NaN)]
[new Date("2024-02-29T12:34:56.789Z"), new Date("2024-02-29"), new Date("2024-02"), new Date("2024")]
[new Date("2024-02-29T12:34:56+02:00"), new Date("2024-02-29T12:34Z"), new Date("2024-02-29T12:34:56.1234567Z")]
[new Date(2024, 0, 31, 10, 20, 30, 40), new Date(2024, 12), new Date(99, 0), new Date(2024, 1, 30)]
[Date.UTC(2024, 1, 29), Date.UTC(2024), Date.UTC(1970, 0, 1, 0, 0, 0, 1), Date.UTC()]
const d = new Date("2024-02-29T12:34:56.789Z");; [d.getFullYear(), d.getMonth(), d.getDate(), d.getDay(), d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds(), d.getTimezoneOffset()]
const d = new Date("2024-02-29T12:34:56.789Z");; [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCDay(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(), d.getUTCMilliseconds()]
const d = new Date(0); d.setFullYear(2023, 5, 15); d.setHours(1, 2, 3, 4);; d
const d = new Date("2024-01-31"); d.setMonth(1);; d
const d = new Date("2024-01-31"); d.setDate(d.getDate() + 30);; d
const d = new Date(0);; [d.setUTCFullYear(2000), d.setMinutes(90), d.setSeconds(-1), d.setMilliseconds(5), d.setTime(7)]
[new Date(0).toString(), new Date(0).toDateString(), new Date(0).toTimeString(), new Date(0).toUTCString(), new Date(0).toISOString(), new Date(0).toJSON()]
[String(new Date(NaN)), new Date(NaN).getTime(), new Date(NaN).toJSON(), new Date("x").getFullYear()]
new Date(NaN).toISOString()
[new Date(-1), new Date(-62198755200000), new Date(8.64e15), new Date(8.64e15 + 1), new Date(-8.64e15)]
[new Date(8.64e15).toISOString(), new Date(-62198755200000).toISOString(), new Date(-1e14).toISOString()]
[Date.parse("Tue, 05 Nov 2024 10:20:30 GMT"), Date.parse("5 Nov 2024"), Date.parse("Nov 5, 2024"), Date.parse("November 5, 2024 10:20"), Date.parse("11/05/2024"), Date.parse("2024/11/05")]
[Date.parse("2024-13-01"), Date.parse("2024-02-30"), Date.parse("hello"), Date.parse("2024-01-01T25:00:00Z"), Date.parse("")]
[Date.parse("Tue Nov 05 2024 10:20:30 GMT+0200 (Eastern European Standard Time)"), Date.parse("Nov 5, 2024 3:45 PM"), Date.parse("2024-11-05 10:20:30")]
[new Date(2024, 0, 1) - new Date(2023, 0, 1), new Date(5) < new Date(6), new Date(5) + 1 === String(new Date(5)) + "1"]
[typeof Date(), typeof Date.now(), new Date() - Date.now() < 1000, Date.now() > 1e12]
[JSON.stringify({ d: new Date(0) }), JSON.stringify([new Date(NaN)]), Object.keys(new Date(0))]
[new Date(new Date(5)).getTime(), new Date("5").getFullYear() > 0, new Date(true).getTime(), new Date(null).getTime(), new Date(undefined).getTime()]
[new Date(0).toLocaleDateString(), new Date(0).toLocaleTimeString(), new Date(0).toLocaleString(), new Date(1e12).toLocaleDateString("en-US")]
[Object.prototype.toString.call(new Date()), new Date(0) instanceof Date, Date.length, Date.name]
Date.prototype.getTime.call({})
const days = (a, b) => Math.round((new Date(b) - new Date(a)) / 864e5);; [days("2024-02-28", "2024-03-01"), days("2023-02-28", "2023-03-01"), days("1900-02-28", "1900-03-01"), days("2000-02-28", "2000-03-01")]
[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(m => new Date(2023, m + 1, 0).getDate())
[1e12, -1e12, 951782400000, 4102444800000].map(t => new Date(t).getDay())
class D extends Date { y() { return this.getFullYear() } };; [new D(0).y(), new D(0) instanceof Date, new D(2020, 1).y()]
`${new Date(0)}`
new Date(0)[Symbol.toPrimitive]("number")
new Date(0).valueOf() + 1
[new Date("2024-01-01T00:00:00.5Z").getMilliseconds(), new Date("2024-01-01T24:00:00Z"), new Date("+012024-01-01T00:00:00Z").getFullYear()]
Date.UTC(2024, 0, 1, NaN)
