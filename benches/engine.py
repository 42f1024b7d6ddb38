"""Makes graphs of shell built-ins and measures hpipe beside ninja, n2, a bare spawn loop, cp and git add.

Every figure is CPU seconds, user and system, of the command and all its children, as `wait4` counts them; the peers take
turns in one run, and a ratio is the median of the ratios of the turns, with the smallest and largest beside it. What was
made is compared with what this script computes itself. `benches/engine.sh` installs the peers and says how to call this.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

JOBS = "2"


# Graphs ---------------------------------------------------------------------------------------------------------------


def stages(kind, count):
    """Each stage as (name, sources, former stages, constant): its out is the sum of what it reads and the constant.

    The last stage alone reads `src/leaf`.
    """
    width = {"chain": 1, "wide": count, "layered": max(1, round(count**0.5))}[kind]
    for i in range(count):
        column, layer = i % width, i // width
        sources = [f"{column % 10}"] if layer == 0 else []
        above = [] if layer == 0 else sorted({(layer - 1) * width + c % width for c in (column, column + 1, column + 7)})
        if i == count - 1:
            sources.append("leaf")
        yield i, sources, above, i % 5


def out(i):
    return f"out/{i // 1000:03}/{i:06}"


def files_of(sources, above):
    return [f"src/{source}" for source in sources] + [out(i) for i in above]


def command(i, sources, above, constant):
    """What stage `i` executes: built-ins of the shell alone, so that nothing but a shell starts."""
    reads = "".join(f"read v{n} < {path}; " for n, path in enumerate(files_of(sources, above)))
    terms = " + ".join([str(constant)] + [f"v{n}" for n in range(len(sources) + len(above))])
    return f"{reads}echo $(( ({terms}) % 99991 )) > {out(i)}"


def write_graph(folder, kind, count):
    """The same graph for hpipe, and for ninja and n2."""
    folder.mkdir(parents=True)
    (folder / "src").mkdir()
    for source in list(range(10)):
        (folder / "src" / str(source)).write_text(f"{source}\n")
    (folder / "src" / "leaf").write_text("1\n")
    for i in range(0, count, 1000):
        (folder / out(i)).parent.mkdir(parents=True)
    with open(folder / "pipeline.yaml", "w") as pipeline, open(folder / "build.ninja", "w") as ninja:
        pipeline.write("stages:\n")
        ninja.write("rule sh\n  command = $cmd\n")
        for i, sources, above, constant in stages(kind, count):
            deps, cmd = files_of(sources, above), command(i, sources, above, constant)
            pipeline.write(f"  s{i:06}:\n    cmd: {cmd}\n    deps:\n")
            pipeline.writelines(f"    - {dep}\n" for dep in deps)
            pipeline.write(f"    outs:\n    - {out(i)}\n")
            ninja.write(f"build {out(i)}: sh {' '.join(deps)}\n  cmd = {cmd.replace('$', '$$')}\n")


def check(folder, kind, count):
    """Fails unless every out is what it should be."""
    read = {}
    for source in [*map(str, range(10)), "leaf"]:
        read[source] = int((folder / "src" / source).read_text())
    values = []
    for i, sources, above, constant in stages(kind, count):
        values.append((constant + sum(read[s] for s in sources) + sum(values[j] for j in above)) % 99991)
        found = (folder / out(i)).read_text()
        if found != f"{values[i]}\n":
            sys.exit(f"{folder / out(i)} holds {found!r} and should hold {values[i]}")


def remove_outs(folder):
    for parent, _, names in os.walk(folder / "out"):
        for name in names:
            os.unlink(os.path.join(parent, name))


# Measuring ------------------------------------------------------------------------------------------------------------


def measure(usage, arguments, folder):
    """CPU seconds of a command and its children, and its peak memory in MiB; stops the script if the command fails."""
    report = folder / ".bench-usage"
    command = [usage, report, shutil.which(arguments[0]), *arguments[1:]]
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    seconds, kibibytes, status = report.read_text().split()
    if status != "0":
        sys.exit(f"{' '.join(map(str, arguments))} failed in {folder}:\n{ended.stderr.decode()[-2000:]}")
    return float(seconds), int(kibibytes) / 1024


class Peer:
    """A tool at work in its own copy of a graph."""

    def __init__(self, options, name, arguments, folder):
        self.usage, self.name, self.arguments, self.folder = options.usage, name, arguments, folder

    def run(self):
        return measure(self.usage, self.arguments, self.folder)


class Table:
    """Figures, told as they come and once more at the end."""

    def __init__(self):
        self.rows = []

    def add(self, what, figures, target):
        """`figures`: for each peer the CPU seconds of its turns, hpipe first; the target is for the best of the others."""
        names = list(figures)
        hpipe = figures[names[0]]
        seconds = ", ".join(f"{name} {statistics.median(values):.3f}" for name, values in figures.items())
        for other in names[1:]:
            ratios = [ours / max(theirs, 1e-6) for ours, theirs in zip(hpipe, figures[other])]
            ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"
            self.row(what, f"of {other}", ratio, target, seconds)

    def row(self, *columns):
        self.rows.append(columns)
        print("  ".join(columns), flush=True)

    def show(self):
        print("\n| what | hpipe's CPU | ratio: median (smallest-largest) | target | CPU seconds, medians |")
        print("|---|---|---|---|---|")
        for columns in self.rows:
            print(f"| {' | '.join(columns)} |")


def turns(runs, peers, before=lambda peer, turn: None, each=lambda peer, result: None):
    """Lets the peers take turns; returns the CPU seconds of each, and notes the peak memory."""
    figures = {peer.name: [] for peer in peers}
    memory = {peer.name: [] for peer in peers}
    for turn in range(runs):
        for peer in peers if turn % 2 == 0 else reversed(peers):
            before(peer, turn)
            seconds, peak = peer.run()
            figures[peer.name].append(seconds)
            memory[peer.name].append(peak)
    return figures, memory


# What is measured -----------------------------------------------------------------------------------------------------


def peers_of(options, base, kind, count):
    found = [("hpipe", [options.hpipe, "repro", "-j", JOBS]), ("ninja", [options.ninja, "-j", JOBS])]
    if options.n2:
        found.append(("n2", [options.n2, "-j", JOBS]))
    peers = []
    for name, arguments in found:
        folder = base / f"{kind}-{count}-{name}"
        write_graph(folder, kind, count)
        peers.append(Peer(options, name, arguments, folder))
    return peers


def forget(peer):
    """As if nothing had ever been built."""
    remove_outs(peer.folder)
    for name in [".ninja_log", ".ninja_deps", ".n2_db", "pipeline.lock"]:
        (peer.folder / name).unlink(missing_ok=True)
    shutil.rmtree(peer.folder / ".cache", ignore_errors=True)


class Spawn(Peer):
    """The commands of a graph's stages in their order, two at a time, and nothing else."""

    def __init__(self, options, folder, kind, count):
        super().__init__(options, "bare spawn loop", [options.spawn, folder / "commands"], folder)
        with open(folder / "commands", "wb") as file:
            for stage in stages(kind, count):
                file.write(command(*stage).encode() + b"\0")


