#!/usr/bin/env python3
"""From an edited copy of the engine's sources to patches, and back.

    patches/mend.py open DIR [PATCH...]  the sources as the patches (and further ones) make them, to be edited
    patches/mend.py save DIR NAME        what was edited becomes NAME.patch
    patches/mend.py check                whether all patches fit

What was edited inside an edit of an older patch goes into that patch, and `save` says so. NAME.patch keeps
its words if it is there; if not, it gets a line that asks for them. Open a new directory after each `save`.
"""

import difflib
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ASK = "What is wrong, and why this mends it.\n\n"


def sources():
    """The directory of the published sources."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-none"]
    answer = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE).stdout
    package = next(p for p in json.loads(answer)["packages"] if p["name"] == "mquickjs-sys")
    return pathlib.Path(package["manifest_path"]).parent / "vendor" / "mquickjs"


def digest(lines):
    """FNV-1a, as in build/patch.rs."""
    value = 0xCBF29CE484222325
    for byte in "".join(lines).encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


class Edit:
    """Replaces the lines from `first` to `last`, from one; `last` is `first - 1` where nothing is replaced."""

    def __init__(self, file, first, last, lines):
        self.file, self.first, self.last, self.lines = file, first, last, lines

    def text(self, published):
        if self.first > self.last:
            place, looked_at = f"{self.last}+", published[self.last - 1 : self.last]
        else:
            place, looked_at = f"{self.first}-{self.last}", published[self.first - 1 : self.last]
        return f"@@ {self.file} {place} {digest(looked_at)}\n" + "".join(self.lines)


def read(path):
    """The words and the edits of a patch; hashes are not looked at."""
    words, edits = "", []
    for line in path.read_text().splitlines(keepends=True):
        head = re.fullmatch(r"@@ (\S+) (\d+)(?:\+|-(\d+)) [0-9a-f]{16}\n", line)
        if head:
            file, first, last = head[1], int(head[2]), head[3]
            edits.append(Edit(file, first, int(last), []) if last else Edit(file, first + 1, first, []))
        elif edits:
            edits[-1].lines.append(line)
        else:
            words += line
    return words, edits


def patches():
    return {path.stem: read(path) for path in sorted(HERE.glob("*.patch"))}


def mended(file, published, everything):
    """The lines of a mended file, and for each of them the edit that it is of, or its number."""
    edits = [(edit, name) for name, (_, some) in everything.items() for edit in some if edit.file == file]
    edits.sort(key=lambda pair: (pair[0].first, pair[0].last))
    lines, origins, at = [], [], 1
    for edit, name in edits:
        if edit.first < at:
            sys.exit(f"{name}: touches lines of another patch at {file}:{edit.first}")
        lines += published[at - 1 : edit.first - 1]
        origins += range(at, edit.first)
        lines += edit.lines
        origins += [(edit, name)] * len(edit.lines)
        at = edit.last + 1
    return lines + published[at - 1 :], origins + list(range(at, len(published) + 1))


def extents(origins, opcodes):
    """Where lines changed, each grown over the older edits that it touches: from and to, in the old lines and
    in the new ones, and those edits."""
    found = []
    for _, start, end, new_start, new_end in (code for code in opcodes if code[0] != "equal"):
        older = {origin for origin in origins[start:end] if isinstance(origin, tuple)}
        if start == end:
            beside = [origins[at] for at in (start - 1, start) if 0 <= at < len(origins)]
            older |= {origin for origin in beside if isinstance(origin, tuple) and origin[0].first > origin[0].last}
            if len(beside) == 2 and beside[0] is beside[1]:
                older.add(beside[0])
        while start > 0 and origins[start - 1] in older:
            start, new_start = start - 1, new_start - 1
        while end < len(origins) and origins[end] in older:
            end, new_end = end + 1, new_end + 1
        if found and found[-1][1] >= start and found[-1][4] & older:
            start, _, new_start, _, before = found.pop()
            older |= before
        found.append((start, end, new_start, new_end, older))
    return found


def save(directory, name):
    everything, base = patches(), sources()
    everything.setdefault(name, (ASK, []))
    changed = set()
    for path in sorted(directory.iterdir()):
        file = path.name
        published = (base / file).read_text().splitlines(keepends=True)
        before, origins = mended(file, published, everything)
        after = path.read_text().splitlines(keepends=True)
        opcodes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        for start, end, new_start, new_end, older in extents(origins, opcodes):
            numbers = [origin for origin in origins[start:end] if isinstance(origin, int)]
            above = origins[start - 1] if start else 0
            above = above if isinstance(above, int) else above[0].last
            # An addition begins behind where it ends, and takes no line with it.
            firsts = numbers + [edit.first for edit, _ in older]
            lasts = numbers + [edit.last for edit, _ in older]
            first, last = (min(firsts), max(lasts)) if firsts else (above + 1, above)
            # An edit that only took lines away has left none to be touched.
            gone = [(edit, of) for of, (_, some) in everything.items() for edit in some if edit.file == file]
            older |= {(edit, of) for edit, of in gone if first <= edit.first and edit.last <= last and not edit.lines}
            if len({of for _, of in older}) > 1:
                sys.exit(f"{file}:{first}: a change over edits of {', '.join(sorted({of for _, of in older}))}")
            whose = next(iter(older))[1] if older else name
            mine = everything[whose][1]
            for edit, _ in older:
                mine.remove(edit)
            new = after[new_start:new_end]
            if new != published[first - 1 : last]:
                mine.append(Edit(file, first, last, new))
            changed.add(whose)
    for whose in sorted(changed):
        words, edits = everything[whose]
        path = HERE / f"{whose}.patch"
        if not edits:
            path.unlink(missing_ok=True)
            print(f"{whose}: nothing is left of it")
            continue
        text = words
        for edit in sorted(edits, key=lambda edit: (edit.file, edit.first)):
            text += edit.text((base / edit.file).read_text().splitlines(keepends=True))
        path.write_text(text)
        print(f"{whose}: {len(edits)} edits")


def check():
    base = sources()
    for path in sorted(HERE.glob("*.patch")):
        words, edits = read(path)
        text = words + "".join(
            edit.text((base / edit.file).read_text().splitlines(keepends=True)) for edit in edits
        )
        if text != path.read_text():
            sys.exit(f"{path.name} is not of these sources")
    everything = patches()
    for file in {edit.file for _, edits in everything.values() for edit in edits}:
        mended(file, (base / file).read_text().splitlines(keepends=True), everything)


def main():
    match sys.argv[1:]:
        case ["open", directory, *more]:
            directory, everything, base = pathlib.Path(directory), patches(), sources()
            everything |= {path: read(pathlib.Path(path)) for path in more}
            directory.mkdir(parents=True)
            for path in sorted(base.iterdir()):
                if path.suffix in (".c", ".h"):
                    lines, _ = mended(path.name, path.read_text().splitlines(keepends=True), everything)
                    (directory / path.name).write_text("".join(lines))
        case ["save", directory, name]:
            save(pathlib.Path(directory), name)
        case ["check"]:
            check()
        case _:
            sys.exit(__doc__)


main()
