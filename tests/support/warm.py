"""Programs in forks of a process that has already imported the libraries they need, so that they start in no time.

A step of the workflow computes for a moment, but it imports libraries for one to five seconds, and so does Snakemake.
`warm_programs` starts a server that has imported these libraries, and none of this project's modules. It also makes a
folder with programs of the usual names. Such a program asks the server for a fork, which gets its arguments, folder,
environment and open files, imports the project's own modules afresh, and runs. Tests of processes (signals, kills,
memory) use the real programs, and so does every system without `pidfd_open`.

All workers of pytest-xdist use one server. It ends, and its folder is removed, when the process that started the
workers ends.
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
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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
    "pandas.core.arrays.arrow.extension_types",
    "pandera.pandas",
    "pandera.strategies.pandas_strategies",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "pooch",
    "psutil",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "pycountry",
    "pydantic",
    "pyreadstat",
    "requests",
    "sacrebleu",
    "sacrebleu.tokenizers.tokenizer_char",
    "sacrebleu.tokenizers.tokenizer_intl",
    "sacrebleu.tokenizers.tokenizer_zh",
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
    "transformers.models.auto.processing_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bloom.modeling_bloom",
    "transformers.models.cohere.modeling_cohere",
    "transformers.models.llama.modeling_llama",
    "transformers.models.llama4.modeling_llama4",
    "transformers.models.mistral.modeling_mistral",
    "yaml",
]
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
"""What Snakemake sets for a job of one thread. Libraries read it when they are loaded; PyTorch is told otherwise."""

HELD = range(3, 10)
"""Numbers of open files that a program may pass on, which the server keeps free."""

PER_RUN = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "OMP_WAIT_POLICY", "PYTEST_CURRENT_TEST", *ONE_THREAD}
PER_RUN |= {"TORCHINDUCTOR_CACHE_DIR", "PYDEVD_DISABLE_FILE_VALIDATION"}  # PyTorch and IPython set them in the tests
PER_RUN |= {"HF_TOKEN", "GEMINI_API_KEY", "MINI_KEY"}  # read when they are needed
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
    if not (folder := start_server()):
        return None
    while not (folder / "socket").exists():
        if not folder.exists():  # the server failed
            return None
        time.sleep(0.05)
    return folder


def list_forks(folder: Path) -> list[psutil.Process]:
    """The programs that run in a folder, or below it, as forks of the server, and what they started there."""
    if not (programs := warm_programs()):
        return []
    forks = []
    for fork in psutil.Process(int((programs / "pid").read_text())).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
            if Path(fork.cwd()).is_relative_to(folder):
                forks.append(fork)
    return forks


@cache
def start_server() -> Path | None:
    """Give the folder of the server's programs. The first worker makes it, and starts the server.

    The server then imports its libraries for some seconds.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    _at_start.update(os.environ)
    folder = Path(tempfile.gettempdir(), f"warm-{os.environ.get('PYTEST_XDIST_TESTRUNUID') or uuid.uuid4().hex}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return folder
    values = {"python": BIN / "python", "socket": str(folder / "socket"), "bin": str(BIN), "held": HELD.stop}
    for name in ("python", "selfalign", "snakemake"):
        (folder / name).write_text(_CLIENT.format(**values), encoding="utf-8")
        (folder / name).chmod(0o755)
    mine = ONE_THREAD | {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000"}
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | mine
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    with (folder / "errors").open("w") as errors:
        files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": errors}
        server = subprocess.Popen([sys.executable, __file__, str(folder), str(owner)], env=variables, **files)
    (folder / "pid").write_text(str(server.pid))
    return folder


_at_start: dict[str, str] = {}


def suits(variables: Mapping[str, str]) -> bool:
    """Whether the server's libraries would have been imported as they were, with these variables of the environment."""
    names = variables.keys() | _at_start.keys()
    return {name for name in names if variables.get(name) != _at_start.get(name)} <= PER_RUN


def serve(folder: Path, owner: int) -> None:
    """Import the libraries, then fork for each program that asks, until the process `owner` ends."""
    import_libraries()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "made"))
    listener.listen(64)
    (folder / "made").rename(folder / "socket")  # who sees it may connect
    Server(folder, listener).run(owner)


@dataclass
class Server:
    """A process that has the libraries, and its forks.

    Attributes:
        folder: of its programs.
        listener: where programs ask for a fork.
        waiting: for events, each with the method that handles it and the fork that it is about.
        running: by process id of a fork, what tells its end, and who asked for it.
    """

    folder: Path
    listener: socket.socket
    waiting: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    running: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)

    def run(self, owner: int) -> None:
        """Handle events until the process `owner` ends."""
        self.expect(os.pidfd_open(owner), None, owner)
        self.expect(self.listener, self.fork, 0)
        while True:
            for key, _ in self.waiting.select():
                handle, fork = key.data
                if handle is None:
                    return
                handle(fork)

    def expect(self, what: int | socket.socket, handle: Callable[[int], None] | None, fork: int) -> None:
        self.waiting.register(what, selectors.EVENT_READ, (handle, fork))

    def fork(self, _: int) -> None:
        """Fork for a program that asks, unless it was killed while it asked."""
        link, _ = self.listener.accept()
        try:
            task, files = receive(link)
        except (OSError, EOFError):
            link.close()
            return
        if (pid := os.fork()) == 0:
            self.waiting.close()
            for one in (self.listener, link, *(other for _, other in self.running.values())):
                one.close()
            end_at_once(task, files, self.folder)
        for number in files:
            os.close(number)
        self.running[pid] = os.pidfd_open(pid), link
        self.expect(self.running[pid][0], self.report, pid)
        self.expect(link, self.kill, pid)

    def report(self, pid: int) -> None:
        """Tell the program that asked how its fork ended."""
        end, link = self.running.pop(pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.waiting.unregister(end)
        with suppress(KeyError):
            self.waiting.unregister(link)
        with suppress(OSError):
            link.sendall(str(code).encode())
        link.close()
        os.close(end)

    def kill(self, pid: int) -> None:
        """Kill the fork of a program that was killed."""
        if pid in self.running:
            os.kill(pid, signal.SIGKILL)
            self.waiting.unregister(self.running[pid][1])


def import_libraries() -> None:
    """Import what programs of the project share, but nothing of the project itself, which tests change."""
    for _ in HELD:
        os.open(os.devnull, os.O_RDONLY)
    for library in LIBRARIES:
        with suppress(ImportError):  # a library that a later version of the project does not need
            importlib.import_module(library)
    sys.modules["pandera.pandas"].DataFrameSchema().validate(sys.modules["pandas"].DataFrame())  # it imports the rest
    assert not [name for name in sys.modules if name.partition(".")[0] == "selfalign"]
    for finalizer in list(weakref.finalize._registry):
        finalizer.atexit = False  # PyTorch takes its libraries of operators apart, in each fork, as it ends
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
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()  # Snakemake has one for each time that it looked for jobs, and would wait for the last
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
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    importlib.invalidate_caches()
    if task["program"] == "python":
        script, sys.argv = sys.argv[1], sys.argv[1:]
        sys.path.insert(0, str(Path(script).resolve().parent))
        runpy.run_path(script, run_name="__main__")
        return
    module = {"selfalign": "selfalign.cli", "snakemake": "snakemake.cli"}[task["program"]]
    sys.exit(importlib.import_module(module).main())


if __name__ == "__main__":
    server = os.getpid()
    try:
        serve(Path(sys.argv[1]), int(sys.argv[2]))
    finally:
        if os.getpid() == server:  # and not a fork
            shutil.rmtree(sys.argv[1], ignore_errors=True)
