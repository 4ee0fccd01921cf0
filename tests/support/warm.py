"""Programs in forks of a process that has already imported the libraries they need, so that they start in no time.

A step of the workflow computes for a moment, but it imports libraries for one to five seconds, and so does Snakemake.
`warm_programs` starts a server that has imported these libraries, and none of this project's modules. It also makes a
folder with programs of the usual names. Such a program asks the server for a fork, which gets its arguments, folder,
environment and open files, imports the project's own modules afresh, and runs. Tests of processes (signals, kills,
memory) use the real programs, and so does every system without `pidfd_open`.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

import psutil

BIN = Path(sys.executable).parent
LIBRARIES = [
    "bm25s",
    "click",
    "docutils.core",
    "fontTools.subset",
    "httpx2",
    "huggingface_hub",
    "hypothesis",
    "IPython",
    "jinja2",
    "jsonschema",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "nbconvert",
    "nbformat",
    "numpy",
    "openai",
    "pandas",
    "pandera.pandas",
    "pandera.strategies.pandas_strategies",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "pooch",
    "psutil",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "pycountry",
    "pydantic",
    "pyreadstat",
    "requests",
    "sacrebleu",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "smart_open",
    "snakemake.benchmark",
    "snakemake.cli",
    "snakemake.report.html_reporter",
    "torch",
    "tqdm",
    "transformers",
    "transformers.generation",
    "transformers.integrations.ggml",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.llama.modeling_llama",
    "yaml",
]
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
"""What Snakemake sets for a job of one thread. Libraries read it when they are loaded; PyTorch is told otherwise."""

HELD = range(3, 10)
"""Numbers of open files that a program may pass on, which the server keeps free."""

PER_RUN = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "OMP_WAIT_POLICY", "PYTEST_CURRENT_TEST", *ONE_THREAD}
PER_RUN |= {"MINI_KEY", "TORCHINDUCTOR_CACHE_DIR"}  # PyTorch sets the second in the process of the tests
"""Variables that no library reads while it is imported, or that the server sets itself."""

_CLIENT = """#!{python} -IS
import json, os, socket, sys
name, threads = os.path.basename(sys.argv[0]), os.environ.get("OPENBLAS_NUM_THREADS", "1")
alone = threads == "1" or sys.argv[1:2] in (["infer"], ["convert-model"])  # they tell PyTorch their threads
script = name != "python" or sys.argv[1:2] and sys.argv[1].endswith(".py")
link = socket.socket(socket.AF_UNIX)
os.set_inheritable(link.fileno(), False)
try:
    if not alone or not script or "PYTHONHASHSEED" in os.environ:
        raise OSError
    link.connect({socket!r})
except OSError:
    os.execv(os.path.join({bin!r}, name), [os.path.join({bin!r}, name), *sys.argv[1:]])
files = []
for number in range({held}):
    try:
        os.fstat(number)
    except OSError:
        continue
    if number != link.fileno():
        files.append(number)
task = dict(program=name, argv=sys.argv, variables=dict(os.environ), folder=os.getcwd(), files=files)
text = json.dumps(task).encode()
socket.send_fds(link, [len(text).to_bytes(8, "big")], files)
link.sendall(text)
code = link.recv(16)
if not code:
    sys.exit("the process that has the libraries ended")
if int(code) < 0:
    os.kill(os.getpid(), -int(code))
sys.exit(int(code))
"""


def warm_programs() -> Path | None:
    """The folder of the programs that use the server, once it has its libraries; None where it cannot run."""
    if not (started := start_server()):
        return None
    folder, server = started
    while not (folder / "socket").exists():
        if server.poll() is not None:
            return None
        time.sleep(0.05)
    return folder


def list_forks() -> list[psutil.Process]:
    """The programs that run as forks of the server, and what they started."""
    return psutil.Process(started[1].pid).children(recursive=True) if (started := start_server()) else []


@cache
def start_server() -> tuple[Path, subprocess.Popen] | None:
    """Start the server, which then imports its libraries for some seconds, and make the folder of its programs."""
    if not hasattr(os, "pidfd_open"):
        return None
    _at_start.update(os.environ)
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    values = {"python": BIN / "python", "socket": str(folder / "socket"), "bin": str(BIN), "held": HELD.stop}
    for name in ("python", "selfalign", "snakemake"):
        (folder / name).write_text(_CLIENT.format(**values), encoding="utf-8")
        (folder / name).chmod(0o755)
    mine = ONE_THREAD | {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | mine
    with (folder / "errors").open("w") as errors:
        files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": errors}
        server = subprocess.Popen([sys.executable, __file__, str(folder)], env=variables, **files)
    atexit.register(server.kill)
    return folder, server


_at_start: dict[str, str] = {}


def suits(variables: Mapping[str, str]) -> bool:
    """Whether the server's libraries would have been imported as they were, with these variables of the environment."""
    names = variables.keys() | _at_start.keys()
    return {name for name in names if variables.get(name) != _at_start.get(name)} <= PER_RUN


