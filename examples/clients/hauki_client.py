"""Call a hauki worker from Python 3.9 or newer: the standard library and a ticket, nothing else.

    with hauki_client.ghost("t.json", on_event=print) as scout:
        print(scout.observe(["a", "b"]))
        print(scout.top(n=5))                   # named arguments become one object, the last argument
        scout.call("hauki.destruct")            # or leave it to its lease

    async with hauki_client.aio("t.json") as scout:
        one, two = await asyncio.gather(scout.observe(["a"]), scout.observe(["b"]))
        async for name, params in scout.events():   # "hauki.log", {"text": …}; "hauki.event", {…}
            break

    db = scout.offer("db", {"rows": lambda n: [n]})  # the worker calls it: db->rows(3)
    scout.report(db)                                 # an argument like any; `tools=` is there without one

The node must show the ticket's certificate before the token is sent. Every call has a deadline;
heartbeats go out in the background; any thread may call `ghost`. A call that is cancelled or too late is
given up: the node does not begin it any more, or stops the worker. A connection that is lost fails the calls that it carried, kind
"connection_broken", and is made anew while the ticket is good; events "hauki.broken" and
"hauki.reconnected" tell of it. What is offered is called in a thread of its own, with `aio` in the loop (functions may be
coroutines), and with each new connection it is offered anew. Leaving `with` ends the connection only, unless the vault is linked.
Protocol: man 5 hauki-ticket.
"""
import asyncio, concurrent.futures, contextlib, contextvars, hashlib, hmac, ipaddress, itertools, json, os
import inspect, random, re, select, socket, ssl, threading, time
from datetime import datetime

SLACK = 2.0  # what a call may take beyond the node's own deadline
RUNNING = 64  # calls of what is offered; no node asks for so many at once
EVENTS = 1024  # those that nobody has taken yet; the oldest make room
KINDS = {-32700: "bad_request", -32600: "bad_request", -32601: "method_not_found", -32602: "invalid_params",
         -32603: "internal", -32000: "worker_failed", -32001: "unauthenticated", -32002: "denied",
         -32003: "vault_dead", -32004: "deadline", -32005: "too_large", -32006: "memory", -32007: "busy",
         -32008: "loop", -32009: "cancelled"}
TEMPORARY = {"unreachable", "connection_broken", "timeout", "busy"}  # worth another attempt
WORDS, U32, U64 = "", range(2 ** 32), range(2 ** 64)
DIGEST, TIME = re.compile("[0-9a-f]{64}"), re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")
# Of each member what it may be: a range, a pattern, words, one of these words only, what it is read with. All else is refused.
TICKET = {
    "v": [1], "kind": ["ticket"], "id": re.compile("tkt_[0-7][0-9A-HJKMNP-TV-Z]{25}"),
    "vault": re.compile("vlt_[0-7][0-9A-HJKMNP-TV-Z]{25}"), "generation": U64, "node": re.compile("[a-z][a-z0-9-]{0,62}"),
    "worker": {"name": WORDS, "version?": WORDS, "sha256": DIGEST},
    "endpoint": {"ip": ipaddress.ip_address, "port": range(1, 65536)},
    "tls": {"version": ["1.3"], "cert_sha256": DIGEST, "key_sha256": DIGEST}, "auth": {"scheme": ["biscuit"], "token": WORDS},
    "protocol": {"name": ["jsonrpc-2.0"], "framing": ["ndjson"], "max_frame_bytes": U32, "call_deadline_ms": U32},
    "methods": (WORDS,), "lease": {"claim_ms": U64, "lease_ms": U64, "link": bool, "link_silence_ms": U64},
    "issued_at": TIME, "expires_at": TIME}
WELCOME = {"vault": WORDS, "lease_ms": U64, "link": bool, "link_silence_ms": U64, "call_deadline_ms": U32, "features?": (WORDS,)}


class HaukiError(Exception):
    """A refusal. `code` is JSON-RPC's number, or a word where this side gave up; `kind` is always a
    word: the worker's own ("throw", "stack") where there is one; `data` says more."""
    def __init__(self, code, message, data=None):
        super().__init__(f"{message} ({code})")
        self.code, self.message, self.data = code, message, data
        own = data.get("kind") if isinstance(data, dict) else None
        self.kind = own or KINDS.get(code) or (code if isinstance(code, str) else "rpc_error")


