"""Invented questions in the form of GlobalOpinionQA, to test on while demonstrations are from another survey."""

from pathlib import Path

from opinions import wrapped, write_opinions

GOOD = ["Very good", "Somewhat good", "Somewhat bad", "Very bad", "DK/Refused"]
VIEW = ["Approve", "Disapprove", "DK/Refused"]
WELL = ["Very well", "Somewhat well", "Not too well", "Not well at all", "Both (VOL)", "DK/Refused"]

TRAINS = "How would you describe the trains in (survey country)?"
HARBOUR = "Do you approve or disapprove of how ____ is run? a. the harbour"
MARKET = "Do you approve or disapprove of how ____ is run? b. the market"
BRIDGE = "How well does the bridge serve you?"
NOISE = "Is noise a problem?"
GAP = "What do you think of ____?"
TEA = "Is tea good?"

ROWS: list[tuple[str, object, object, str]] = [
    (
        TRAINS,
        wrapped(
            {
                "Britain": [0.1, 0.1, 0.3, 0.3, 0.2],
                "Germany": [0.4, 0.3, 0.1, 0.1, 0.1],
                "Kenya": [0.3, 0.3, 0.3, 0.1, 0.0],
                "S. Africa": [0.3, 0.4, 0.2, 0.1, 0.0],
            }
        ),
        GOOD,
        "GAS",
    ),
    (HARBOUR, wrapped({"Britain": [0.6, 0.3, 0.1], "Kenya": [0.2, 0.8, 0.0]}), VIEW, "GAS"),
    (MARKET, wrapped({"Britain": [0.7, 0.2, 0.1], "Germany": [0.3, 0.5, 0.2]}), VIEW, "GAS"),
    (
        BRIDGE,
        wrapped({"Germany": [0.1, 0.2, 0.3, 0.3, 0.1, 0.0], "Kenya": [0.5, 0.2, 0.1, 0.1, 0.1, 0.0]}),
        WELL,
        "GAS",
    ),
    (NOISE, wrapped({"Britain": [0.5, 0.4, 0.1]}), ["Major problem", "Minor problem", "Not a problem"], "GAS"),
    (GAP, wrapped({"Britain": [0.5, 0.5]}), ["Yes", "No"], "GAS"),
    (TEA, wrapped({"Britain": [0.5, 0.5]}), ["Yes", "No"], "WVS"),
]


def write_second_survey(file: Path) -> Path:
    """An opinion table: four questions with clear poles, two without, and one of another source."""
    return write_opinions(file, *ROWS)
