"""Numbers as text."""

from selfalign.screen_text import about_hours, size


def test_numbers_are_short() -> None:
    assert [about_hours(hours) for hours in (0.001, 0.5, 12.34, 1234.0)] == ["4 s", "30 min", "12.3 h", "1,234 h"]
    assert [size(number) for number in (5e6, 1.5e9)] == ["5 MB", "1.5 GB"]