class _Offer(dict):
    """Stands for what is offered in parameters of calls, of this connection and of those that take its place."""
    def __init__(self, face, name, what):
        super().__init__()
        self._face, self._name = face, name
        if isinstance(what, dict):
            self._methods = dict(what)
        elif callable(what) and not inspect.isclass(what):
            self._methods = {"call": what}
        else:
            names = [method for method in dir(what) if not method.startswith("_")]
            self._methods = {method: getattr(what, method) for method in names if callable(getattr(what, method))}
        if not self._methods:
            raise HaukiError("invalid_params", "there is no function in what is offered")

    def close(self):
        """Takes it back; with `aio` this is awaited."""
        return self._face._take_back(self)

    def _params(self):
        return {"name": self._name, "methods": list(self._methods)}

    def _is_known_as(self, result):
        self.clear()
        self.update((result or {}).get("object") or {})


_given_up = contextvars.ContextVar("hauki_given_up", default=None)


def is_given_up():
    """In a function that the worker calls, in its thread: whether nobody waits for it any more."""
    event = _given_up.get()
    return bool(event and event.is_set())


class _Face:
    """What both kinds of client have in common."""
    def __init__(self, ticket, timeout, connect_timeout, reconnect):
        self._offers = {}
        self._ticket, self._given, self._patience, self._reconnect = _read(ticket), timeout, connect_timeout, reconnect
        self._ids, self._over, self._wire = itertools.count(1), None, None

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args, **named: self.call(method, [*args, named] if named else list(args))

    def _welcomed(self, welcome):
        try:  # what is not known is left alone
            _fits({name: welcome[name] for name in welcome if {name, name + "?"} & WELCOME.keys()}
                  if isinstance(welcome, dict) else welcome, WELCOME, "the welcome")
        except HaukiError:
            raise _broken("the node sent what is no welcome") from None
        if welcome["vault"] != self._ticket["vault"]:
            raise _bad_ticket(f"it names {self._ticket['vault']}, and {welcome['vault']} answers to its token")
        self.welcome = welcome
        self._timeout = self._given or welcome["call_deadline_ms"] / 1000 + SLACK

    def _request(self, number, method, params):
        """A line that the node takes: one that is too long would end the connection for all."""
        line, limit = _line(number, method, params or []), self._ticket["protocol"]["max_frame_bytes"]
        if len(line) - 1 > limit:
            raise HaukiError("too_large", f"the request is longer than the {limit} bytes that the ticket allows")
        return line

    def _gives_up(self, number):
        """What tells a node that can that nobody waits for this call any more."""
        if "cancel" in (self.welcome.get("features") or ()):
            return _line(None, "hauki.cancel", {"id": number})
        return b""

    def _is_up(self):
        return self._wire and not self._wire.over

    def _begin_offer(self, name, what):
        if "offer" not in (self.welcome.get("features") or ()):
            raise HaukiError("unsupported", "the node is too old for what a caller offers")
        before, offer = self._offers.get(name), _Offer(self, name, what)
        self._offers[name] = offer
        return before, offer

    def _undo_offer(self, before, offer):
        """What the node has not taken, it has not put in the place of the one before."""
        if self._offers.get(offer._name) is offer:
            del self._offers[offer._name]
            if before is not None:
                self._offers[offer._name] = before

    def _called(self, params):
        offer = self._offers.get(params["object"])
        called = offer and offer._methods.get(params["method"])
        if not called:
            raise HaukiError(-32601, f"{params['object']} has no {params['method']}, or is offered no more")
        return called

    def _answer(self, number, result, error=None):
        """The line that tells a node what a function of this side has said."""
        limit = self._ticket["protocol"]["max_frame_bytes"]
        if error is None:
            try:
                line = _reply(number, {"result": result})
                if len(line) - 1 <= limit:
                    return line
                error = HaukiError(-32005, "the answer is longer than a line may be")
            except (TypeError, ValueError, RecursionError) as odd:
                error = odd
        known = isinstance(error, HaukiError)
        code = error.code if known and isinstance(error.code, int) else -32000
        return _reply(number, {"error": {"code": code, "message": (error.message if known else str(error) or repr(error))[:1024]}})

    def _take(self, message, on_event):
        name, params = message["method"], message["params"]
        if name == "hauki.dying":
            words = params.get("message") or f"{params['vault']} is dead: {params['death']['cause']}"
            self._over = HaukiError(-32003, words, params)
        if on_event:
            on_event(*(params["event"], params["data"]) if name == "hauki.event" else (name, params))
        self._tell(name, params)


