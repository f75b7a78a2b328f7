#!/usr/bin/env python3
"""Runs a test binary and ends it when one of its tests takes too long; `tests/all.sh` has cargo run all of them so.

libtest knows no limit: it says when a test has run for 60 seconds, and then it waits. This hears that word, and ends
the binary when the same test is still not done HAUKI_TEST_LIMIT seconds (300) after its beginning, with its name and
with what its threads wait for. A binary that says nothing at all for so long after its last test is ended as well.
What it has started is asked to end, and then made to; only its own children are, through pidfds. The tests that had
not been done by then are run in another process of the same binary: one that hangs takes no others along.

cargo-nextest could do that, and would be minutes of building for everybody who types `make test`; it also runs each
test in a process of its own, while many of ours count on sharing one (ranges of ids, a lease on the machine's cores).
"""

import os
import re
import select
import signal
import subprocess
import sys
import time

# When libtest first says that a test runs long.
TOLD_AFTER = 60
LIMIT = float(os.environ.get("HAUKI_TEST_LIMIT", "300"))
# For what the tests have started to clean up in.
LAST_WORDS = 15
# As timeout(1).
TOO_LONG = 124

RUNS_LONG = re.compile(rb"^test (\S+)(?: - \S+)? has been running for over \d+ seconds")
DONE = re.compile(rb"^test (\S+)(?: - .*?)? \.\.\. ")


def read(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return "?"


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        found += [int(child) for child in read(f"/proc/{pid}/task/{task}/children").split() if child.isdigit()]
    return found


def end(child, why):
    print(f"\nLIMIT: {why}", flush=True)
    for task in os.listdir(f"/proc/{child.pid}/task"):
        task = f"/proc/{child.pid}/task/{task}"
        print(f"LIMIT: thread {read(task + '/comm')} waits in {read(task + '/wchan')}", flush=True)
    held = []
    for pid in children(child.pid):
        try:
            held.append(os.pidfd_open(pid))
        except OSError:
            pass  # gone already
    child.kill()
    child.wait()
    by = time.monotonic() + LAST_WORDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pidfd in held:
            try:
                signal.pidfd_send_signal(pidfd, number)
            except OSError:
                pass  # has ended by itself
        for pidfd in held:
            select.select([pidfd], [], [], max(0, by - time.monotonic()))


def run(command, finished):
    """Runs it to its end, or to ours of it: its code, and who ran too long, None if nobody did. Adds who was done."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    out, rest = child.stdout.fileno(), b""
    overdue, said = {}, time.monotonic()
    while True:
        ready, _, _ = select.select([out], [], [], 0.5)
        now = time.monotonic()
        if ready:
            some = os.read(out, 1 << 16)
            if not some:
                break
            said = now
            sys.stdout.buffer.write(some)
            sys.stdout.buffer.flush()
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                if long := RUNS_LONG.match(line):
                    overdue[long[1].decode()] = now + max(0, LIMIT - TOLD_AFTER)
                elif done := DONE.match(line):
                    finished.add(done[1].decode())
                    overdue.pop(done[1].decode(), None)
        late = {name for name, by in overdue.items() if now > by}
        if late:
            end(child, f"the test {' and '.join(sorted(late))} runs for more than {LIMIT:.0f} seconds")
            return TOO_LONG, late
        if not overdue and now - said > LIMIT + TOLD_AFTER:
            last = rest.decode(errors="replace").strip() or "the last test"
            end(child, f"{command[0]} says nothing for {now - said:.0f} seconds, after: {last}")
            return TOO_LONG, set()
    code = child.wait()
    return (code if code >= 0 else 128 - code), None


def main():
    # A signal for all of us is the tests' to answer. What is heard by a function is heard as usual by those started.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    finished = set()
    code, late = run(sys.argv[1:], finished)
    worst = code
    # Names that somebody chose would mean something else beside `--exact`.
    while late and len(sys.argv) == 2:
        finished |= late
        skipped = [word for name in sorted(finished) for word in ("--skip", name)]
        print(f"LIMIT: on with the others than those {len(finished)}", flush=True)
        code, again = run([sys.argv[1], "--exact", *skipped], finished)
        late = again and again - late
    sys.exit(worst or code)


main()
