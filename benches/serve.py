"""Measures servers of models; started by serve.sh. Clients are `load ask`, the same for all, on kept connections."""

import argparse
import atexit
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
COLUMNS = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
PIPELINE = """\
stages:
  ingest:
    uses: ingest
    with: {target: price}
    deps: {table: data.csv}
    outs: {table: table.parquet}
  split:
    uses: split
    with: {fractions: {train: 0.7, validation: 0.15, test: 0.15}, seed: 1}
    deps: {table: table.parquet}
    outs: {train: train.parquet, validation: validation.parquet, test: test.parquet}
  train:
    matrix: {seed: [1, 2]}
    uses: train
    with:
      model: xgboost
      target: price
      seed: ${item.seed}
      hyperparameters: {n_estimators: 200, max_depth: 6, learning_rate: 0.1, subsample: 0.8}
    deps: {train: train.parquet}
    outs: {model: 'model-${item.seed}.safetensors'}
  profile:
    matrix: {seed: [1, 2]}
    uses: profile
    deps: {model: 'model-${item.seed}.safetensors', train: train.parquet, validation: validation.parquet}
    outs: {profile: 'profile-${item.seed}.json'}
  export:
    uses: export
    with: {format: xgboost_json}
    deps: {model: model-1.safetensors}
    outs: {model: model.json}
"""
FASTAPI = """\
import json
import numpy
import xgboost
from fastapi import FastAPI
from pydantic import ConfigDict, Field, create_model

ranges = json.load(open("ranges.json"))
fields = {name: (float, Field(ge=least, le=most)) for name, (least, most) in ranges.items()}
Row = create_model("Row", __config__=ConfigDict(extra="forbid"), **fields)
names = list(ranges)
booster = xgboost.Booster({"nthread": 1})
booster.load_model("model.json")
app = FastAPI()


def predicted(rows):
    table = numpy.array([[getattr(row, name) for name in names] for row in rows])
    return {"predictions": booster.inplace_predict(table).tolist()}


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/predict")
async def predict(row: Row):
    return predicted([row])


@app.post("/batch")
async def batch(rows: list[Row]):
    return predicted(rows)
"""


class Server:
    def __init__(self, name, command, folder, url=None, environment=None):
        self.name = name
        log = open(folder / f"{name}.log", "wb")
        out = subprocess.PIPE if url is None else log
        env = dict(os.environ, **(environment or {}))
        self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=log, env=env)
        atexit.register(self.process.kill)
        if url is None:
            url = self.process.stdout.readline().decode()
            url = json.loads(url)["url"] if url.startswith("{") else url.strip()
            # what else it says is read away, or it would wait for its reader
            threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.host = url.removeprefix("http://")
        while True:
            try:
                self.ask("GET", "/health")
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{name} ended: {(folder / f'{name}.log').read_text()}")
                time.sleep(0.01)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer, answer.read()

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        """Resident megabytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def run(*command, **more):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, **more)


def prepare(hpipe, folder):
    """Trains two versions and registers them, the first in Production; says a row, and a thousand of them."""
    draw = random.Random(7)
    bounds = [(0.5, 15), (1, 52), (1, 40), (0.5, 10), (3, 8000), (1, 20), (32.5, 42), (-124.4, -114.3)]
    rows = [[round(draw.uniform(*bound), 4) for bound in bounds] for _ in range(20_000)]

    def price(row):
        income, age, rooms, bedrooms, people, occupants, latitude, longitude = row
        return 0.4 * income + 0.01 * age + rooms / (5 + bedrooms) - occupants / 30 + abs(latitude - 37) / 9 + draw.gauss(0, 0.1)

    lines = [",".join(COLUMNS + ["price"])] + [",".join(map(repr, row + [round(price(row), 5)])) for row in rows]
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    run(hpipe, "repro", cwd=folder, stderr=subprocess.DEVNULL)
    for seed in (1, 2):
        run(hpipe, "models", "register", f"model-{seed}.safetensors", "--name", "house", "--profile", f"profile-{seed}.json",
            cwd=folder, stderr=subprocess.DEVNULL)
    run(hpipe, "models", "promote", "house/1", "Production", cwd=folder, stderr=subprocess.DEVNULL)
    ranges = {name: bound for name, bound in zip(COLUMNS, bounds)}
    (folder / "ranges.json").write_text(json.dumps(ranges))
    (folder / "app.py").write_text(FASTAPI)
    records = [dict(zip(COLUMNS, row)) for row in rows[:1000]]
    (folder / "row.json").write_text(json.dumps(records[0]))
    (folder / "rows.json").write_text(json.dumps(records))


def measured(load, server, path, body, connections, seconds):
    """Requests per second, p50 and p99 in microseconds, requests per second of the server's CPU."""
    before = server.cpu()
    command = [load, "ask", server.host, path, body, str(connections), str(seconds)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    cpu = max(server.cpu() - before, 1 / TICK)
    return told["rate"], told["p50"], told["p99"], told["count"] / cpu


def compared(load, servers, folder, options):
    """For each case and server the median of what the turns came to."""
    found = {}
    for case, body, connections in [("1 row, 1 connection", "row.json", 1), ("1 row, 32 connections", "row.json", 32),
                                    ("1,000 rows, 1 connection", "rows.json", 1)]:
        turns = {server.name: [] for server in servers}
        for _ in range(options.turns):
            for server in servers:
                path = "/batch" if body == "rows.json" and server.name == "fastapi" else "/predict"
                turns[server.name].append(measured(load, server, path, folder / body, connections, options.seconds))
        found[case] = {name: [statistics.median(column) for column in zip(*all_)] for name, all_ in turns.items()}
    return found


def agree(hpipe, fastapi, folder):
    """The largest relative distance between what both predict of a thousand rows."""
    body = (folder / "rows.json").read_text()
    ours, theirs = (json.loads(server.ask("POST", path, body)[1])["predictions"]
                    for server, path in ((hpipe, "/predict"), (fastapi, "/batch")))
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))