def serve(folder: Path) -> None:
    """Import the libraries, then fork for each program that asks, until the process that started this one ends."""
    import_libraries()
    parent, listener, waiting = os.getppid(), socket.socket(socket.AF_UNIX), selectors.DefaultSelector()
    listener.bind(str(folder / "made"))
    listener.listen(64)
    (folder / "made").rename(folder / "socket")  # who sees it may connect
    waiting.register(listener, selectors.EVENT_READ)
    running: dict[int, tuple[int, socket.socket]] = {}  # by process id: what tells its end, and who asked for it
    while os.getppid() == parent:
        for key, _ in waiting.select(1):
            if key.fileobj is listener:
                link, _ = listener.accept()
                try:
                    task, files = receive(link)
                except (OSError, EOFError):  # the program that asked was killed while it asked
                    link.close()
                    continue
                pid = os.fork()
                if pid == 0:
                    waiting.close()
                    listener.close()
                    link.close()
                    for other in running.values():
                        other[1].close()
                    end_at_once(task, files, folder)
                for number in files:
                    os.close(number)
                end = os.pidfd_open(pid)
                running[pid] = end, link
                waiting.register(end, selectors.EVENT_READ, ("ended", pid))
                waiting.register(link, selectors.EVENT_READ, ("left", pid))
                continue
            event, pid = key.data
            if event == "ended":
                _, link = running.pop(pid)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                waiting.unregister(key.fd)
                with suppress(KeyError):
                    waiting.unregister(link)
                with suppress(OSError):
                    link.sendall(str(code).encode())
                link.close()
                os.close(key.fd)
            elif pid in running:  # the program that asked was killed
                os.kill(pid, signal.SIGKILL)
                waiting.unregister(key.fileobj)


def import_libraries() -> None:
    """Import what programs of the project share, but nothing of the project itself, which tests change."""
    for _ in HELD:
        os.open(os.devnull, os.O_RDONLY)
    for library in LIBRARIES:
        with suppress(ImportError):  # a library that a later version of the project does not need
            importlib.import_module(library)
    assert not [name for name in sys.modules if name.partition(".")[0] == "selfalign"]
    gc.freeze()  # a collection would write to every page that forks share


def receive(link: socket.socket) -> tuple[dict, list[int]]:
    """What a program asks for, and its open files.

    Raises:
        EOFError: it ended before it had asked.
    """
    size, files, *_ = socket.recv_fds(link, 8, len(HELD) + 3)
    text, ended = b"", not size
    while not ended and len(text) < int.from_bytes(size, "big"):
        part = link.recv(2**20)
        text, ended = text + part, not part
    if ended:
        for number in files:
            os.close(number)
        raise EOFError
    return json.loads(text), list(files)


def end_at_once(task: dict, files: list[int], folder: Path) -> NoReturn:
    """Become a program, and end without giving back what the libraries hold, which takes longer than most steps."""
    code: object = 1
    try:
        work(task, files, folder)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def work(task: dict, files: list[int], folder: Path) -> None:
    """Become the program that was asked for."""
    for number in HELD:
        os.close(number)
    for place, number in zip(task["files"], files, strict=True):
        os.dup2(number, place)
        os.close(number)
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["variables"])
    sys.argv, sys.executable = task["argv"], str(folder / "python")
    sys.path[0:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    # Many jobs import the same copy of the project, which gets no files: its compiled modules are kept here.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(folder / "compiled")
    importlib.invalidate_caches()
    if task["program"] == "python":
        script, sys.argv = sys.argv[1], sys.argv[1:]
        sys.path.insert(0, str(Path(script).resolve().parent))
        runpy.run_path(script, run_name="__main__")
        return
    module = {"selfalign": "selfalign.cli", "snakemake": "snakemake.cli"}[task["program"]]
    sys.exit(importlib.import_module(module).main())


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
