"""Programs and workers in sandboxes, from Python 3.9 or newer: the standard library and the `hauki` command.

    with Sandbox(memory="16MiB") as box:
        told = box.run("print('hi'); [3, 1, 2].sort()")      # told.value == [1, 2, 3], told.stdout == "hi\\n"
        scout = box.create(file="scout.ts")                  # or source=…, gem="gem-pointer://workers/scout"
        print(scout.observe(["a", "b"]))                     # any method; what the worker throws is a HaukiError

    async with AioSandbox() as box:
        one, two = await asyncio.gather(box.run("1"), box.run("2"))

It starts `hauki mcp` and speaks its protocol (man 1 hauki-mcp). All that is made here dies with it: at the end of `with`, and
also by `kill -9`. What is given up (a cancelled task, `timeout`, `Call.cancel`) is stopped in its sandbox.
"""
from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import json
import os
import subprocess
import threading
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence, cast

__all__ = ["AioSandbox", "AioWorker", "Call", "Failure", "HaukiError", "Result", "Sandbox", "Worker"]

VERSION = "2025-06-18"
END = 10.0  # what the command may take to end
ENDINGS = {".ts": "ts", ".mts": "ts", ".cts": "ts"}

OnLine = Callable[[str], None]
Call = concurrent.futures.Future