def exchanged(program, server, folder, count=10_000, swaps=50):
    """Asks while versions are promoted and rolled back; the number of requests, of errors, of mixed answers, of versions."""
    row = (folder / "row.json").read_text()
    expected, wrong, mixed, asked, lock = {}, [], [], [0], threading.Lock()
    done = threading.Event()

    def client():
        connection = http.client.HTTPConnection(server.host, timeout=60)
        while not (done.is_set() and asked[0] >= count):
            try:
                connection.request("POST", "/predict", f"[{row},{row},{row}]", {"Content-Type": "application/json"})
                answer = connection.getresponse()
                predictions = json.loads(answer.read())["predictions"]
                version = answer.headers["X-Model-Version"]
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                wrong.append(repr(error))
                connection = http.client.HTTPConnection(server.host, timeout=60)
                continue
            with lock:
                asked[0] += 1
                if answer.status != 200:
                    wrong.append(answer.status)
                if set(predictions) != {expected.setdefault(version, predictions[0])}:
                    mixed.append(version)

    clients = [threading.Thread(target=client) for _ in range(8)]
    for thread in clients:
        thread.start()
    for turn in range(swaps // 2):
        run(program, "models", "promote", "house/2", "Production", "--archive-existing", cwd=folder, stderr=subprocess.DEVNULL)
        wait_for(server, "2")
        run(program, "models", "rollback", "house", cwd=folder, stderr=subprocess.DEVNULL)
        wait_for(server, "1")
    done.set()
    for thread in clients:
        thread.join()
    assert len(set(expected.values())) == len(expected) == 2, expected
    return asked[0], len(wrong), len(mixed)


def wait_for(server, version):
    while server.ask("GET", "/version")[0].headers["X-Model-Version"] != version:
        time.sleep(0.01)


def soaked(load, server, folder, count):
    """Megabytes after a tenth of so many requests, and at the end."""
    asked, early = 0, None
    while asked < count:
        command = [load, "ask", server.host, "/predict", str(folder / "row.json"), "32", "2"]
        asked += json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["count"]
        if early is None and asked >= count / 10:
            early = server.memory()
    return asked, early, server.memory()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hpipe", type=Path)
    parser.add_argument("load")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--soak", type=int, default=1_000_000)
    options = parser.parse_args()
    folder = options.folder
    prepare(options.hpipe, folder)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    hpipe = Server("hpipe", [options.hpipe, "serve", "house", "--port", "0", "--json"], folder)
    uvicorn = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--no-access-log"]
    fastapi = Server("fastapi", uvicorn, folder, f"http://127.0.0.1:{port}", {"OMP_NUM_THREADS": "1"})
    bare = Server("bare", [options.load, "bare"], folder)
    servers = [hpipe, fastapi, bare]
    distance = agree(hpipe, fastapi, folder)
    found = compared(options.load, servers, folder, options)
    fastapi.end()
    bare.end()
    swaps = exchanged(options.hpipe, hpipe, folder)
    soak = soaked(options.load, hpipe, folder, options.soak)
    hpipe.end()
    tell(found, distance, swaps, soak)


def tell(found, distance, swaps, soak):
    print("| what | server | requests/s | p50 µs | p99 µs | requests per CPU second |\n|---|---|---|---|---|---|")
    for case, servers in found.items():
        for name, (rate, half, nearly, per_cpu) in servers.items():
            print(f"| {case} | {name} | {rate:,.0f} | {half:,.0f} | {nearly:,.0f} | {per_cpu:,.0f} |")
    print("\n| what | found | target | verdict |\n|---|---|---|---|")

    def line(what, value, target, met):
        print(f"| {what} | {value} | {target} | {'met' if met else 'missed'} |")

    one, many, batch = found.values()
    for case, servers in (("1 connection", one), ("32 connections", many)):
        share = servers["hpipe"][0] / servers["bare"][0]
        line(f"requests/s of the bare handler's, {case}", f"{100 * share:.0f} %", "50 %", share >= 0.5)
    times = many["hpipe"][2] / many["bare"][2]
    line("p99 of the bare handler's, 32 connections", f"{times:.1f} times", "3 times", times <= 3)
    for case, servers in (("1 connection", one), ("32 connections", many)):
        times = servers["hpipe"][3] / servers["fastapi"][3]
        line(f"requests per CPU second of FastAPI's, {case}", f"{times:.1f} times", "10 times", times >= 10)
    times = batch["hpipe"][0] / batch["fastapi"][0]
    line("1,000-row batches/s of FastAPI's", f"{times:.1f} times", "5 times", times >= 5)
    asked, wrong, mixed = swaps
    line(f"{asked:,} requests over 50 promotions and rollbacks", f"{wrong} errors, {mixed} mixed", "none", asked >= 10_000 and wrong + mixed == 0)
    asked, early, late = soak
    line(f"memory over {asked:,} requests", f"{early:.0f} MB after a tenth, {late:.0f} MB at the end", "flat", late <= early * 1.05 + 2)
    line("largest distance to XGBoost's own predictions", f"{distance:.1e}", "1e-5", distance <= 1e-5)


main()
