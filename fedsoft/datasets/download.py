"""Downloads whose content is known beforehand."""

import hashlib
import urllib.request

from fedsoft.errors import DataError


def download(url: str, sha256: str, timeout: float = 60) -> bytes:
    """The content of a URL, checked against its SHA-256 in hexadecimal.

    Raises:
        DataError: the URL cannot be read, or its content is not the expected one.
    """
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            content: bytes = response.read()
    except OSError as error:
        raise DataError(f"{url} cannot be downloaded ({error}); check the network and try again.") from None
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise DataError(
            f"{url} does not have the expected content (SHA-256 {found}, not {sha256}); "
            "a proxy may have answered in its place: try another network."
        )
    return content