class ghost(_Face):  # in lower case, because it reads as a verb
    def __init__(self, ticket, timeout=None, on_event=None, connect_timeout=5.0, reconnect=True, tools=None):
        """`ticket` is a file or a parsed ticket; `timeout` is for each call, in seconds; `tools` is offered, and the
        worker finds it as previous_object().tools."""
        super().__init__(ticket, timeout, connect_timeout, reconnect)
        self._on_event, self._change = on_event, threading.Condition()
        self._greet()
        for work in self._keep, self._beat:
            threading.Thread(target=work, daemon=True).start()
        if tools is not None:
            try:
                self.offer("tools", tools)
            except BaseException:
                self.close()
                raise

    def offer(self, name, what):
        """The worker can call `what`, a dict of functions, an object or a function, until it is taken back or another
        takes its place. Each call has a thread of its own."""
        before, offer = self._begin_offer(name, what)
        try:
            offer._is_known_as(self.call("hauki.offer", offer._params()))
        except BaseException:
            self._undo_offer(before, offer)
            raise
        return offer

    def _take_back(self, offer):
        if self._offers.get(offer._name) is offer:
            del self._offers[offer._name]
            offer.clear()
            if not self._over:
                self.call("hauki.offer", {"name": offer._name, "methods": []})

    def _asked(self, wire, number, params):
        def work():
            _given_up.set(given_up)
            try:
                line = self._answer(number, self._called(params)(*params["params"]))
            except Exception as error:  # whatever it is, it is the worker's error
                line = self._answer(number, None, error)
            if wire.running.pop(number, None):
                with contextlib.suppress(HaukiError):  # it takes nothing more, and will be too late
                    wire.send(line, time.monotonic() + self._timeout)
        given_up = wire.running[number] = threading.Event()
        threading.Thread(target=work, daemon=True).start()

    def call(self, method, params=None, timeout=None, on_event=None):
        """For reserved methods, and for names that this class has itself. `on_event` is called with what
        the worker emits or prints in this very call: its name and data, or "hauki.log" and {"text": …}."""
        timeout, number = timeout or self._timeout, next(self._ids)
        line, end = self._request(number, method, params), time.monotonic() + timeout
        reply, wire = concurrent.futures.Future(), None
        try:
            while wire is None or not wire.send(line, end, number, reply, on_event):
                wire = self._ready(end)
            return reply.result(max(0.0, end - time.monotonic()))
        except concurrent.futures.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None
        finally:
            if wire and wire.calls.pop(number, None) and not reply.done() and not wire.over:
                wire.give_up(self._gives_up(number))

    def __enter__(self):
        return self

    def close(self, *_):
        self._end(HaukiError("closed", "this side closed the connection"))
    __exit__ = close

    def _ready(self, end):
        """The connection, now or when there is one again."""
        with self._change:
            self._change.wait_for(lambda: self._over or self._is_up(), max(0.0, end - time.monotonic()))
            if self._over:
                raise self._over
            if not self._is_up():
                raise HaukiError("connection_broken", "there was no new connection in time")
            return self._wire

    def _greet(self):
        wire = _Wire(self._ticket, self._patience, self._take, self._asked)
        try:
            self._welcomed(wire.greet(_hello(self._ticket, self._given), self._ticket["lease"], self._patience))
            for offer in list(self._offers.values()):  # the calls that wait for this may need it
                number = next(self._ids)
                offer._is_known_as(wire.first(number, self._request(number, "hauki.offer", offer._params()), self._patience))
        except BaseException:
            wire.end(HaukiError("closed", "there was no welcome"))
            raise
        with self._change:
            self._wire = wire
            if self._over:
                wire.end(self._over)
            self._change.notify_all()

    def _keep(self):
        while True:
            error = self._wire.listen()
            self._wire.end(self._over or error)
            if self._over or not self._reconnect:
                return self._end(error)
            since, refusal = time.monotonic(), _Refusal()
            self._tell("hauki.broken", {"reason": error.message})
            for pause in _pauses():
                try:
                    self._greet()
                    break
                except HaukiError as error:
                    if self._over or refusal.lasts(error):
                        return self._end(error)
                time.sleep(pause)
            self._tell("hauki.reconnected", {"after_ms": int((time.monotonic() - since) * 1000)})

    def _tell(self, name, params):
        if self._on_event:
            self._on_event(name, params)

    def _beat(self):
        while not self._over:
            if self._wire.is_silent(self.welcome):
                self._wire.end(_broken("nothing was heard"))
            else:
                with contextlib.suppress(HaukiError):  # it takes nothing: the next beat will do
                    self._wire.send(_line(next(self._ids), "hauki.heartbeat"), time.monotonic() + self._patience)
            with self._change:
                self._change.wait_for(lambda: self._over, _interval(self.welcome))

    def _end(self, error):
        with self._change:
            self._over = self._over or error
            self._change.notify_all()
        self._wire.end(self._over)


