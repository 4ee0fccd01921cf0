"""How the program refuses bad input: one paragraph, exit code 1, and nothing left behind."""

from collections.abc import Callable

Refused = Callable[..., str]


def assert_one_paragraph(said: str, tells: list[str]) -> None:
    """Assert that a message is a single paragraph of the program's, and names what it should."""
    assert said.startswith("selfalign: ") and said.endswith((".\n", "?\n")), said
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
    for part in tells:
        assert part in said, f"{part!r} is not in: {said}"
