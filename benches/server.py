"""Measures tracking servers; started by server.sh. Requests are raw HTTP on kept connections, the same for both."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HPIPE, PYTHON, FOLDER, MANY = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
TICK = os.sysconf("SC_CLK_TCK")
CLIENTS = 32


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def processes(pid):
    """The process and all below it."""
    found = [pid]
    for entry in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in entry.read_text().split():
                found += processes(int(child))
        except OSError:
            pass
    return found


class Server:
    def __init__(self, name, command, port, environment=None):
        self.name, self.port = name, port
        began = time.perf_counter()
        log = open(FOLDER / f"{name}.log", "wb")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
                connection.request("GET", "/health")
                connection.getresponse().read()
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"{name} ended: {(FOLDER / f'{name}.log').read_text()}")
                time.sleep(0.001)
        self.start = time.perf_counter() - began
        self.local = threading.local()

    def cpu(self):
        """Seconds of CPU of all its processes; those of children that ended are with their parents."""
        ticks = 0
        for pid in processes(self.process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += sum(int(field) for field in fields[11:15])
            except OSError:
                pass
        return ticks / TICK

    def memory(self):
        """MiB of memory that all its processes have for themselves and share, proportionally."""
        total = 0
        for pid in processes(self.process.pid):
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                pass
        return total / 1024, len(processes(self.process.pid))

    def call(self, path, body):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("POST", "/api/2.0/mlflow" + path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (path, answer.status, text[:300])
        return json.loads(text)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        connection.request("GET", "/api/2.0/mlflow" + path)
        return json.loads(connection.getresponse().read())

    def run(self, start=1):
        return self.call("/runs/create", {"experiment_id": "0", "start_time": start})["run"]["info"]["run_id"]

    def measured(self, count, request):
        """Milliseconds of CPU and of waiting per request."""
        request(0)
        cpu, began = self.cpu(), time.perf_counter()
        for i in range(count):
            request(i + 1)
        return (self.cpu() - cpu) * 1000 / count, (time.perf_counter() - began) * 1000 / count

    def end(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def batch(run, i):
    return {
        "run_id": run,
        "metrics": [{"key": f"m{k}", "value": i + k / 10, "timestamp": i + 1, "step": i} for k in range(10)],
        "params": [{"key": f"p{i}.{k}", "value": str(k)} for k in range(10)],
        "tags": [{"key": f"t{k}", "value": str(i)} for k in range(2)],
    }


def log_at_once(server, each):
    """Many clients log at once; how many values are lost."""
    run, errors = server.run(), []

    def client(number):
        try:
            for step in range(each):
                server.call("/runs/log-metric", {"run_id": run, "key": f"c{number}", "value": step, "timestamp": 1, "step": step})
        except Exception as error:
            errors.append(repr(error))

    began = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    rate = CLIENTS * each / (time.perf_counter() - began)
    found = sum(len(server.get(f"/metrics/get-history?run_id={run}&metric_key=c{n}").get("metrics", [])) for n in range(CLIENTS))
    return CLIENTS * each - found, len(errors), rate


def measure(server, requests, runs=1000):
    rows = {"start to first answer": f"{server.start * 1000:.0f} ms"}
    time.sleep(2)
    memory, count = server.memory()
    rows["processes"] = str(count)
    rows["memory, idle"] = f"{memory:.0f} MiB"
    run = server.run()
    cpu, wait = server.measured(requests, lambda i: server.call("/runs/log-metric", {"run_id": run, "key": "loss", "value": i, "timestamp": i, "step": i}))
    rows["log-metric, CPU (waiting)"] = f"{cpu:.3f} ms ({wait:.2f} ms)"
    count = max(requests // 4, 50)
    ids = [server.run() for _ in range(count // 20 + 1)]
    cpu, wait = server.measured(count, lambda i: server.call("/runs/log-batch", batch(ids[i // 20], i)))
    rows["log-batch of 10 metrics, 10 params, 2 tags"] = f"{cpu:.3f} ms ({wait:.2f} ms)"
    for i in range(runs):
        id = server.run(i + 1)
        server.call("/runs/log-batch", {"run_id": id, **{k: v for k, v in batch(id, i).items() if k != "run_id"}})
    search = {"experiment_ids": ["0"], "filter": "metrics.m0 >= 0", "order_by": ["metrics.m1 DESC"], "max_results": 100}
    cpu, wait = server.measured(50, lambda i: server.call("/runs/search", search))
    rows["search 100 of 1,000 runs, filtered and sorted"] = f"{cpu:.2f} ms ({wait:.1f} ms)"
    rows["memory after 1,000 runs"] = f"{server.memory()[0]:.0f} MiB"
    lost, errors, rate = log_at_once(server, max(requests // 40, 5))
    rows["32 clients log: lost, errors, per second"] = f"{lost}, {errors}, {rate:.0f}"
    return rows


def search_many(server, count):
    """Searches in many runs, made by as many clients as a script may have."""

    def make(part):
        for i in range(part, count, 16):
            id = server.run(i + 1)
            server.call("/runs/log-batch", {"run_id": id, "metrics": [{"key": "m0", "value": i, "timestamp": 1, "step": 0}], "params": [{"key": "kind", "value": str(i % 10)}]})

    threads = [threading.Thread(target=make, args=(part,)) for part in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    rows = {}
    for name, filter, order in [
        ("youngest 100", "", []),
        ("by a metric, the best 100", "metrics.m0 > 10", ["metrics.m0 ASC"]),
        ("by a param, youngest 100", "params.kind = '3'", []),
    ]:
        search = {"experiment_ids": ["0"], "filter": filter, "order_by": order, "max_results": 100}
        cpu, wait = server.measured(5, lambda i: server.call("/runs/search", search))
        rows[f"search {count:,} runs: {name}"] = f"{cpu:.1f} ms ({wait:.1f} ms)"
    return rows


def main():
    port = free_port()
    ours = Server("hpipe", [HPIPE, "-C", str(FOLDER), "server", "--port", str(port)], port)
    hpipe = measure(ours, 4000)
    large = search_many(ours, MANY)
    ours.end()
    port = free_port()
    environment = {**os.environ, "PATH": f"{Path(PYTHON).parent}:{os.environ['PATH']}"}
    store = ["--backend-store-uri", f"sqlite:///{FOLDER}/mlflow.db", "--default-artifact-root", str(FOLDER / "mlruns")]
    theirs = Server("mlflow", [PYTHON, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *store], port, environment)
    mlflow = measure(theirs, 400)
    theirs.end()
    print("| | hpipe | mlflow |\n|---|---|---|")
    for name, value in hpipe.items():
        print(f"| {name} | {value} | {mlflow[name]} |")
    for name, value in large.items():
        print(f"| {name} | {value} | – |")


main()