class aio(_Face):
    """The same for asyncio. The `timeout` of a call, and of all, is in seconds."""
    def __init__(self, ticket, timeout=None, connect_timeout=5.0, reconnect=True, tools=None):
        super().__init__(ticket, timeout, connect_timeout, reconnect)
        self._queues, self._tasks, self._tools = [], [], tools

    async def __aenter__(self):
        self._change = asyncio.Condition()
        await self._greet()
        self._tasks = [asyncio.ensure_future(work()) for work in (self._keep, self._beat)]
        if self._tools is not None:
            try:
                await self.offer("tools", self._tools)
            except BaseException:
                await self.close()
                raise
        return self

    async def offer(self, name, what):
        before, offer = self._begin_offer(name, what)
        try:
            offer._is_known_as(await self.call("hauki.offer", offer._params()))
        except BaseException:
            self._undo_offer(before, offer)
            raise
        return offer

    async def _take_back(self, offer):
        if self._offers.get(offer._name) is offer:
            del self._offers[offer._name]
            offer.clear()
            if not self._over:
                await self.call("hauki.offer", {"name": offer._name, "methods": []})

    def _asked(self, wire, number, params):
        async def work():
            try:
                result = self._called(params)(*params["params"])
                line = self._answer(number, await result if inspect.isawaitable(result) else result)
            except Exception as error:  # whatever it is, it is the worker's error
                line = self._answer(number, None, error)
            if wire.running.pop(number, None) and not wire.over:
                wire.writer.write(line)
        wire.running[number] = asyncio.ensure_future(work())

    async def __aexit__(self, *_):
        await self.close()

    async def call(self, method, params=None, timeout=None, on_event=None):
        timeout, number = timeout or self._timeout, next(self._ids)
        line = self._request(number, method, params)
        try:
            return await asyncio.wait_for(self._ask(number, line, on_event), timeout)
        except asyncio.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None

    async def _ask(self, number, line, on_event):
        if not self._over and not self._is_up():
            async with self._change:
                await self._change.wait_for(lambda: self._over or self._is_up())
        if self._over:
            raise self._over
        return await self._wire.ask(number, line, self._gives_up(number), on_event)

    async def events(self):
        """What the worker prints and emits from now on, and what becomes of the connection, until the end."""
        queue = asyncio.Queue()
        self._queues.append(queue)
        try:
            while not (self._over and queue.empty()):
                event = await queue.get()
                if event is None:
                    return
                yield event
        finally:
            self._queues.remove(queue)

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end(HaukiError("closed", "this side closed the connection"))
        await self._wire.close()

    async def _greet(self):
        wire = _AioWire(self._take, self._asked)
        try:
            greeting = wire.greet(self._ticket, _hello(self._ticket, self._given))
            self._welcomed(await asyncio.wait_for(greeting, self._patience))
            for offer in list(self._offers.values()):  # the calls that wait for this may need it
                number = next(self._ids)
                asking = wire.first(number, self._request(number, "hauki.offer", offer._params()))
                offer._is_known_as(await asyncio.wait_for(asking, self._patience))
        except (OSError, asyncio.TimeoutError) as error:
            await wire.close()
            raise _unreachable(self._ticket, error) from error
        except BaseException:
            await wire.close()
            raise
        async with self._change:
            self._wire = wire
            self._change.notify_all()

    async def _keep(self):
        while True:
            error = await self._wire.listen()
            self._wire.end(self._over or error)
            if self._over or not self._reconnect:
                return await self._end(error)
            since, refusal = time.monotonic(), _Refusal()
            self._tell("hauki.broken", {"reason": error.message})
            for pause in _pauses():
                try:
                    await self._greet()
                    break
                except HaukiError as error:
                    if refusal.lasts(error):
                        return await self._end(error)
                await asyncio.sleep(pause)
            self._tell("hauki.reconnected", {"after_ms": int((time.monotonic() - since) * 1000)})

    def _tell(self, name, params):
        for queue in self._queues:
            if queue.qsize() >= EVENTS:
                queue.get_nowait()
            queue.put_nowait((name, params))

    async def _beat(self):
        while True:
            if self._wire.is_silent(self.welcome):
                self._wire.end(_broken("nothing was heard"))
            elif not self._wire.over:
                self._wire.writer.write(_line(next(self._ids), "hauki.heartbeat"))
            await asyncio.sleep(_interval(self.welcome))

    async def _end(self, error):
        self._over = self._over or error
        self._wire.end(self._over)
        for queue in self._queues:
            queue.put_nowait(None)
        async with self._change:
            self._change.notify_all()


