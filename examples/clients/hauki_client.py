"""Call a hauki worker from Python 3.9 or newer: the standard library and a ticket, nothing else.

    with hauki_client.ghost("t.json", on_event=print) as scout:
        print(scout.observe(["a", "b"]))
        print(scout.top(n=5))                   # named arguments become one object, the last argument
        scout.call("hauki.destruct")            # or leave it to its lease

    async with hauki_client.aio("t.json") as scout:
        one, two = await asyncio.gather(scout.observe(["a"]), scout.observe(["b"]))
        async for name, params in scout.events():   # "hauki.log", {"text": …}; "hauki.event", {…}
            break

The node must show the ticket's certificate before the token is sent. Every call has a deadline;
heartbeats go out in the background; any thread may call `ghost`. A cancelled call is not waited for;
the worker runs it to its end. Leaving `with` ends the connection only, unless the vault is linked.
Protocol: man 5 hauki-ticket.
"""
import asyncio, concurrent.futures, contextlib, hashlib, hmac, itertools, json, os
import select, socket, ssl, threading, time

SLACK = 2.0  # what a call may take beyond the node's own deadline
EVENTS = 1024  # those that nobody has taken yet; the oldest make room
KINDS = {-32700: "bad_request", -32600: "bad_request", -32601: "method_not_found", -32602: "invalid_params",
         -32603: "internal", -32000: "worker_failed", -32001: "unauthenticated", -32002: "denied",
         -32003: "vault_dead", -32004: "deadline", -32005: "too_large", -32006: "memory", -32007: "busy",
         -32008: "loop"}


class HaukiError(Exception):
    """A refusal. `code` is JSON-RPC's number, or a word where this side gave up; `kind` is always a
    word: the worker's own ("throw", "stack") where there is one; `data` says more."""
    def __init__(self, code, message, data=None):
        super().__init__(f"{message} ({code})")
        self.code, self.message, self.data = code, message, data
        own = data.get("kind") if isinstance(data, dict) else None
        self.kind = own or KINDS.get(code) or (code if isinstance(code, str) else "rpc_error")


class ghost:  # in lower case, because it reads as a verb
    def __init__(self, ticket, timeout=None, on_event=None, connect_timeout=5.0):
        """`ticket` is a file or a parsed ticket; `timeout` is for each call, in seconds."""
        ticket = _read(ticket)
        self._on_event, self._ids, self._calls, self._over = on_event, itertools.count(1), {}, None
        self._tls, self._line, self._closed = threading.Lock(), threading.Lock(), threading.Event()
        self._sock, self._readable = _connect(ticket, connect_timeout), select.poll()
        self._readable.register(self._sock, select.POLLIN)
        threading.Thread(target=self._read, daemon=True).start()
        hello = _hello(ticket, timeout)
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.welcome = self.call("hauki.hello", hello, connect_timeout)
            undo.pop_all()
        self._timeout = timeout or self.welcome["call_deadline_ms"] / 1000 + SLACK
        threading.Thread(target=self._beat, daemon=True).start()

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args, **named: self.call(method, [*args, named] if named else list(args))

    def call(self, method, params=None, timeout=None):
        """For reserved methods, and for names that this class has itself."""
        timeout, number = timeout or self._timeout, next(self._ids)
        end, reply = time.monotonic() + timeout, concurrent.futures.Future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or []}
        with self._line:
            if self._over:
                raise self._over
            self._calls[number] = reply
            self._send(json.dumps(request).encode() + b"\n", end)
        try:
            return reply.result(max(0.0, end - time.monotonic()))
        except concurrent.futures.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None
        finally:
            self._calls.pop(number, None)

    def __enter__(self):
        return self

    def close(self, *_):
        self._end(HaukiError("closed", "this side closed the connection"))
    __exit__ = close

    def _send(self, data, end):
        # One thread at a time is inside TLS; nobody waits for the network there.
        while data and not self._closed.is_set():
            try:
                with self._tls:
                    data = data[self._sock.send(data):]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if time.monotonic() > end:  # half a line is out: the connection is of no more use
                    self._end(HaukiError("timeout", "the node takes no more requests"))
                self._closed.wait(0.001)
            except OSError as error:
                self._end(HaukiError("connection_broken", str(error)))

    def _read(self):
        rest = bytearray()
        while not self._closed.is_set():
            try:
                with self._tls:
                    data = self._sock.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._readable.poll(500)
                continue
            except OSError:
                data = b""
            if not data:
                return self._end(HaukiError("connection_broken", "the connection ended"))
            rest += data
            *lines, rest = rest.split(b"\n") if b"\n" in data else [rest]
            for line in lines:
                self._take(json.loads(line))

    def _take(self, message):
        if message.get("method") == "hauki.dying":
            self._over = _dead(message["params"])
        if "method" in message and self._on_event:
            self._on_event(message["method"], message["params"])
        reply = self._calls.pop(message.get("id"), None)
        if reply:
            _settle(reply, message)

    def _beat(self):
        while not self._closed.wait(_interval(self.welcome)):
            with contextlib.suppress(HaukiError):  # what ends the connection fails the callers' calls
                self.call("hauki.heartbeat")

    def _end(self, error):
        self._over = self._over or error
        if not self._closed.is_set():
            self._closed.set()
            with self._tls:
                self._sock.close()
        with contextlib.suppress(KeyError):  # raised when none is left
            while True:
                self._calls.popitem()[1].set_exception(self._over)


