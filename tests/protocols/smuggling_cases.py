"""Malformed and ambiguous requests, and what is to become of each.

Sources: the grammars of RFC 9110, RFC 9112 and RFC 3986, and the kinds of requests that public
conformance and request smuggling suites are made of.

Every case is followed on the wire by :data:`SMUGGLED`. No case may have that taken for a request,
unless a request was complete before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """One request and its fate."""

    data: bytes
    status: int | None = None
    """That of the refusal, if there is one."""
    body: bytes | None = None
    """The content of the one request that is taken up; None if none is."""
    target: bytes = b"/"
    method: str = "POST"
    taken_up: bool = False
    """A request event came before the refusal."""


def refused(data: bytes, status: int = 400) -> Case:
    """No request comes of it."""
    return Case(data, status)


def broken(data: bytes, status: int = 400) -> Case:
    """A request begins, but its content is wrong."""
    return Case(data, status, taken_up=True)


def accepted(
    data: bytes, body: bytes = b"", *, method: str = "POST", target: bytes = b"/"
) -> Case:
    """A request comes of it, and the smuggled one after it is an ordinary second one."""
    return Case(data, None, body, target, method)


def swallowed(data: bytes, body: bytes, *, method: str = "POST") -> Case:
    """A request comes of it, and all of the smuggled one is its content."""
    return Case(data, None, body, b"/", method, taken_up=True)


def _post(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: a", *lines, b"", body])


def _get(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([line, *(fields or (b"Host: a",)), b"", b""])


def _chunked(body: bytes) -> bytes:
    return _post(b"Transfer-Encoding: chunked", body=body)


def content_lengths() -> Iterator[Case]:
    """Content-Length that is not 1*DIGIT, or comes twice."""
    wrong = (
        b"+5,-5,5 5,0x5,5.0,5e0,5;,-0,+0,0b101,NaN,five,5_,1_0,_5,'5',\"5\",5/1,5 ;,(5),5\\,#5,$5"
    )
    for value in wrong.split(b","):
        yield refused(_post(b"Content-Length: " + value, body=b"hello"))
    for value in (b"", b" ", b",", b"5,", b",5", b"5,5", b"5, 5", b"5 , 5", b"5,6", b"0,5"):
        yield refused(_post(b"Content-Length: " + value, body=b"hello"))
    for value in (b"\xd9\xa5", b"\xef\xbc\x95", b"\xa05", b"5\xa0", b"\xb2", b"5\x0b", b"\x0c5"):
        yield refused(_post(b"Content-Length: " + value, body=b"hello"))
    for digits in (b"1" * 19, b"0" * 18 + b"5", b"18446744073709551621", b"9" * 200):
        yield refused(_post(b"Content-Length: " + digits, body=b"hello"))
    for first, second in ((b"5", b"5"), (b"5", b"6"), (b"0", b"5"), (b"5", b"0"), (b"5", b"")):
        lines = (b"Content-Length: " + first, b"Content-Length: " + second)
        yield refused(_post(*lines, body=b"hello"))
    yield refused(_post(b"content-length: 5", b"X: y", b"CONTENT-LENGTH: 5", body=b"hello"))
    for value in (b"5", b"05", b"000000005", b"\t5", b"5 \t ", b"  5"):
        yield accepted(_post(b"Content-Length:" + value, body=b"hello"), b"hello")
    yield accepted(_post(b"Content-Length: 0"))
    yield accepted(_post(b"Content_Length: 5"))
    length = b"Content-Length: %d" % len(SMUGGLED)
    yield swallowed(_post(length), SMUGGLED)
    for method in ("GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "PATCH"):
        data = _get(method.encode() + b" / HTTP/1.1", b"Host: a", length)
        yield swallowed(data, SMUGGLED, method=method)
    yield swallowed(_post(b"Connection: content-length", length), SMUGGLED)


def transfer_codings() -> Iterator[Case]:
    """Transfer-Encoding other than chunked alone (RFC 9112 sections 6.1 and 6.3)."""
    not_final = (
        b"identity|gzip|chunked, identity|chunked, gzip|chunked,|xchunked|chunkedx|chunk|cow|"
        b"chunked;q=1|chunked; a=b|chunked foo|foo chunked|chunked chunked|[chunked]|'chunked'|"
        b'"chunked"|chunked, chunked|chunked,chunked|chunked,,chunked|gzip, chunked, chunked|'
        b"null|trailers|chunked ,|ch\xc3\xbcnked|chunked\xa0|\xa0chunked|\xffchunked|,|-|chunked="
    )
    for value in not_final.split(b"|"):
        yield refused(_post(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"))
    yield refused(_post(b"Transfer-Encoding:", body=b"0\r\n\r\n"))
    for value in (b",chunked", b", chunked", b"x y, chunked", b'"gzip", chunked', b"a;b, chunked"):
        yield refused(_post(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"))
    for value in (b"gzip, chunked", b"identity,chunked", b"deflate , chunked", b"x, y, chunked"):
        yield refused(_post(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"), 501)
    twice = ((b"chunked", 400), (b"identity", 400), (b"cow", 400), (b"", 400), (b"x", 400))
    for value, status in twice:
        lines = (b"Transfer-Encoding: chunked", b"Transfer-encoding: " + value)
        yield refused(_post(*lines, body=b"0\r\n\r\n"), status)
    for value in (b"identity", b"gzip", b"x"):
        lines = (b"Transfer-Encoding: " + value, b"transfer-encoding: chunked")
        yield refused(_post(*lines, body=b"0\r\n\r\n"), 501)
    for value in (b"chunked", b"Chunked", b"CHUNKED", b"\tchunked", b"chunked\t", b"chunked  "):
        yield accepted(_post(b"Transfer-Encoding:" + value, body=b"1\r\nx\r\n0\r\n\r\n"), b"x")
    for length in (b"0", b"3", b"5", b"6", b"999", b"x", b""):
        lines = (b"Content-Length: " + length, b"Transfer-Encoding: chunked")
        yield refused(_post(*lines, body=b"0\r\n\r\n"))
        yield refused(_post(*reversed(lines), body=b"0\r\n\r\n"))
    for coding in (b"identity", b"gzip", b"xchunked", b"", b"chunked, gzip", b"gzip, chunked"):
        lines = (b"Content-Length: 5", b"Transfer-Encoding: " + coding)
        yield refused(_post(*lines, body=b"0\r\n\r\n"))
    old = (b"Host: a", b"Transfer-Encoding: chunked", b"Connection: keep-alive")
    yield refused(_get(b"POST / HTTP/1.0", *old) + b"0\r\n\r\n")
    yield refused(_get(b"POST / HTTP/1.0", *old, b"Content-Length: 5") + b"0\r\n\r\n")
    yield refused(_get(b"POST / HTTP/1.0", b"Transfer-Encoding: identity"))
    yield accepted(_post(b"Transfer_Encoding: chunked"))
    yield accepted(_post(b"X-Transfer-Encoding: chunked"))
    yield accepted(_post(b"TE: chunked", b"Content-Length: 5", body=b"hello"), b"hello")


def names() -> Iterator[Case]:
    """Field names that some readers would repair."""
    for name in (b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"X"):
        for blank in (b" ", b"\t", b"  ", b"\x0b", b"\x0c", b"\x00", b"\xa0", b"\r", b"\n"):
            yield refused(_post(name + blank + b": chunked", body=b"0\r\n\r\n"))
            yield refused(_post(blank + name + b": chunked", body=b"0\r\n\r\n"))
        yield refused(_post(name, body=b"0\r\n\r\n"))
        yield refused(_post(name + b" chunked", body=b"0\r\n\r\n"))
        yield refused(_post(name + b"=chunked", body=b"0\r\n\r\n"))
        yield refused(_post(name + b":\r\n chunked", body=b"0\r\n\r\n"))
        yield refused(_post(name + b": a\r\n\tchunked", body=b"0\r\n\r\n"))
        yield refused(_post(b"X: y", b" " + name + b": chunked", body=b"0\r\n\r\n"))
    for character in b'()/;<=>?@[\\]{}" ,':
        yield refused(_post(b"a%cb: c" % character))
        yield refused(_post(b"%c: c" % character))
    for character in (*range(9), 11, 12, *range(14, 32), 127, 128, 160, 255):
        yield refused(_post(b"a%cb: c" % character))
    for line in (b":", b": a", b" ", b"\t", b" : a", b"a b: c", b"a\tb: c", b"\xc3\xa9: a"):
        yield refused(_post(line))
    yield accepted(_post(b"!#$%&'*+-.^_`|~09azAZ: b", b"X:y", b"X:", b"X:   "))


def values() -> Iterator[Case]:
    """Control characters and line ends within values."""
    for character in (*range(9), 11, 12, *range(14, 32), 127):
        yield refused(_post(b"X: a%cb" % character))
        yield refused(_post(b"X: %c" % character))
    for ending in (b"\n", b"\r", b"\r\r\n", b"\r\x00\n", b"\n\r\n", b"\n\n", b"\r ", b"\n "):
        yield refused(_post(b"X: a" + ending + b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"))
        yield refused(_post(b"X: a" + ending, b"Content-Length: 5", body=b"hello"))
    yield accepted(_post(b"X: \t a \x80\xff b \t", b'Y: ;,="\\()'))


def line_ends() -> Iterator[Case]:
    """Bare CR and bare LF around and in the request line, and at the end of the head."""
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    ends = [at for at in range(len(request)) if request[at : at + 2] == b"\r\n"]
    for at in ends:
        for wrong in (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r \n", b"\x0b\r\n", b" \n", b"\x00"):
            yield refused(request[:at] + wrong + request[at + 2 :] + b"x")
    yield refused(request.replace(b"\r\n", b"\n"))
    yield refused(request.replace(b"\r\n", b"\r") + b"x")
    for empty in (b"\n", b"\r", b"\r\r\n", b"\r\n\n", b"\n\r\n", b" ", b"\r\n ", b"\t\r\n", b"\0"):
        yield refused(empty + request)
    for empty in (b"\r\n", b"\r\n\r\n", b"\r\n" * 100):
        yield accepted(empty + request, method="GET")
    yield refused(b"GET / HTTP/1.1\r\n Host: a\r\n\r\n")
    yield refused(b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n")
    yield refused(b"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n")


def versions() -> Iterator[Case]:
    """The third word of a request line (RFC 9112 section 2.3)."""
    wrong = (
        b"HTTP/1|HTTP/1.|HTTP/.1|HTTP/1.10|HTTP/11.1|HTTP/01.1|HTTP/1,1|HTTP /1.1|HTTPS/1.1|"
        b"ICY/1.1|HTTP/-1.1|HTTP/1.1 |HTTP/1.x|HTTP/x.1|HTTP1.1|HTP/1.1|http/1.1|Http/1.1|"
        b"HTTP\\1.1|HTTP/1.1 HTTP/1.1|HTTP/1 .1|HTTP/1. 1|HTTP//1.1|HTTP/1.1.1|HTTP/1.\xb2|HTTP|"
        b"HTTP/|1.1|\tHTTP/1.1| HTTP/1.1|HTTP/1.1\t|HTTP/1.1\x00|XHTTP/1.1"
    )
    for version in wrong.split(b"|"):
        yield refused(_get(b"GET / " + version))
    for version in (b"0.0", b"0.9", b"2.0", b"2.1", b"3.0", b"9.9"):
        yield refused(_get(b"GET / HTTP/" + version), 505)
    for version in (b"1.1", b"1.2", b"1.9"):
        yield accepted(_get(b"GET / HTTP/" + version), method="GET")
    yield refused(b"GET /\r\n\r\n")
    yield refused(b"GET / \r\n\r\n")
    yield refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    yield refused(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    yield refused(b"SSH-2.0-OpenSSH_9.6\r\n")
    yield refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    yield refused(b"\x05\x01\x00")


def methods() -> Iterator[Case]:
    """The first word of a request line (RFC 9110 section 9.1)."""
    for method in (b"get", b"Get", b"gET", b"post", b"x"):
        yield refused(_get(method + b" / HTTP/1.1"), 501)
    for target in (b"a:443", b"a", b"/", b"*"):
        yield refused(_get(b"CONNECT " + target + b" HTTP/1.1"), 501)
    for method in (b"", b" GET", b"\tGET", b"G ET", b"GET\t", b"G\x00ET", b"GET\x7f", b"G(ET)"):
        yield refused(_get(method + b" / HTTP/1.1"))
    for method in (b'"GET"', b"G,ET", b"G/T", b"G:T", b"G@T", b"\xc3\x89", b"GET\x0b", b"[GET]"):
        yield refused(_get(method + b" / HTTP/1.1"))
    for method in (b"PROPFIND", b"QUERY", b"X", b"!#$%&'*+-.^_`|~9A"):
        yield accepted(_get(method + b" / HTTP/1.1"), method=method.decode())


def targets() -> Iterator[Case]:
    """The second word of a request line (RFC 9112 section 3.2)."""
    wrong = (
        b"foo|example.com|example.com/|a:80|a:80/|?|?a|#|/#|/#a|/a#b|/a?b#c|*|**|*/|http|http:|"
        b"http:/a|http:a|http://|http:///|http:///a|http://?a|http://u@a/|http://u:p@a/|"
        b"http://a,b/|http://[::1|http://[::1/|http://[::1]x/|http://[x]/|http://a:99999/|"
        b"http://a:x/|http://:80/|http://a#b|http://a\\/|://a/|//|ftp://a/|ws://a/|file:///a|"
        b"javascript:alert(1)|mailto:a@b|http://%/|http://a:80:80/|\\\\a\\b|http://a'b/"
    )
    for target in wrong.split(b"|"):
        if target != b"//":
            yield refused(_get(b"GET " + target + b" HTTP/1.1"))
    for target in (b"", b" ", b"/ ", b" /", b"/a b", b"/\t", b"\t/", b"/a\tb", b"/ a", b"/\x0c"):
        yield refused(_get(b"GET " + target + b" HTTP/1.1"))
    for character in (*range(9), 11, 12, *range(14, 32), 127, 128, 0xC3, 255):
        yield refused(_get(b"GET /a%cb HTTP/1.1" % character))
    yield refused(_get(b"OPTIONS ** HTTP/1.1"))
    yield refused(_get(b"GET\t/\tHTTP/1.1"))
    yield refused(_get(b"GET  / HTTP/1.1"))
    yield refused(_get(b"GET /  HTTP/1.1"))
    yield refused(_get(b"GET / HTTP/1.1 "))
    yield refused(_get(b"GET"))
    yield refused(_get(b"GET "))
    for target in (
        b"//",
        b"//a/b",
        b"/../a",
        b"/%00",
        b"/%zz",
        b"/a;b",
        b"/?",
        b"/*",
        b'/"<>^`{}',
    ):
        yield accepted(_get(b"GET " + target + b" HTTP/1.1"), method="GET", target=target)
    absolute = {
        b"http://a": b"/",
        b"http://a/": b"/",
        b"http://a/b?c": b"/b?c",
        b"HTTP://A?b": b"/?b",
        b"https://a:443/b": b"/b",
        b"http://[::1]:80/b//c": b"/b//c",
        b"http://a:/": b"/",
        b"http://a/http://b/": b"/http://b/",
        b"http://a?/b": b"/?/b",
    }
    for target, path in absolute.items():
        yield accepted(_get(b"GET " + target + b" HTTP/1.1"), method="GET", target=path)
    yield accepted(_get(b"OPTIONS * HTTP/1.1"), method="OPTIONS", target=b"*")
    yield accepted(_get(b"OPTIONS http://a HTTP/1.1"), method="OPTIONS", target=b"*")
    yield accepted(_get(b"OPTIONS http://a/ HTTP/1.1"), method="OPTIONS")


def hosts() -> Iterator[Case]:
    """Host (RFC 9112 section 3.2, RFC 9110 section 7.2)."""
    wrong = (
        b"a,b|a, b|a b|a\tb|a/|a/b|/|http://a|u@a|u:p@a|@|\"a\"|'a'|a'b|\xc3\xa9|\xff|a#b|a?b|a\\b|"
        b"[::1|::1|[::1]x|[]|[:]|[1.2.3.4]|[g::1]|[fe80::1%eth0]|[fe80::1%25eth0]|[::1]:x|a:b|"
        b"a:-1|a:+80|a:80:80|a:65536|a:99999|a:000080|:|:80|%|%z|%zz|<a>|{a}|a|b|a^b|a`b|a:80 b|"
        b"a;b c|[1:2:3:4:5:6:7:8:9]|[::1]]|[[::1]]|a:8 0|a\xa0"
    )
    for host in wrong.replace(b"a|b|", b"a\0b|").split(b"|"):
        yield refused(_get(b"GET / HTTP/1.1", b"Host: " + host.replace(b"\0", b"|")))
        yield refused(_get(b"GET / HTTP/1.0", b"Host: " + host.replace(b"\0", b"|")))
    right = (
        b"a|a:80|a:|a:0|a:65535|a.b.c|A-b_c~d|a.|1.2.3.4|1.2.3.4:80|[::1]|[::1]:80|[2001:db8::1]|"
        b"[::ffff:1.2.3.4]|[v1.a:b]|%61b|*.a|a;b=c|a!b$c&d(e)f+g|xn--nxasmq6b|999.999.999.999|"
    )
    for host in right.split(b"|"):
        yield accepted(_get(b"GET / HTTP/1.1", b"Host: " + host), method="GET")
    yield refused(b"GET / HTTP/1.1\r\n\r\n")
    yield refused(_get(b"GET / HTTP/1.1", b"X-Host: a"))
    for second in (b"a", b"b", b"", b"a, b"):
        yield refused(_get(b"GET / HTTP/1.1", b"Host: a", b"Host: " + second))
        yield refused(_get(b"GET / HTTP/1.0", b"Host: a", b"X: y", b"hOST: " + second))
    yield refused(b"GET http://a/ HTTP/1.1\r\n\r\n")
    yield refused(_get(b"GET http://a/ HTTP/1.1", b"Host: a", b"Host: a"))
    yield refused(_get(b"GET http://a/ HTTP/1.1", b"Host: a b"))
    yield accepted(_get(b"GET http://a/ HTTP/1.1", b"Host: b"), method="GET")


def expectations() -> Iterator[Case]:
    """Expect (RFC 9110 section 10.1.1)."""
    for value in (b"200-ok", b"", b"100", b"100-continue, x", b"100-continue;a", b"continue"):
        yield refused(_post(b"Expect: " + value, b"Content-Length: 5", body=b"hello"), 417)
    lines = (b"Expect: 100-continue", b"Expect: 100-continue")
    yield refused(_post(*lines, b"Content-Length: 5", body=b"hello"), 417)
    for value in (b"100-continue", b"100-Continue", b"100-CONTINUE\t"):
        data = _post(b"Expect: " + value, b"Content-Length: 5", body=b"hello")
        yield accepted(data, b"hello")


def chunk_headers() -> Iterator[Case]:
    """The line before a chunk (RFC 9112 section 7.1)."""
    wrong = (
        b"|0x5|0X5|x5|+5|-5| 5|\t5|5 |5\t|5g|g|.5|5.|5,5|5 5|#5|'5'|\"5\"|5_0|5e|5h|\xef\xbc\x95|"
        b'5;|5;;|5;=|5; |5;a=|5;a= |5;a;|5;=b|5;a=b;|5;a="|5;a="b|5;a="b"c|5;a=b"|5;a=b c|'
        b'5;a b|5;(a)|5;a=(b)|5;a="\\"|5;a==b|5;a =|5 a|5,a|5:a|5;a,b|5 ; |5;\xc3\xa9|5;a=\xc3|'
        b'5\x00|5;\x00|5;a\x00|5;a=b\x00|5;a="\x00"|5;a="\\\x00"|5;a="\x7f"|5\x0b|5;a=\x0c|'
        b'5;a\rb|5;a\nb|5\rb|5\nb|5;a="\r\n"|5;a="\n"|5;a="\r"|5;a="\\\n"|5;\r|5;a=b\r|5\r'
    )
    for header in wrong.split(b"|"):
        if header != b"5e":
            yield broken(_chunked(header + b"\r\nhello\r\n0\r\n\r\n"))
    for ending in (b"\n", b"\r", b"\n\r", b"\r\x00\n", b" \n", b";a\n", b";a=b\n", b"\r\r\n"):
        yield broken(_chunked(b"5" + ending + b"hello\r\n0\r\n\r\n"))
    overflows = (b"F" * 16, b"1" + b"0" * 15 + b"5", b"0" * 15 + b"5", b"1" + b"0" * 16, b"F" * 99)
    for size in overflows:
        yield broken(_chunked(size + b"\r\nhello\r\n0\r\n\r\n"))
    right = (
        b'5|05|000000000000005|5;a|5;a=b|5 ;a|5\t;\ta|5; a = b|5;a="b"|5;a=""|5;a="b;c\\""|'
        b'5;a;b;c=d|5;a="\xc3\xa9\t "|5;a="\\\\"|5 ;a=b ;c="d"'
    )
    for header in right.split(b"|"):
        yield accepted(_chunked(header + b"\r\nhello\r\n0\r\n\r\n"), b"hello")
    yield accepted(
        _chunked(b"A\r\n0123456789\r\nf\r\n0123456789abcde\r\n0\r\n\r\n"),
        b"0123456789" * 2 + b"abcde",
    )
    yield broken(_chunked(b"5;" + b"a" * 17_000 + b"\r\nhello\r\n0\r\n\r\n"))
    yield broken(_chunked((b"1;" + b"a" * 1_000 + b"\r\nx\r\n") * 20 + b"0\r\n\r\n"))


def chunk_ends() -> Iterator[Case]:
    """What follows a chunk's data, the last chunk, and the trailer section."""
    for ending in (b"", b"\n", b"\r", b"X\r\n", b"\n\r", b"\r\r\n", b"\0\r\n", b" \r\n", b"XX"):
        yield broken(_chunked(b"5\r\nhello" + ending + b"0\r\n\r\n"))
    yield broken(_chunked(b"4\r\nhello\r\n0\r\n\r\n"))
    yield broken(_chunked(b"6\r\nhello\r\n0\r\n\r\n"))
    yield broken(_chunked(b"5\r\nhello\r\n\r\n0\r\n\r\n"))
    yield broken(_chunked(b"2\r\nxx4c\r\n0\r\n\r\n"))
    for last in (
        b"0\n\r\n",
        b"0\r\r\n\r\n",
        b"0\r\n\n",
        b"0\r\n\rX",
        b"-0\r\n\r\n",
        b"0 \r\n\r\n",
    ):
        yield broken(_chunked(b"5\r\nhello\r\n" + last))
    for last in (b"0\r\n\r\n", b"00\r\n\r\n", b"0;a=b\r\n\r\n", b"000000000000000\r\n\r\n"):
        yield accepted(_chunked(b"5\r\nhello\r\n" + last), b"hello")
    wrong = (
        b" X: y",
        b"\tX: y",
        b"X : y",
        b"X",
        b": y",
        b"X: y\x00",
        b"X: a\rb",
        b"X: a\nb",
        b" ",
    )
    for line in wrong:
        yield broken(_chunked(b"0\r\n" + line + b"\r\n\r\n"))
        yield broken(_chunked(b"0\r\nA: b\r\n" + line + b"\r\n\r\n"))
    yield broken(_chunked(b"0\r\nX: y\r\n z\r\n\r\n"))
    yield broken(_chunked(b"0\r\nX: y\n\r\n"))
    yield broken(_chunked(b"0\r\nX: y\r\n\n"))
    yield broken(_chunked(b"0\r\n" + SMUGGLED))
    yield broken(_chunked(b"0\r\nX: " + b"a" * 17_000 + b"\r\n\r\n"), 431)
    yield broken(_chunked(b"0\r\n" + b"X: y\r\n" * 129 + b"\r\n"), 431)
    for line in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: b", b"X: y", b"X:"):
        yield accepted(_chunked(b"0\r\n" + line + b"\r\n\r\n"))