class HaukiError(Exception):
    """A refusal. `code` is a public word ("worker_failed", "deadline", "memory", …); `data` says more."""

    def __init__(self, code: str, message: str, data: Optional[dict[str, Any]] = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data or {}


@dataclass(frozen=True)
class Failure:
    """Why a program has no result. The place is the author's."""

    code: str
    message: str
    retryable: bool = False
    file: Optional[str] = None
    line: Optional[int] = None
    column: Optional[int] = None
    stack: Optional[str] = None


@dataclass(frozen=True)
class Result:
    """What a program came to. Without a result `value` is None, as for null; `error` tells a failure."""

    value: Any
    #: What it printed, in lines.
    stdout: str
    #: The failure as a person reads it.
    stderr: str
    error: Optional[Failure]
    #: Whether earlier lines are missing in `stdout`.
    truncated: bool
    ms: int


class _Server:
    """`hauki mcp` as a child: requests with their futures, answered by a thread that reads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids, self._lock = itertools.count(1), threading.Lock()
        self._calls: dict[int, Call[dict[str, Any]]] = {}
        self._lines: dict[int, OnLine] = {}
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        about = {"name": "hauki_sandbox.py", "version": "1"}
        try:
            self.ask("initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": about}).result()
            self._send({"method": "notifications/initialized"})
        except BaseException:
            self.close()
            raise

    def ask(self, method: str, params: dict[str, Any], on_line: Optional[OnLine] = None) -> Call[dict[str, Any]]:
        """A future whose `cancel` gives the request up, also when it is under way."""
        number, reply = next(self._ids), cast("Call[dict[str, Any]]", concurrent.futures.Future())
        if on_line:
            params = {**params, "_meta": {"progressToken": number}}
        with self._lock:
            if self._is_over:
                raise HaukiError("closed", "hauki mcp has ended")
            self._calls[number] = reply
            if on_line:
                self._lines[number] = on_line
        reply.add_done_callback(lambda reply: self._given_up(number) if reply.cancelled() else None)
        try:
            self._send({"id": number, "method": method, "params": params})
        except OSError:
            self._fail()
        return reply

    def _given_up(self, number: int) -> None:
        with self._lock:
            known = self._calls.pop(number, None)
            self._lines.pop(number, None)
        if known:
            try:
                self._send({"method": "notifications/cancelled", "params": {"requestId": number}})
            except (OSError, ValueError):
                pass  # it has ended, and the request with it

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        assert self._child.stdin
        with self._lock:
            self._child.stdin.write(line)
            self._child.stdin.flush()

    def _read(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            message = json.loads(line)
            if "method" in message:
                params = message.get("params") or {}
                on_line = self._lines.get(params.get("progressToken", 0))
                if on_line and params.get("message") is not None:
                    try:
                        on_line(params["message"])
                    except Exception:  # the caller's fault, and nobody else's answer is to wait for ever
                        traceback.print_exc()
                continue
            with self._lock:
                reply = self._calls.pop(message["id"], None)
                self._lines.pop(message["id"], None)
            if reply and reply.set_running_or_notify_cancel():
                if "error" in message:
                    reply.set_exception(HaukiError("protocol", message["error"]["message"], message["error"]))
                else:
                    reply.set_result(message["result"])
        self._fail()

    def _fail(self) -> None:
        with self._lock:
            self._is_over, calls = True, list(self._calls.values())
            self._calls.clear()
        for reply in calls:
            if reply.set_running_or_notify_cancel():
                reply.set_exception(HaukiError("closed", "hauki mcp has ended"))

    def close(self) -> None:
        assert self._child.stdin and self._child.stdout
        try:
            self._child.stdin.close()
        except OSError:
            pass
        # Who reads no more is gone, and what is under way with him.
        with self._lock:
            is_busy = bool(self._calls)
        if is_busy:
            self._child.terminate()
        try:
            self._child.wait(END)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join(END)
        self._child.stdout.close()


def _command(
    hauki: str, memory: Optional[str], max_workers: Optional[int], allow_net: Sequence[str], arguments: Sequence[str]
) -> list[str]:
    command = [hauki, "mcp", "--timeout", "1h"]
    if memory is not None:
        command += ["--memory", memory]
    if max_workers is not None:
        command += ["--max-workers", str(max_workers)]
    for invitation in allow_net:
        command += ["--allow-net", invitation]
    return [*command, *arguments]


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _made_of(
    source: Optional[str], file: Optional[str], gem: Optional[str], language: Optional[str], name: Optional[str]
) -> dict[str, Any]:
    """A file is read here, by whoever may read it; the server sees its text."""
    if file is not None:
        if source is not None or gem is not None:
            raise HaukiError("usage", "create takes one of source, file and gem")
        stem, ending = os.path.splitext(os.path.basename(file))
        with open(file, encoding="utf-8") as opened:
            source = opened.read()
        language = language or ENDINGS.get(ending)
    return _given(source=source, gem=gem, language=language, name=name)


def _text(answer: dict[str, Any]) -> str:
    return cast(str, answer["content"][0]["text"])


def _failure(answer: dict[str, Any]) -> Failure:
    data = answer["structuredContent"]
    worker = data.get("worker") or {}
    place = {name: worker.get(name) for name in ("file", "line", "column", "stack")}
    return Failure(data["code"], data["message"], data["retryable"], **place)


def _result(answer: dict[str, Any]) -> Result:
    data = answer["structuredContent"]
    failure = _failure(answer) if answer.get("isError") else None
    stdout = "".join(f"{line}\n" for line in data.get("lines", []))
    stderr = f"{_text(answer)}\n" if failure else ""
    return Result(data.get("value"), stdout, stderr, failure, data.get("lost_lines", 0) > 0, data.get("ms", 0))


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    data = cast("dict[str, Any]", answer["structuredContent"])
    if answer.get("isError"):
        raise HaukiError(data["code"], data["message"], data)
    return data


class _Face:
    def __init__(
        self,
        *,
        hauki: str = "hauki",
        memory: Optional[str] = None,
        max_workers: Optional[int] = None,
        allow_net: Sequence[str] = (),
        arguments: Sequence[str] = (),
    ) -> None:
        """`memory` is the most of each sandbox; `allow_net` is where all of them may fetch from; `arguments` go to `hauki mcp`."""
        self._words = _command(hauki, memory, max_workers, allow_net, arguments)
        self._started: Optional[_Server] = None

    def _server(self) -> _Server:
        if self._started is None:
            raise HaukiError("closed", "the sandbox is not open: with Sandbox() as box")
        return self._started

    def _tool(self, name: str, arguments: dict[str, Any], on_line: Optional[OnLine] = None) -> Call[dict[str, Any]]:
        return self._server().ask("tools/call", {"name": name, "arguments": arguments}, on_line)


def _run_arguments(
    code: str, args: Sequence[str], language: Optional[str], memory: Optional[str], timeout: Optional[float]
) -> dict[str, Any]:
    time = None if timeout is None else max(1, int(timeout * 1000))
    return _given(code=code, args=list(args), language=language, memory=memory, timeout=time)


class Sandbox(_Face):
    """Sandboxes, for threads: any of them may use one."""

    def __enter__(self) -> Sandbox:
        self._started = _Server(self._words)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._started:
            self._started.close()

    def run(
        self,
        code: str,
        args: Sequence[str] = (),
        *,
        language: Optional[str] = None,
        memory: Optional[str] = None,
        timeout: Optional[float] = None,
        on_line: Optional[OnLine] = None,
    ) -> Result:
        """Evaluates a program in a sandbox of its own. `timeout` is in seconds; `on_line` hears lines as they come."""
        return self.start(code, args, language=language, memory=memory, timeout=timeout, on_line=on_line).result()

    def start(
        self,
        code: str,
        args: Sequence[str] = (),
        *,
        language: Optional[str] = None,
        memory: Optional[str] = None,
        timeout: Optional[float] = None,
        on_line: Optional[OnLine] = None,
    ) -> Call[Result]:
        """As `run`, and does not wait: the future has the Result, and its `cancel` stops the program."""
        asked = self._tool("run", _run_arguments(code, args, language, memory, timeout), on_line)
        return _then(asked, _result)

    def create(
        self,
        source: Optional[str] = None,
        *,
        file: Optional[str] = None,
        gem: Optional[str] = None,
        language: Optional[str] = None,
        name: Optional[str] = None,
        args: Sequence[Any] = (),
        memory: Optional[str] = None,
    ) -> Worker:
        """Makes a worker from a text, a file or a gem; `args` are those of its create()."""
        made_of = _made_of(source, file, gem, language, name)
        made = _checked(self._tool("create", {**made_of, **_given(args=list(args), memory=memory)}).result())
        return Worker(self, made)


def _then(asked: Call[Any], told: Callable[[Any], Any]) -> Call[Any]:
    """What becomes of an answer; to cancel it is to cancel what was asked."""
    become: Call[Any] = concurrent.futures.Future()

    def settle(asked: Call[Any]) -> None:
        if asked.cancelled() or not become.set_running_or_notify_cancel():
            return
        try:
            become.set_result(told(asked.result()))
        except BaseException as error:
            become.set_exception(error)

    asked.add_done_callback(settle)
    become.add_done_callback(lambda become: asked.cancel() if become.cancelled() else None)
    return become


class _WorkerFace:
    def __init__(self, box: Any, made: dict[str, Any]) -> None:
        self._box = box
        self.name: str = made["worker"]
        self.vault: str = made["vault"]
        self.methods: list[str] = list(made["methods"])

    def _asked(self, method: str, args: Sequence[Any], on_line: Optional[OnLine]) -> Call[dict[str, Any]]:
        call = {"worker": self.name, "method": method, "args": list(args)}
        return cast("Call[dict[str, Any]]", self._box._tool("call", call, on_line))


class Worker(_WorkerFace):
    """A worker: each of its methods is one of this object."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args: self.call(method, *args)

    def call(self, method: str, *args: Any, timeout: Optional[float] = None, on_line: Optional[OnLine] = None) -> Any:
        """For names that this class has itself. What is not there in time is given up, and stopped."""
        asked = self._asked(method, args, on_line)
        try:
            return _checked(asked.result(timeout)).get("value")
        except concurrent.futures.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None
        finally:
            asked.cancel()

    def destruct(self) -> None:
        _checked(self._box._tool("destruct", {"worker": self.name}).result())


class AioSandbox(_Face):
    """The same for asyncio."""

    async def __aenter__(self) -> AioSandbox:
        self._started = await asyncio.get_running_loop().run_in_executor(None, _Server, self._words)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._started:
            await asyncio.get_running_loop().run_in_executor(None, self._started.close)

    async def run(
        self,
        code: str,
        args: Sequence[str] = (),
        *,
        language: Optional[str] = None,
        memory: Optional[str] = None,
        timeout: Optional[float] = None,
        on_line: Optional[OnLine] = None,
    ) -> Result:
        """Evaluates a program in a sandbox of its own; a task that is cancelled stops it. `on_line` is called by another thread."""
        asked = self._tool("run", _run_arguments(code, args, language, memory, timeout), on_line)
        return _result(await asyncio.wrap_future(asked))

    async def create(
        self,
        source: Optional[str] = None,
        *,
        file: Optional[str] = None,
        gem: Optional[str] = None,
        language: Optional[str] = None,
        name: Optional[str] = None,
        args: Sequence[Any] = (),
        memory: Optional[str] = None,
    ) -> AioWorker:
        made_of = _made_of(source, file, gem, language, name)
        asked = self._tool("create", {**made_of, **_given(args=list(args), memory=memory)})
        return AioWorker(self, _checked(await asyncio.wrap_future(asked)))


class AioWorker(_WorkerFace):
    """A worker whose methods are awaited."""

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):
            raise AttributeError(method)
        return lambda *args: self.call(method, *args)

    async def call(self, method: str, *args: Any, timeout: Optional[float] = None, on_line: Optional[OnLine] = None) -> Any:
        asked = asyncio.wrap_future(self._asked(method, args, on_line))
        try:
            return _checked(await asyncio.wait_for(asked, timeout)).get("value")
        except asyncio.TimeoutError:
            raise HaukiError("timeout", f"{method} did not answer within {timeout} s") from None

    async def destruct(self) -> None:
        _checked(await asyncio.wrap_future(self._box._tool("destruct", {"worker": self.name})))