class aio:
    """The same for asyncio. The `timeout` of a call, and of all, is in seconds."""
    def __init__(self, ticket, timeout=None, connect_timeout=5.0):
        self._ticket, self._timeout, self._patience = _read(ticket), timeout, connect_timeout
        self._ids, self._calls, self._over, self._queues = itertools.count(1), {}, None, []

    async def __aenter__(self):
        at, frame = self._ticket["endpoint"], self._ticket["protocol"]["max_frame_bytes"]
        open_ = asyncio.open_connection(at["ip"], at["port"], ssl=_context(), server_hostname="", limit=frame + 4096)
        try:
            self._reader, self._writer = await asyncio.wait_for(open_, self._patience)
        except (OSError, asyncio.TimeoutError) as error:
            raise HaukiError("unreachable", str(error) or "no answer in time") from error
        self._tasks = []
        try:
            _check(self._ticket, self._writer.get_extra_info("ssl_object"))
            self._tasks.append(asyncio.ensure_future(self._read()))
            self.welcome = await self.call("hauki.hello", _hello(self._ticket, self._timeout), self._patience)
        except BaseException:
            await self.close()
            raise
        self._timeout = self._timeout or self.welcome["call_deadline_ms"] / 1000 + SLACK
        self._tasks.append(asyncio.ensure_future(self._beat()))
        return self

    async def __aexit__(self, *_):
        await self.close()

    def __getattr__(self, method):
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args, **named: self.call(method, [*args, named] if named else list(args))

    async def call(self, method, params=None, timeout=None):
        timeout, number = timeout or self._timeout, next(self._ids)
        if self._over:
            raise self._over
        reply = self._calls[number] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or []}
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            return await asyncio.wait_for(self._answer(reply), timeout)
        except asyncio.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None
        finally:
            self._calls.pop(number, None)

    async def _answer(self, reply):
        with contextlib.suppress(ConnectionError):  # the reader tells why
            await self._writer.drain()
        return await reply

    async def events(self):
        """What the worker prints and emits from now on, until the connection ends."""
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
        self._end(HaukiError("closed", "this side closed the connection"))
        for task in self._tasks:
            task.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 1.0)

    async def _read(self):
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
            self._end(HaukiError("connection_broken", "the connection ended"))
        except (OSError, ValueError) as error:
            self._end(HaukiError("connection_broken", str(error)))

    def _take(self, message):
        if message.get("method") == "hauki.dying":
            self._over = _dead(message["params"])
        if "method" in message:
            for queue in self._queues:
                if queue.qsize() >= EVENTS:
                    queue.get_nowait()
                queue.put_nowait((message["method"], message["params"]))
        reply = self._calls.pop(message.get("id"), None)
        if reply and not reply.done():
            _settle(reply, message)

    async def _beat(self):
        while True:
            await asyncio.sleep(_interval(self.welcome))
            with contextlib.suppress(HaukiError):
                await self.call("hauki.heartbeat")

    def _end(self, error):
        self._over = self._over or error
        for reply in self._calls.values():
            if not reply.done():
                reply.set_exception(self._over)
        for queue in self._queues:
            queue.put_nowait(None)


def _read(ticket):
    if isinstance(ticket, dict):
        return ticket
    with open(ticket, encoding="utf-8") as file:
        return json.load(file)


def _hello(ticket, timeout):
    return {"token": ticket["auth"]["token"], "client": f"python pid {os.getpid()}",
            "call_deadline_ms": max(1, int(timeout * 1000)) if timeout else None}


def _interval(welcome):
    silence = welcome["link_silence_ms"] if welcome["link"] else welcome["lease_ms"]
    return max(0.01, min(welcome["lease_ms"], silence) / 3000)


def _dead(params):
    return HaukiError(-32003, f"the vault is dead: {params['death']['cause']}", params)


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


def _check(ticket, tls):
    seen = hashlib.sha256(tls.getpeercert(True)).hexdigest()
    if not hmac.compare_digest(seen, ticket["tls"]["cert_sha256"]):
        raise HaukiError("wrong_node", "the certificate is not the ticket's; nothing was sent")


def _connect(ticket, timeout):
    try:
        tcp = socket.create_connection((ticket["endpoint"]["ip"], ticket["endpoint"]["port"]), timeout)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = _context().wrap_socket(tcp)
    except OSError as error:
        raise HaukiError("unreachable", str(error)) from error
    try:
        _check(ticket, sock)
    except HaukiError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