def cold(options, table, base, kind, count):
    peers = peers_of(options, base, kind, count)
    cold_runs = max(1, min(options.runs, 20_000 // count))
    measured = list(peers)
    if options.spawn and kind == "wide":
        measured.append(Spawn(options, peers[1].folder, kind, count))
    figures, memory = turns(cold_runs, measured, before=lambda peer, _: forget(peer))
    for peer in peers:
        check(peer.folder, kind, count)
    table.add(f"cold, {kind} {count}", figures, "1.25 of the bare loop, 1.0 of ninja")
    peaks(table, f"peak memory, cold, {kind} {count}", memory)
    return peers


def peaks(table, what, memory):
    row = ", ".join(f"{name} {statistics.median(values):.0f}" for name, values in memory.items())
    ratio = statistics.median(memory["hpipe"]) / statistics.median(memory["ninja"])
    table.row(what, "of ninja", f"{ratio:.2f}", "4.0", f"{row} MiB")


def no_op(options, table, kind, count, peers):
    for _ in range(2):  # what was written within the last tick of the clock must be read again once
        for peer in peers:
            peer.run()
    figures, memory = turns(options.runs, peers)
    table.add(f"no-op, {kind} {count}", figures, "1.0 of the better")
    peaks(table, f"peak memory, no-op, {kind} {count}", memory)


def leaf(options, table, kind, count, peers):
    def change(peer, turn):
        (peer.folder / "src" / "leaf").write_text(f"{turn + 2}\n")

    figures, memory = turns(options.runs, peers, before=change)
    for peer in peers:
        check(peer.folder, kind, count)
    table.add(f"one leaf changed, {kind} {count}", figures, "1.0 of ninja")
    peaks(table, f"peak memory, one leaf changed, {kind} {count}", memory)


def touched(options, table, kind, count, peers):
    def touch(peer, _):
        os.utime(peer.folder / "src" / "0")

    figures, _ = turns(min(options.runs, 5), peers, before=touch)
    for peer in peers:
        check(peer.folder, kind, count)
    table.add(f"first input touched, {kind} {count}", figures, "0.01 of ninja")


class Copies(Peer):
    """All outs copied (or linked) from a folder that holds them."""

    def __init__(self, options, name, flags, folder):
        super().__init__(options, name, ["cp", "-r", *flags, folder / "out", folder / "copy"], folder)


def restored(options, table, kind, count, peers):
    hpipe = peers[0]

    def remove(peer, _):
        if peer is hpipe:
            remove_outs(peer.folder)
        else:
            shutil.rmtree(peer.folder / "copy", ignore_errors=True)

    held = peers[1].folder
    loops = [Copies(options, "a loop of copies", [], held), Copies(options, "a loop of hard links", ["-l"], held)]
    figures, _ = turns(options.runs, [hpipe, *loops], before=remove)
    check(hpipe.folder, kind, count)
    table.add(f"all outs deleted and restored, {kind} {count}", figures, "2.0 of the link type set")


def small_files(options, table, base, count):
    """Files of 4 KiB into the cache beside `git add`, then again with nothing changed."""
    hpipe = base / f"files-{count}-hpipe"
    git = base / f"files-{count}-git"
    for folder in (hpipe, git):
        for i in range(count):
            path = folder / "data" / f"{i // 1000:03}" / f"{i:06}"
            if i % 1000 == 0:
                path.parent.mkdir(parents=True)
            path.write_bytes(i.to_bytes(4, "little") * 1024)
    (hpipe / "pipeline.yaml").write_text(
        "stages:\n  take:\n    cmd: 'true'\n    outs:\n    - data:\n        persist: true\n"
    )
    peers = [
        Peer(options, "hpipe", [options.hpipe, "repro", "-j", JOBS], hpipe),
        Peer(options, "git add", ["git", "add", "data"], git),
    ]

    def afresh(peer, _):
        shutil.rmtree(peer.folder / ".cache", ignore_errors=True)
        (peer.folder / "pipeline.lock").unlink(missing_ok=True)
        shutil.rmtree(peer.folder / ".git", ignore_errors=True)
        if peer.name == "git add":
            subprocess.run(["git", "init", "-q"], cwd=peer.folder, check=True)

    runs = max(1, min(options.runs, 200_000 // count))
    figures, _ = turns(runs, peers, before=afresh)
    table.add(f"{count} files of 4 KiB into the cache", figures, "0.25")
    for peer in peers * 2:
        peer.run()
    figures, _ = turns(options.runs, peers)
    table.add(f"{count} files of 4 KiB, nothing changed", figures, "1.0")


# Watching: wall time, for what counts is how soon it reacts -----------------------------------------------------------


class Watched:
    """`hpipe watch` at work on a graph; `change` says how long one takes until its stage starts, and until all is done."""

    def __init__(self, options, folder):
        self.folder, self.turn = folder, 0
        command = [options.hpipe, "watch", "--json", "-j", JOBS]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.until("watching")

    def until(self, event):
        for line in self.process.stdout:
            found = json.loads(line)
            if found.get("event") == event:
                return found, time.monotonic()
        sys.exit(f"hpipe watch ended in {self.folder}")

    def change(self, name, how):
        """Milliseconds from the end of the writing to `stage_started`, and to the end of the round."""
        self.turn += 1
        path, text = self.folder / "src" / name, f"{self.turn + 1000}\n"
        if how == "renamed":
            beside = self.folder / ".new"
            beside.write_text(text)
            saved = time.monotonic()
            beside.rename(path)
        else:
            path.write_text(text)
            saved = time.monotonic()
        _, started = self.until("stage_started")
        _, over = self.until("watching")
        return (started - saved) * 1000, (over - saved) * 1000

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def watched(options, table, base, kind, count):
    """The leaf alone reads `src/leaf`: what one change costs must not depend on how many stages there are."""
    folder = base / f"watch-{kind}-{count}"
    write_graph(folder, kind, count)
    watch = Watched(options, folder)
    for how in ["renamed", "written"]:
        watch.change("leaf", how)
        times = [watch.change("leaf", how) for _ in range(max(5, options.runs))]
        started, over = (sorted(column) for column in zip(*times))
        told = f"{statistics.median(started):.2f} ({started[0]:.2f}-{started[-1]:.2f})"
        whole = f"all done and watching again after {statistics.median(over):.1f} ms"
        table.row(f"watch: a file {how}, {kind} {count}", "ms to its stage's start", told, "3", whole)
    watch.end()
    check(folder, kind, count)
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hpipe", required=True)
    parser.add_argument("--ninja", required=True)
    parser.add_argument("--n2", help="left out where it is not installed")
    parser.add_argument("--spawn", help="the bare spawn loop")
    parser.add_argument("--usage", required=True, help="tells what a command uses")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--graphs", default="wide:1000,chain:1000,layered:10000")
    parser.add_argument("--files", default="10000", help="numbers of small files; empty for none")
    parser.add_argument("--watch", default="layered:1000", help="graphs that are watched; empty for none")
    parser.add_argument("--folder", required=True, type=Path, help="where to work; what lies there is removed")
    options = parser.parse_args()
    table = Table()
    for graph in filter(None, options.graphs.split(",")):
        kind, count = graph.split(":")
        count = int(count)
        peers = cold(options, table, options.folder, kind, count)
        no_op(options, table, kind, count, peers)
        leaf(options, table, kind, count, peers)
        if kind == "chain":
            touched(options, table, kind, count, peers)
        restored(options, table, kind, count, peers)
        for peer in peers:
            shutil.rmtree(peer.folder)
    for graph in filter(None, options.watch.split(",")):
        kind, count = graph.split(":")
        watched(options, table, options.folder, kind, int(count))
    for count in filter(None, options.files.split(",")):
        small_files(options, table, options.folder, int(count))
        for peer in ("hpipe", "git"):
            shutil.rmtree(options.folder / f"files-{count}-{peer}")
    table.show()


if __name__ == "__main__":
    main()