def limits() -> Iterator[Case]:
    """Heads that are too large; what is wrong first decides."""
    yield refused(_get(b"GET /" + b"a" * 17_000 + b" HTTP/1.1"), 414)
    yield refused(_get(b"A" * 17_000 + b" / HTTP/1.1"), 414)
    yield refused(_post(b"X: " + b"a" * 17_000), 431)
    yield refused(_post(b"a" * 17_000 + b": b"), 431)
    yield refused(_post(*[b"X: y"] * 128), 431)
    yield accepted(_post(*[b"X: y"] * 127))
    yield refused(_post(b"X : y", b"X: " + b"a" * 17_000))
    yield refused(_post(b"X: " + b"a" * 17_000, b"X : y"), 431)
    yield refused(_post(b"X : y", *[b"X: y"] * 200))
    yield refused(_post(*[b"X: y"] * 200, b"X : y"), 431)
    yield refused(_get(b"GET / HTTP/2.0", b"X: " + b"a" * 17_000), 505)
    yield refused(_get(b"GET / HTTP/2.0", b"X : y"), 505)


GROUPS = (
    content_lengths,
    transfer_codings,
    names,
    values,
    line_ends,
    versions,
    methods,
    targets,
    hosts,
    expectations,
    chunk_headers,
    chunk_ends,
    limits,
)
