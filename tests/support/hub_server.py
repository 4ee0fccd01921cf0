"""A model hub in miniature, on loopback: as much of the protocol as a download at a pinned commit asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit


@dataclass
class Hub:
    """What the hub holds, and what was asked of it.

    Attributes:
        repos: folder of each model or data set, by its name; one commit each.
        revision: the commit of all of them.
        gated: those that are listed to no one.
        datasets: those that are data sets.
        corrupt: files that are served with their last byte changed.
        requests: method and path of each request.
        tokens: authorisation of each request to the hub.
        storage_tokens: authorisation of each request to its storage of large files, which is another host.
        url: address of the hub.
        storage: address of its storage.
    """

    repos: dict[str, Path]
    revision: str
    gated: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    corrupt: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    storage_tokens: set[str | None] = field(default_factory=set)
    url: str = ""
    storage: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub on a free port of the loopback interface while the context lasts."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        hub.url, hub.storage = (f"http://{host}:{server.server_port}" for host in ("127.0.0.1", "localhost"))
        yield hub
        server.shutdown()
        thread.join()


def _is_large(path: Path) -> bool:
    return path.suffix in {".safetensors", ".bin", ".parquet"}


def _entry(path: Path, root: Path) -> dict:
    if path.is_dir():
        return {"type": "directory", "path": path.relative_to(root).as_posix(), "size": 0, "oid": "0" * 40}
    content = path.read_bytes()
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    entry = {"type": "file", "path": path.relative_to(root).as_posix(), "size": len(content), "oid": blob}
    if _is_large(path):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return entry


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:  # noqa: N802
        self.do_GET()

    def do_GET(self) -> None:  # noqa: N802
        path = urlsplit(self.path).path.strip("/")
        self.hub.requests.append(f"{self.command} {path}")
        is_storage = self.headers["Host"].startswith("localhost")
        (self.hub.storage_tokens if is_storage else self.hub.tokens).add(self.headers.get("Authorization"))
        is_api, kind = path.startswith("api/"), "datasets" if "datasets/" in path else "models"
        named = path.removeprefix("api/").removeprefix(f"{kind}/")
        organisation, name, verb, revision, *rest = [*named.split("/", 4), *[""] * 5]
        if is_storage:
            self._send(self._content(Path(self.hub.repos[self._decode(name)], unquote(verb))))
            return
        repo = f"{organisation}/{name}"
        if repo in self.hub.gated:
            self._refuse(403, "GatedRepo", "Access to this model is restricted")
        elif repo not in self.hub.repos or (repo in self.hub.datasets) != (kind == "datasets"):
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif revision != self.hub.revision:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif is_api and verb == "tree":
            self._list(self.hub.repos[repo], unquote(rest[0]))
        elif is_api and verb == "revision":
            facts = {"id": repo, "sha": revision, "siblings": []}
            self._send(json.dumps(facts).encode(), {"Content-Type": "application/json"})
        else:
            self._resolve(repo, self.hub.repos[repo] / unquote(rest[0]))

    def _list(self, root: Path, folder: str) -> None:
        if not (root / folder).is_dir():
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        entries = [_entry(path, root) for path in sorted((root / folder).iterdir())]
        self._send(json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def _resolve(self, repo: str, path: Path) -> None:
        if not path.is_file():
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        root = self.hub.repos[repo]
        entry = _entry(path, root)
        headers = {"X-Repo-Commit": self.hub.revision, "ETag": f'"{entry["oid"]}"'}
        if not _is_large(path):
            self._send(self._content(path), headers)
            return
        large = {"X-Linked-Size": str(entry["size"]), "X-Linked-Etag": f'"{entry["lfs"]["oid"]}"'}
        location = f"{self.hub.storage}/large/{self._encode(repo)}/{quote(entry['path'], safe='')}"
        self._send(b"", headers | large | {"Location": location}, status=302)

    @staticmethod
    def _encode(repo: str) -> str:
        return repo.replace("/", "--")

    @staticmethod
    def _decode(name: str) -> str:
        return name.replace("--", "/")

    def _content(self, path: Path) -> bytes:
        content = path.read_bytes()
        if path.name in self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return content

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._send(b"", {"X-Error-Code": code, "X-Error-Message": message}, status=status)

    def _send(self, content: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