class _Calls:
    """What waits for answers of one connection: the future and what hears events, by number."""
    def __init__(self, event, asked):
        self.calls, self.over, self.heard, self._event = {}, None, time.monotonic(), event
        self.running, self._asked = {}, asked  # what the worker calls, and what begins such a call

    def take(self, line):
        self.heard = time.monotonic()
        try:
            message = _message(line)
        except (ValueError, RecursionError):
            raise _broken("the node sent what is no message") from None
        if message.get("method") == "hauki.call" and "id" in message:
            if len(self.running) >= RUNNING:
                raise _broken("the node asks for more than a worker can")
            return self._asked(self, message["id"], message["params"])
        if message.get("method") == "hauki.cancel":
            return self._stop(message["params"].get("id"))
        if "method" in message:
            _, on_event = self.calls.get(_number(message["params"].get("call")), (None, None))
            return self._event(message, on_event)
        reply, _ = self.calls.pop(_number(message["id"]), (None, None))
        if reply and not reply.done():
            _settle(reply, message)

    def _stop(self, number):
        """Nobody waits for that any more: a task is cancelled, a thread can only be told."""
        running = self.running.pop(number, None) if isinstance(number, str) else None
        if running:
            running.cancel() if isinstance(running, asyncio.Future) else running.set()

    def fail(self, error):
        for number in list(self.running):
            self._stop(number)
        with contextlib.suppress(KeyError):  # raised when none is left
            while True:
                reply, _ = self.calls.popitem()[1]
                if not reply.done():
                    reply.set_exception(error)

    def is_silent(self, welcome):
        """A node answers a beat at once unless calls are ahead of it, each of which has a deadline. A link is never given up:
        that would end its vault, and the node may only have paused, for which the vault outlives it."""
        if welcome["link"]:
            return False
        allowed = max(1.0, 3 * _interval(welcome))
        if self.calls:
            allowed += welcome["call_deadline_ms"] / 1000 + SLACK
        return not self.over and time.monotonic() - self.heard > allowed


