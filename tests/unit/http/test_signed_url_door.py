"""Which signed URLs are asked: https where the API is, never a private network, and only headers that can be sent."""

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from assetline.errors import SignedUrlRefused, ViUnreachable
from assetline.vi.file_download import Downloader
from assetline.vi.file_upload import Uploader
from assetline.vi.signed_url import SignedUrl

API = "https://api.vi.example"
NAMES = {
    "api.vi.example": ["8.8.8.8"],
    "files.example": ["8.8.4.4", "2001:4860:4860::8844"],
    "inside.example": ["10.1.2.3"],
    "half.example": ["8.8.4.4", "169.254.169.254"],
    "api.inside.example": ["192.168.1.2"],
}
type Ask = Callable[..., None]

PRIVATE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "inside.example",
    "half.example",
]


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that connections are made to; names are known without DNS."""
    resolve, made = socket.getaddrinfo, list[str]()

    def known(host: str, port: int, **kind: int) -> list[object]:
        return [item for address in NAMES.get(host, [host]) for item in resolve(address, port, **kind)]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        made.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", known)
    monkeypatch.setattr(socket, "create_connection", connect)
    return made


def download(url: str, api: str = API, headers: dict[str, str] | None = None) -> None:
    with closing(Downloader(api)) as downloader, downloader.opened(url, headers or {}):
        pass


def upload(url: str, api: str = API, headers: dict[str, str] | None = None) -> None:
    with closing(Uploader(api)) as uploader:
        uploader.put(SignedUrl(url=url, headers=headers or {}), b"bytes", 5)


@pytest.mark.parametrize("ask", [download, upload])
class TestWhatIsAsked:
    def test_plain_http_is_refused_where_the_api_is_https(self, ask: Ask, connections: list[str]) -> None:
        with pytest.raises(SignedUrlRefused, match="not https") as refused:
            ask("http://files.example/x?signature=1")
        assert not connections
        assert "files.example" not in str(refused.value)

    @pytest.mark.parametrize("host", PRIVATE)
    def test_a_private_address_is_refused_however_it_is_spelled(
        self, ask: Ask, host: str, connections: list[str]
    ) -> None:
        with pytest.raises(SignedUrlRefused, match="private network") as refused:
            ask(f"https://{host}/latest/meta-data?signature=1")
        assert not connections
        assert host not in str(refused.value)

    def test_the_address_that_was_judged_is_the_one_connected_to(self, ask: Ask, connections: list[str]) -> None:
        with pytest.raises(ViUnreachable):
            ask("https://files.example/x")
        assert connections == NAMES["files.example"]

    @pytest.mark.parametrize("api", ["http://127.0.0.1:8000", "http://localhost:1", "https://api.inside.example"])
    def test_a_private_api_may_name_private_addresses(self, ask: Ask, api: str, connections: list[str]) -> None:
        with pytest.raises(ViUnreachable):
            ask(f"{api.partition(':')[0]}://10.1.2.3/x", api)
        assert connections == ["10.1.2.3"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"x y": "1"},
            {"": "1"},
            {"x:y": "1"},
            {"x\r\ny": "1"},
            {"é": "1"},
            {"x": "1\r\nhost: other"},
            {"x": "1\n"},
            {"x": "1\0"},
            {"Transfer-Encoding": "chunked"},
            {"connection": "close"},
        ],
        ids=repr,
    )
    def test_a_header_that_cannot_be_sent_is_refused(
        self, ask: Ask, headers: dict[str, str], connections: list[str]
    ) -> None:
        with pytest.raises(SignedUrlRefused, match="header"):
            ask("https://files.example/x", API, headers)
        assert not connections
