"""Downloading a model because a person asked: from a small hub on this machine that speaks as the real one does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.conditioning.hub import download, find_in_hub
from core.errors import ModelRefused
from core.progress import Cancelled, Progress, silent

NAME = "Qwen/Tiny-VL"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "qwen2_5_vl"}',
    "model.safetensors": b"numbers" * 1000,
    "merges.txt": b"a b",
    "pytorch_model.bin": b"a pickle",
    "modeling_tiny.py": b"raise SystemExit",
}
WANTED = {"config.json", "model.safetensors", "merges.txt"}


class Hub(BaseHTTPRequestHandler):
    """The few answers of the hub that a download needs. `server.asked`: what was asked for."""

    files = FILES

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        ASKED.append(f"{self.command} {path}")
        TOKENS.append(self.headers.get("Authorization"))
        if path.startswith(f"/api/models/{NAME}/revision/"):
            siblings = [{"rfilename": name, "size": len(raw)} for name, raw in self.files.items()]
            self._send(json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode(), body=body)
        elif path.startswith(f"/api/models/{NAME}/tree/"):
            tree = [
                {"type": "file", "path": name, "size": len(raw), "oid": hashlib.sha1(raw).hexdigest()}
                for name, raw in self.files.items()
            ]
            self._send(json.dumps(tree).encode(), body=body)
        elif (name := path.rpartition("/")[2]) in self.files and f"/{NAME}/resolve/" in path:
            self._send(self.files[name], body=body)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, raw: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("ETag", f'"{hashlib.sha1(raw).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(raw)


ASKED: list[str] = []
TOKENS: list[str | None] = []


@pytest.fixture
def hub() -> Iterator[str]:
    ASKED.clear()
    TOKENS.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_fetches_what_is_safe_and_reports_bytes(
    hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    heard: list[Progress] = []
    folder = download(NAME, heard.append, endpoint=hub, cache=tmp_path)
    assert {path.name for path in folder.iterdir()} == WANTED
    assert all((folder / name).read_bytes() == FILES[name] for name in WANTED)
    assert find_in_hub(NAME, tmp_path) == folder
    total = sum(len(FILES[name]) for name in WANTED)
    assert (heard[-1].done, heard[-1].total) == (total, total)
    assert [step.done for step in heard] == sorted(step.done for step in heard)
    assert set(TOKENS) == {None}


def test_a_download_can_be_cancelled_between_files(hub: str, tmp_path: Path) -> None:
    def stop_after_one(progress: Progress) -> None:
        if progress.done:
            raise Cancelled

    with pytest.raises(Cancelled):
        download(NAME, stop_after_one, endpoint=hub, cache=tmp_path)
    assert len(list((tmp_path / "models--Qwen--Tiny-VL" / "snapshots" / COMMIT).iterdir())) == 1
    assert find_in_hub(NAME, tmp_path) is None
    assert download(NAME, silent, endpoint=hub, cache=tmp_path) == find_in_hub(NAME, tmp_path)


def test_a_name_that_the_hub_does_not_have_is_refused(hub: str, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="could not be downloaded"):
        download("Qwen/Nothing", silent, endpoint=hub, cache=tmp_path)


def test_without_a_connection_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="Check the name and the connection"):
        download(NAME, silent, endpoint="http://127.0.0.1:9", cache=tmp_path)


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "http://x/y", "-flag/x", "/etc"])
def test_what_is_no_name_is_not_even_tried(hub: str, tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelRefused, match="no name of a model"):
        download(name, silent, endpoint=hub, cache=tmp_path)
    assert ASKED == []


def test_a_model_without_safetensors_is_refused(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "files", {name: raw for name, raw in FILES.items() if "safetensors" not in name})
    with pytest.raises(ModelRefused, match="safetensors"):
        download(NAME, silent, endpoint=hub, cache=tmp_path)