class _Wire(_Calls):
    """One connection. One thread at a time is inside TLS, and nobody waits for the network there."""
    def __init__(self, ticket, patience, event, asked):
        super().__init__(event, asked)
        self._tls, self._line, self._change = threading.Lock(), threading.Lock(), threading.Lock()
        self._sock, self._readable, self._rest = _connect(ticket, patience), select.poll(), bytearray()
        self._unsent, self._longest = b"", _longest(ticket)
        self._readable.register(self._sock, select.POLLIN)

    def greet(self, hello, lease, patience):
        """The lease counts from the hello on, and the welcome of a node that is far away comes later than a beat is due."""
        reply, end = concurrent.futures.Future(), time.monotonic() + patience
        self.send(_line(0, "hauki.hello", hello), end, 0, reply)
        due = time.monotonic() + _interval(lease)
        while not reply.done() and time.monotonic() < end:
            error = self._receive(max(0.0, min(due, end) - time.monotonic()))
            if error:
                raise error
            if time.monotonic() >= due and not reply.done():
                due = time.monotonic() + _interval(lease)
                self.send(_line(None, "hauki.heartbeat"), end)
        if not reply.done():
            raise HaukiError("timeout", "there was no welcome in time")
        return reply.result()

    def first(self, number, line, patience):
        """A call for as long as nobody listens."""
        reply, end = concurrent.futures.Future(), time.monotonic() + patience
        self.send(line, end, number, reply)
        while not reply.done() and time.monotonic() < end:
            error = self._receive(max(0.0, end - time.monotonic()))
            if error:
                raise error
        if not reply.done():
            raise HaukiError("timeout", "what is offered was not taken in time")
        return reply.result()

    def send(self, data, end, number=None, reply=None, on_event=None):
        """False: nothing was sent, because the connection had ended. Who is late fails, and nobody else: a line that
        has begun is left for who sends next, and one that has not is not sent."""
        begun = False
        while not begun or self._unsent:
            with self._change:
                if self.over:
                    return begun
                if not begun and not self._unsent:
                    begun, self._unsent = True, data
                    if reply:
                        self.calls[number] = reply, on_event
            if not self._push() and time.monotonic() > end:
                if begun:
                    break
                raise HaukiError("timeout", "the node takes no more requests")
        return True

    def give_up(self, line):
        """Behind what is under way, whenever that goes out."""
        with self._change:
            self._unsent += line
        self._push()

    def _push(self):
        """False: the node takes nothing more at the moment."""
        with self._line:
            try:
                with self._tls:
                    sent = self._sock.send(self._unsent) if self._unsent else 0
                with self._change:
                    self._unsent = self._unsent[sent:]
                return True
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                time.sleep(0.001)
            except (OSError, ValueError) as error:
                self.end(_broken(error))
        return False

    def listen(self):
        """Until the end of the connection; says why."""
        error = None
        while not error:
            error = self._receive()
        return error

    def _receive(self, patience=0.5):
        try:
            with self._tls:
                data = self._sock.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._readable.poll(1000 * patience)
            return self.over
        except (OSError, ValueError) as error:
            return self.over or _broken(error)
        if not data:
            return self.over or _broken("the node closed it")
        self._rest += data
        lines = [self._rest]
        if b"\n" in data:
            lines = self._rest.split(b"\n")
            self._rest = lines[-1]
        if max(map(len, lines)) > self._longest:
            return _broken("the node sent a line that is too long")
        try:
            for line in lines[:-1]:
                self.take(line)
        except HaukiError as error:
            return error

    def end(self, error):
        with self._change:
            self.over = self.over or error
        with self._tls:
            with contextlib.suppress(OSError, ValueError):
                self._sock.unwrap()  # says good-bye, and does not wait for the answer
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)  # who listens keeps what is only closed
            self._sock.close()
        self.fail(self.over)


