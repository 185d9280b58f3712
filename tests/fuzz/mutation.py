"""Damage to texts and files, drawn from a generator of random numbers."""

from __future__ import annotations

from random import Random

TOKENS = [
    *("\x00", "\t", "\n", "\x0b", "\x0c", "\r", "\x1c", "\x1d", "\x1e", "\x1f", " ", "\x7f", "\x85", "\xa0", "\xad"),
    *("\u2028", "\u2029", "\u200b", "\u202e", "\u3000", "\ufeff", "\ufffd", "١", "１", "−", "½", "é"),  # noqa: RUF001  # looks like a digit and a minus
    *("?", "-?", "+?", "??", "nan", "-NaN", "+nan", "nan(1)", "NA", "null", "inf", "-Infinity", "1e999", "-1e-999"),
    *("1_0", "0x1p3", "1,5", "1.2.3", "--1", "1e", "e5", ".", "+", "1e5", "-0.0", "9" * 40, "0." + "1" * 40, "True"),
    *(":", "::", ":a", ",", ",,", ";", "'", '"', '"a\nb"', "#", "%", "@", "(0,1),(1,2)", "|", "\\", "=", "{}", "[]"),
    *("@data", "@DATA x", "@missing false", "@equalLength true", "@seriesLength 3", "@classLabel true a b"),
    *("@classLabel false", "@univariate false", "@timestamps true", "@dimension 2", "@targetlabel true", "@"),
]


def damaged(content: bytes, random: Random, times: int) -> bytes:
    """Bytes after some accidents: flipped, lost, doubled and moved parts, and words that readers fall for."""
    for _ in range(times):
        content = random.choice((_byte, _token, _token, _lost, _doubled, _line, _line, _digit, _cut))(content, random)
    return content


def _span(content: bytes, random: Random, longest: int) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + random.randint(1, longest))


def _byte(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random, 1)
    return content[:start] + random.randbytes(1) + content[end:]


def _token(content: bytes, random: Random) -> bytes:
    """A word in the place of another, or between two."""
    token = random.choice(TOKENS).encode()
    ends = [i for i, byte in enumerate(content) if byte in b",:\t\n "]
    if not ends or random.random() < 0.2:
        start, end = _span(content, random, 3)
    else:
        i = random.randrange(len(ends))
        start, end = ends[i] + 1, ends[i + 1] if i + 1 < len(ends) and random.random() < 0.6 else ends[i] + 1
    return content[:start] + token + content[end:]


def _lost(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random, random.choice((1, 1, 2, 10, 100)))
    return content[:start] + content[end:]


def _doubled(content: bytes, random: Random) -> bytes:
    start, end = _span(content, random, random.choice((1, 5, 50)))
    return content[:end] + content[start:end] + content[end:]


def _line(content: bytes, random: Random) -> bytes:
    """A line lost, doubled, empty, or in another place."""
    lines = content.split(b"\n")
    line = lines.pop(random.randrange(len(lines)))
    for _ in range(random.choice((0, 1, 2))):
        lines.insert(random.randrange(len(lines) + 1), line)
    if random.random() < 0.2:
        lines.insert(random.randrange(len(lines) + 1), random.choice((b"", b" ", b"\t", b"\r", b"#")))
    return b"\n".join(lines)


def _digit(content: bytes, random: Random) -> bytes:
    digits = [i for i, byte in enumerate(content) if byte in b"0123456789"]
    if not digits:
        return content
    at = random.choice(digits)
    return content[:at] + random.choice(b"0123456789.-e,").to_bytes() + content[at + 1 :]


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]
