"""Addresses of files on the network."""

from selfalign.errors import InputError

OR_DOWNLOAD_IT = "or download the file yourself and give it as the source, {file: its path}"
"""What one can do where a download fails."""


def refuse_login(
    url: object, place: str, remedy: str = f"Take it out and put it into ~/.netrc, {OR_DOWNLOAD_IT}"
) -> None:
    """Raise InputError, which does not show it, where an address holds a name or a password: it would get into logs.

    Args:
        url: the address.
        place: name of the setting.
        remedy: what the user can do.
    """
    if isinstance(url, str) and "@" in url.partition("://")[2].partition("/")[0]:
        raise InputError(
            place,
            "the address holds a name or password, which would be written to logs",
            remedy,
        )