class _AioWire(_Calls):
    writer = None

    async def greet(self, ticket, hello):
        at, every = ticket["endpoint"], _interval(ticket["lease"])
        _check_time(ticket)
        self._reader, self.writer = await asyncio.open_connection(
            at["ip"], at["port"], ssl=_context(), server_hostname="", limit=_longest(ticket))
        _check(ticket, self.writer.get_extra_info("ssl_object"))
        reply = asyncio.get_running_loop().create_future()
        self.calls[0] = reply, None
        self.writer.write(_line(0, "hauki.hello", hello))
        beats = asyncio.ensure_future(self._beats(every))
        try:
            while not reply.done():
                await self._receive()
        finally:
            beats.cancel()
        return reply.result()

    async def first(self, number, line):
        """A call for as long as nobody listens."""
        reply = asyncio.get_running_loop().create_future()
        self.calls[number] = reply, None
        self.writer.write(line)
        while not reply.done():
            await self._receive()
        return reply.result()

    async def _beats(self, every):
        """Until the welcome, which may come later than a beat is due: the lease counts from the hello on."""
        while True:
            await asyncio.sleep(every)
            self.writer.write(_line(None, "hauki.heartbeat"))

    async def ask(self, number, line, gives_up, on_event):
        reply = asyncio.get_running_loop().create_future()
        self.calls[number] = reply, on_event
        try:
            self.writer.write(line)
            with contextlib.suppress(ConnectionError):  # the reader tells why
                await self.writer.drain()
            return await reply
        finally:
            if self.calls.pop(number, None) and gives_up and not self.over:
                self.writer.write(gives_up)

    async def listen(self):
        try:
            while True:
                await self._receive()
        except HaukiError as error:
            return self.over or error
        except (OSError, ValueError) as error:  # also a line that is too long
            return self.over or _broken(error)

    async def _receive(self):
        line = await self._reader.readline()
        if not line.endswith(b"\n"):
            raise _broken("the node closed it")
        self.take(line)

    def end(self, error):
        self.over = self.over or error
        if self.over.kind == "connection_broken":
            self.writer.transport.abort()  # nobody is there to say good-bye to
        self.writer.close()
        self.fail(self.over)

    async def close(self):
        if self.writer:
            self.writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
                await asyncio.wait_for(self.writer.wait_closed(), 1.0)


class _Refusal:
    """A port is open for as long as its vault lives: a refusal that lasts is the vault's end."""
    def __init__(self):
        self._since = None

    def lasts(self, error):
        if error.kind not in TEMPORARY:
            return True
        if not isinstance(error.__cause__, ConnectionRefusedError):
            self._since = None
            return False
        self._since = self._since or time.monotonic()
        return time.monotonic() - self._since > 2


def _pauses():
    pause = 0.02
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(2 * pause, 2.0)


def _line(number, method, params=()):
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    if number is None:  # a notification
        del message["id"]
    return json.dumps(message, allow_nan=False).encode() + b"\n"  # NaN is no JSON: a node could not say whose it is


def _reply(number, said):
    return json.dumps({"jsonrpc": "2.0", "id": number, **said}, allow_nan=False).encode() + b"\n"


def _broken(why):
    return HaukiError("connection_broken", f"the connection broke: {why}")


def _bad_ticket(why):
    return HaukiError("bad_ticket", f"the ticket cannot be used: {why}")


def _once(members):
    if len(dict(members)) < len(members):
        raise ValueError("a member is there twice")
    return dict(members)


def _message(line):
    """A reply or an event; a node that was taken over may say anything."""
    message = json.loads(line)
    error = message.get("error") if isinstance(message, dict) else 0
    if error is not None and not (isinstance(error, dict) and {"code", "message"} <= error.keys()):
        raise ValueError("no message, or no error")
    params = message.get("params")
    if "method" in message and not (isinstance(message["method"], str) and isinstance(params, dict)):
        raise ValueError("no event")
    if "method" not in message and not ("id" in message and (error or "result" in message)):
        raise ValueError("neither")
    if message.get("method") == "hauki.call" and not (
            isinstance(message.get("id"), str) and isinstance(params.get("params"), list) and {"object", "method"} <= params.keys()):
        raise ValueError("no call")
    if message.get("method") == "hauki.event" and not {"event", "data"} <= params.keys():
        raise ValueError("no such event")
    if message.get("method") == "hauki.dying" and not (isinstance(params.get("death"), dict) and "cause" in params["death"]):
        raise ValueError("no death")
    return message


def _number(found):
    return found if isinstance(found, int) else None


