"""What proxies wrote is believed as far as it can be, and no further."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hypercorn_asgi.middleware import ProxyFixMiddleware
from hypercorn_asgi.middleware._forwarded import parse_forwarded, parse_node
from tests.asgi.driving import http_scope, lifespan_scope, run_asgi, websocket_scope

PROXY = ("10.0.0.1", 5000)
HOST = (b"host", b"inner")


def seen_through(scope: Any, *arguments: Any, **options: Any) -> Any:
    """Return the scope that the application gets."""
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    before = copy.deepcopy(scope)
    run_asgi(ProxyFixMiddleware(app, *arguments, **options), scope)
    assert scope == before
    return scopes[0]


def from_proxy(*fields: tuple[str, str], **changes: Any) -> Any:
    headers = [HOST, *((name.encode(), value.encode()) for name, value in fields)]
    return http_scope(headers=headers, client=PROXY, **changes)


def test_legacy() -> None:
    scope = seen_through(
        from_proxy(
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer"),
            ("accept", "*/*"),
        )
    )

    assert scope["client"] == ("192.0.2.1", 0)
    assert scope["scheme"] == "https"
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"outer"]
    assert (b"accept", b"*/*") in scope["headers"]


def test_modern() -> None:
    scope = seen_through(
        from_proxy(("forwarded", 'for=192.0.2.1;proto=https;host="outer:8443";by=_me')),
        mode="modern",
    )

    assert scope["client"] == ("192.0.2.1", 0)
    assert scope["scheme"] == "https"
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"outer:8443"]


@pytest.mark.parametrize("mode", ["legacy", "modern"])
def test_nothing_to_read(mode: str) -> None:
    scope = seen_through(from_proxy(), mode=mode)

    assert (scope["client"], scope["scheme"], scope["headers"]) == (PROXY, "http", [HOST])


def test_modes_do_not_mix() -> None:
    legacy = ("x-forwarded-for", "6.6.6.6"), ("x-forwarded-host", "evil")
    modern = ("forwarded", "for=6.6.6.6;host=evil")

    assert seen_through(from_proxy(*legacy), mode="modern")["client"] == PROXY
    assert seen_through(from_proxy(modern), mode="legacy")["client"] == PROXY


@pytest.mark.parametrize(
    ("hops", "client"), [(1, "192.0.2.3"), (2, "192.0.2.2"), (3, "192.0.2.1")]
)
@pytest.mark.parametrize(
    "lines", [["192.0.2.1, 192.0.2.2 ,192.0.2.3"], ["192.0.2.1", "192.0.2.2,192.0.2.3"]]
)
def test_hops_are_counted_from_the_end_over_all_lines(
    lines: list[str], hops: int, client: str
) -> None:
    legacy = from_proxy(*(("X-Forwarded-For", line) for line in lines))
    elements = [line.replace("192", "for=192") for line in lines]
    modern = from_proxy(*(("Forwarded", line) for line in elements))

    assert seen_through(legacy, trusted_hops=hops)["client"] == (client, 0)
    assert seen_through(modern, "modern", hops)["client"] == (client, 0)


@pytest.mark.parametrize("mode", ["legacy", "modern"])
@pytest.mark.parametrize("hops", [0, 3])
def test_too_few_hops_or_none_trusted(mode: str, hops: int) -> None:
    scope = from_proxy(
        ("x-forwarded-for", "192.0.2.1, 192.0.2.2"), ("forwarded", "for=192.0.2.1, for=192.0.2.2")
    )

    assert seen_through(scope, mode, hops)["client"] == PROXY


@pytest.mark.parametrize(
    ("proto", "scheme"), [("https", "wss"), ("HTTP", "ws"), ("wss", "wss"), ("ws", "ws")]
)
def test_websocket_schemes(proto: str, scheme: str) -> None:
    scope = websocket_scope(headers=[(b"x-forwarded-proto", proto.encode())])

    assert seen_through(scope)["scheme"] == scheme


def test_lifespan_is_left_alone() -> None:
    assert seen_through(lifespan_scope()) == lifespan_scope()


def test_state_is_the_same_object() -> None:
    scope = from_proxy(("x-forwarded-for", "192.0.2.1"), state={"pool": object()})
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["state"])

    run_asgi(ProxyFixMiddleware(app), scope)
    assert seen[0] is scope["state"]


def test_client_is_unknown() -> None:
    assert seen_through(from_proxy(("forwarded", "for=unknown")), "modern")["client"] is None


class TestMalformedForwarded:
    """A client cannot bring its own elements in by spoiling the line."""

    @pytest.mark.parametrize(
        "line",
        [
            'for=6.6.6.6;x=", for=192.0.2.1',
            'for=6.6.6.6, for=", for=192.0.2.1',
            "for=6.6.6.6 for=192.0.2.1",
            "for=6.6.6.6;for=192.0.2.1",
            "for",
            "for=",
            "=6.6.6.6",
            "for=6.6.6.6, (comment)",
        ],
    )
    def test_line_is_not_used(self, line: str) -> None:
        assert seen_through(from_proxy(("forwarded", line)), "modern")["client"] == PROXY

    def test_lines_after_it_are(self) -> None:
        scope = from_proxy(
            ("forwarded", "for=6.6.6.6"), ("forwarded", 'x="'), ("forwarded", "for=192.0.2.1")
        )

        assert seen_through(scope, "modern", 1)["client"] == ("192.0.2.1", 0)
        assert seen_through(scope, "modern", 2)["client"] == PROXY


class TestTrustedHosts:
    @pytest.mark.parametrize(
        ("hosts", "client", "trusted"),
        [
            (["10.0.0.1"], ("10.0.0.1", 1), True),
            (["10.0.0.0/8"], ("10.9.9.9", 1), True),
            (["10.0.0.1/8"], ("10.9.9.9", 1), True),
            (["10.0.0.0/8", "::1"], ("::1", 1), True),
            (["10.0.0.0/8"], ("::ffff:10.1.1.1", 1), True),
            (["fd00::/8"], ("fd00::1%eth0", 1), True),
            (["10.0.0.0/8"], ("192.0.2.1", 1), False),
            (["10.0.0.0/8"], ("::1", 1), False),
            (["10.0.0.0/8"], ("proxy.local", 1), False),
            (["10.0.0.0/8"], None, False),
            ([], ("10.0.0.1", 1), False),
            (["unix"], None, True),
            (["unix"], ("10.0.0.1", 1), False),
        ],
    )
    def test_only_their_word_counts(self, hosts: list[str], client: Any, trusted: bool) -> None:
        scope = http_scope(headers=[(b"x-forwarded-for", b"192.0.2.99")], client=client)

        seen = seen_through(scope, trusted_hosts=hosts)

        assert seen["client"] == (("192.0.2.99", 0) if trusted else client)


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


@pytest.mark.parametrize(
    "options",
    [{"mode": "new"}, {"trusted_hops": -1}, {"trusted_hosts": ["proxy.local"]}],
)
def test_nonsense_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=r"mode|trusted_hops|proxy\.local"):
        ProxyFixMiddleware(nothing, **options)


def test_positional_arguments() -> None:
    middleware = ProxyFixMiddleware(nothing, "modern", 2)

    assert (middleware.app, middleware.mode, middleware.trusted_hops) == (nothing, "modern", 2)


@pytest.mark.parametrize(
    ("field", "elements"),
    [
        ("", []),
        (" , ,", []),
        ("for=a", [{"for": "a"}]),
        ("For=a;PROTO=https", [{"for": "a", "proto": "https"}]),
        ("for=a; proto=https ,for=b", [{"for": "a", "proto": "https"}, {"for": "b"}]),
        (";for=a;;by=b;", [{"for": "a", "by": "b"}]),
        ('for="a,b;c=d"', [{"for": "a,b;c=d"}]),
        ('for="a\\"b\\\\"', [{"for": 'a"b\\'}]),
        ('for=""', [{"for": ""}]),
        ('for="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
        ("for=[::1]:80, for=1.2.3.4:80", [{"for": "[::1]:80"}, {"for": "1.2.3.4:80"}]),
        ("for=_hidden, for=_SEVKISEK", [{"for": "_hidden"}, {"for": "_SEVKISEK"}]),
    ],
)
def test_forwarded_grammar(field: str, elements: list[dict[str, str]]) -> None:
    assert parse_forwarded(field) == elements


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("192.0.2.43", ("192.0.2.43", 0)),
        ("192.0.2.43:47011", ("192.0.2.43", 47011)),
        ("[2001:db8:cafe::17]", ("2001:db8:cafe::17", 0)),
        ("[2001:db8:cafe::17]:4711", ("2001:db8:cafe::17", 4711)),
        ("2001:db8:cafe::17", ("2001:db8:cafe::17", 0)),
        ("_hidden", ("_hidden", 0)),
        ("_hidden:_port", ("_hidden", 0)),
        ("192.0.2.43:\u0664", ("192.0.2.43", 0)),
    ],
)
def test_node_grammar(node: str, address: tuple[str, int]) -> None:
    assert parse_node(node) == address
