"""Records in answers.json how DVC reads each project of projects.txt.

    pip install 'dvc==3.67.*' && python dvc_parsing.py

`--check` compares instead of writing. The test `dvc` of hpipe-spec compares hpipe with the record, so that it needs no Python.
"""

import json
import os
import struct
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def projects(text):
    """Name, options and files of each project."""
    found = []
    for line in text.splitlines(keepends=True):
        if line.startswith("=== "):
            name, _, options = line[4:].strip().partition(" ")
            found.append((name, options, {}))
        elif line.startswith("--- ") and found:
            path = line[4:].strip()
            found[-1][2][path] = ""
        elif found and found[-1][2]:
            found[-1][2][path] += line
    return found


def written(path, text, options):
    text = text.rstrip("\n") + "\n" if text.strip() else ""
    words = options.split("differs:")[0].split()
    if path.endswith("dvc.yaml"):
        text = text.replace("\n", "\r\n") if "crlf" in words else text
        text = "\ufeff" + text if "bom" in words else text
    return text.encode()


def plain(value):
    """A value as JSON has it: floats as their bits, so that 1.0 is not 1; what JSON has not as a text."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else {"int": str(value)}
    if isinstance(value, float):
        return {"float": struct.pack(">d", value).hex()}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    return str(value)


def relative(path, root):
    return os.path.relpath(path, root)


def stage_view(stage, root):
    from dvc.dependency import ParamsDependency

    params, values = {}, {}
    for dep in stage.deps:
        if isinstance(dep, ParamsDependency):
            path = relative(dep.fs_path, root)
            params[path] = list(dep.params)
            if os.path.exists(dep.fs_path):
                try:
                    values[path] = plain(dep.get_hash().value)
                except Exception as error:
                    values[path] = {"error": type(error).__name__}
    view = {
        "cmd": stage.cmd if isinstance(stage.cmd, list) else [stage.cmd],
        "wdir": relative(stage.wdir, root),
        "deps": [relative(dep.fs_path, root) for dep in stage.deps if not isinstance(dep, ParamsDependency)],
        "params": params,
        "values": values,
        "outs": [out_view(out, root) for out in stage.outs],
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": None if stage.desc is None else str(stage.desc),
    }
    return view


def out_view(out, root):
    return {
        "path": relative(out.fs_path, root),
        "kind": "metric" if out.metric else "plot" if out.plot else "out",
        "cache": out.use_cache,
        "persist": out.persist,
        "plot": plain(out.plot) if isinstance(out.plot, (dict, list)) else None,
        "annotations": plain(out.annot.to_dict()),
        "remote": out.remote,
        "push": out.can_push,
    }


def plot_view(item, path):
    ((name, keys),) = item.items() if isinstance(item, dict) else [(item, None)]
    keys = keys or {}
    x, y = keys.get("x"), keys.get("y")
    columns = lambda y: [] if y is None else [y] if isinstance(y, str) else y
    files = y.items() if isinstance(y, dict) else [(name, y)]
    return {
        "id": name if isinstance(y, dict) else path(name),
        "x": [[path(file), column] for file, column in x.items()] if isinstance(x, dict) else x,
        "y": [[path(file), columns(y)] for file, y in files],
        **{key: keys.get(key) for key in ["title", "x_label", "y_label", "template"]},
    }


def answer(files, options):
    from dvc.repo import Repo

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(written(path, text, options))
        (root / ".dvc").mkdir(exist_ok=True)
        if not (root / ".dvc/config").exists():
            (root / ".dvc/config").write_text("[core]\n    no_scm = True\n")
        os.chdir(root)
        try:
            with Repo(str(root)) as repo:
                return view(repo, files, root)
        except Exception as error:  # DVC meets some of what it cannot read with an assertion or a TypeError
            return {"error": f"{type(error).__name__}: {error}".replace(str(root), "").splitlines()[0]}
        finally:
            os.chdir(HERE)


def view(repo, files, root):
    from dvc.dvcfile import load_file

    name = next(path for path in files if path.endswith("dvc.yaml"))
    file = load_file(repo, str(root / name))
    stages = {name: stage_view(stage, root) for name, stage in file.stages.items()}
    resolver = file.resolver
    folder = os.path.dirname(name)

    def path(written):
        return os.path.normpath(os.path.join(folder, written))

    beside = {
        "params": [path(item) for item in resolver.resolve_params()],
        "metrics": [path(item) for item in resolver.resolve_metrics()],
        "plots": [plot_view(item, path) for item in resolver.resolve_plots()],
        "artifacts": plain(resolver.resolve_artifacts()),
        "datasets": plain(resolver.resolve_datasets()),
    }
    return {"names": list(stages), "stages": stages, **{key: value for key, value in beside.items() if value}}


def main():
    found = projects((HERE / "projects.txt").read_text())
    answers = {name: answer(files, options) for name, options, files in found}
    text = json.dumps(answers, indent=1, ensure_ascii=False) + "\n"
    target = HERE / "answers.json"
    if "--check" in sys.argv:
        sys.exit(target.read_text() != text and "answers.json is not what this DVC says")
    target.write_text(text)


main()