def _read(ticket):
    if not isinstance(ticket, dict):
        with open(ticket, encoding="utf-8-sig") as file:
            try:
                ticket = json.load(file, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                raise _bad_ticket(error) from None
    _fits(ticket, TICKET, "the ticket")
    return ticket


def _fits(found, form, name):
    """Refuses what is not of this form, and every member that is not known."""
    if isinstance(form, dict):
        if not isinstance(found, dict):
            raise _bad_ticket(f"{name} is no object")
        below, members = "" if form is TICKET else f"{name}.", {member.rstrip("?"): member for member in form}
        for member in found.keys() - members.keys():
            raise _bad_ticket(f"{below}{member} is not known here")
        for member, key in members.items():
            if member in found and not (key.endswith("?") and found[member] is None):
                _fits(found[member], form[key], below + member)
            elif member == key:
                raise _bad_ticket(f"{below}{member} is missing")
    elif isinstance(form, tuple):
        if not isinstance(found, list):
            raise _bad_ticket(f"{name} is no list")
        for item in found:
            _fits(item, form[0], f"an item of {name}")
    elif isinstance(form, list):
        if found not in form or isinstance(found, bool):
            raise _bad_ticket(f"{name} is {found!r}, and only {form[0]!r} is known here")
    elif not _is(found, form):
        raise _bad_ticket(f"{name} is not what it may be")


def _is(found, form):
    if isinstance(form, range):  # whole, however it is written
        whole = isinstance(found, (int, float)) and not isinstance(found, bool) and found == found // 1
        return whole and form.start <= found < form.stop  # Python would look for a 1.0 one by one
    if form is bool:
        return isinstance(found, bool)
    try:
        found.encode()  # half of a surrogate pair is no text
        return form.fullmatch(found) if isinstance(form, re.Pattern) else form == WORDS or "%" not in found and form(found)
    except (AttributeError, ValueError):
        return False


def _hello(ticket, timeout):
    return {"token": ticket["auth"]["token"], "client": f"python pid {os.getpid()}",
            "call_deadline_ms": max(1, int(timeout * 1000)) if timeout else None}


def _interval(lease):
    """By the terms of a ticket or of a welcome."""
    silence = lease["link_silence_ms"] if lease["link"] else lease["lease_ms"]
    return max(0.01, min(lease["lease_ms"], silence, 86_400_000) / 3000)


def _longest(ticket):
    return ticket["protocol"]["max_frame_bytes"] + 4096


def _settle(reply, message):
    error = message.get("error")
    if error:
        reply.set_exception(HaukiError(error["code"], error["message"], error.get("data")))
    else:
        reply.set_result(message["result"])


def _context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # `_check` takes their place
    return context


def _unreachable(ticket, error):
    refused, at = isinstance(error, ConnectionRefusedError), ticket["endpoint"]
    why = "nobody listens there, as when it is dead" if refused else str(error) or "no answer in time"
    return HaukiError("unreachable", f"{ticket['vault']} cannot be reached at {at['ip']}:{at['port']}: {why}")


def _check_time(ticket):
    day, clock, second, _, zone = TIME.fullmatch(ticket["expires_at"]).groups()
    zone = "+0000" if zone in "Zz" else zone.replace(":", "")
    try:  # a leap second is the one before it
        end = datetime.strptime(f"{day} {clock}{min(int(second), 59)} {zone}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError as error:
        raise _bad_ticket(f"expires_at: {error}") from None
    if end.timestamp() + 1 < time.time():
        raise HaukiError("ticket_expired", f"the ticket expired at {ticket['expires_at']}")


def _check(ticket, tls):
    seen = hashlib.sha256(tls.getpeercert(True)).hexdigest()
    if not hmac.compare_digest(seen, ticket["tls"]["cert_sha256"]):
        raise HaukiError("wrong_node", "the certificate is not the ticket's; nothing was sent")


def _connect(ticket, timeout):
    _check_time(ticket)
    try:
        tcp = socket.create_connection((ticket["endpoint"]["ip"], ticket["endpoint"]["port"]), timeout)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = _context().wrap_socket(tcp)
    except OSError as error:
        raise _unreachable(ticket, error) from error
    try:
        _check(ticket, sock)
    except HaukiError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
