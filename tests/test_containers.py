"""Files as stored: all that decodes is kept, damage is told where it is, and memory stays bounded."""

from __future__ import annotations

import functools
import gzip
import io
import random
import re
import subprocess
import sys
import zlib
from collections.abc import Callable

import pytest
import zstandard

from guards.errors import MissingExtra
from incidents import containers
from tests.logs import A, end, events, file_of, from_files, ndjson, report, said, start

_random = random.Random(3)
_WORDS = (_random.randbytes(_random.randrange(80)).hex().encode() for _ in range(9000))
TEXT = b"".join(b"%d %s\n" % each for each in enumerate(_WORDS))
"""Some 700 kB that compress to half: more than one piece, and more than one zstd block."""


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


@pytest.fixture(params=["isal", "zlib"])
def decoder(request, monkeypatch):
    """Each of the two gzip decoders."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    else:
        pytest.importorskip("isal")
    return request.param


each_gzip = pytest.mark.usefixtures("decoder")


@pytest.fixture(params=["isal", "zlib", "zstd"])
def pack(request, monkeypatch):
    """What compresses, for each decoder that reads it."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    return zstd if request.param == "zstd" else gzipped


def unpacked(stored: bytes) -> tuple[bytes, list[str]]:
    """What decodes, and what is said about the rest."""
    troubles: list[str] = []
    return b"".join(containers.pieces(io.BytesIO(stored), troubles.append)), troubles


def place(trouble: str) -> int:
    """The byte of the file that is named."""
    found = re.search(r"byte (\d+)", trouble)
    assert found, trouble
    return int(found[1])


def inflatable(stored: bytes) -> bytes:
    """What zlib, given one byte after the other, makes of a gzip file up to the first fault."""
    decoder, out = zlib.decompressobj(wbits=31), bytearray()
    for index in range(len(stored)):
        try:
            out += decoder.decompress(stored[index : index + 1])
        except zlib.error:
            break
    return bytes(out)


def test_a_sound_file_is_unpacked_in_pieces_of_bounded_size(pack):
    """Byte for byte, without a complaint, however well it compresses."""
    for text in (TEXT, b"", b"\n", b"0" * 5_000_000):
        assert (text, []) == unpacked(pack(text))

    pieces = list(containers.pieces(io.BytesIO(pack(b"0" * 5_000_000)), pytest.fail))
    assert max(map(len, pieces)) <= 1 << 25


@pytest.mark.parametrize("first", [b"", b"a", TEXT[:300_000]], ids=["empty", "short", "long"])
def test_members_are_read_one_after_the_other(pack, first):
    """As `cat a.gz b.gz` makes them, an empty one between, and one byte a piece as well."""
    stored = pack(first) + pack(b"") + pack(TEXT)

    assert (first + TEXT, []) == unpacked(stored)


@each_gzip
@pytest.mark.parametrize("pad", [1, 511, 600_000])
def test_zeros_behind_the_last_member_are_padding(pad):
    """Tapes and block devices fill up with them."""
    assert (TEXT, []) == unpacked(gzipped(TEXT) + b"\0" * pad)


@pytest.mark.parametrize("garbage", [b"x", b"not compressed at all", b"\x1f\x8bnope", b"\x28\xb5\x2f\xfd"])
def test_what_follows_and_is_none_is_told(pack, garbage):
    """The members before it are kept whole."""
    stored = pack(TEXT)
    text, troubles = unpacked(stored + garbage)

    assert TEXT == text
    assert 1 == len(troubles)
    assert len(stored) <= place(troubles[0]) <= len(stored + garbage)
    assert garbage.startswith(stored[:2]) != ("what follows" in troubles[0])
    assert troubles[0].endswith(f"; {len(TEXT)} bytes were decoded")


@each_gzip
@pytest.mark.parametrize("cut", [3, 10, 11, 5_000, 262_144, 262_145, -8, -1])
def test_a_gzip_file_that_was_cut_off_keeps_all_that_decodes(cut):
    """To the byte, and says where it ends."""
    stored = gzipped(TEXT)[:cut]
    text, troubles = unpacked(stored)

    assert inflatable(stored) == text
    assert [f"; {len(text)} bytes were decoded"] == [re.sub(r"^.*early.*?(?=;)", "", t) for t in troubles]


@each_gzip
def test_what_is_left_in_the_decoder_at_the_cut_is_kept():
    """It may have taken all of its input and still hold more than a piece."""
    stored = gzipped(b"0" * 2_000_000)

    for cut in range(20, len(stored), 29):
        assert len(inflatable(stored[:cut])) == len(unpacked(stored[:cut])[0])


@each_gzip
@pytest.mark.parametrize("fault", [20, 262_143, 300_000, -2])
def test_a_corrupt_gzip_file_keeps_all_that_decodes(fault):
    """To the byte, though the decoder drops what it decoded in the call that fails."""
    stored = bytearray(gzipped(TEXT))
    stored[fault] ^= 0xFF
    text, troubles = unpacked(bytes(stored))
    known = inflatable(bytes(stored))

    # One copy, of 258 bytes at most, may be under way where the fault is.
    assert abs(len(known) - len(text)) <= 258
    assert known[: len(text)] == text[: len(known)]
    assert troubles[0].endswith(f"; {len(text)} bytes were decoded")
    assert ["corrupt"] == [re.findall("corrupt|early", trouble)[0] for trouble in troubles]
    assert 0 <= place(troubles[0]) <= len(stored)


@each_gzip
def test_a_gzip_checksum_that_is_off_loses_nothing():
    """All text of both members before it is there; only the trailer is wrong."""
    stored = bytearray(gzipped(TEXT[:1000]) + gzipped(TEXT))
    stored[-6] ^= 1
    text, troubles = unpacked(bytes(stored))

    assert TEXT[:1000] + TEXT == text
    assert place(troubles[0]) > len(stored) - 9


@pytest.mark.parametrize("cut", [5, 20_000, 200_000, 262_144, -5, -1])
def test_a_zstd_file_that_was_cut_off_keeps_its_whole_blocks(cut):
    """zstd decodes block by block, 128 KiB each: at most one is lost."""
    stored = zstd(TEXT)
    text, troubles = unpacked(stored[:cut])
    kept = len(stored[:cut]) / len(stored) * len(TEXT)

    assert TEXT.startswith(text)
    assert len(text) > kept - 2 * (1 << 17)
    assert 1 == len(troubles)
    assert "ends too early" in troubles[0]


@pytest.mark.parametrize("fault", [30_000, 150_000, 262_144, -2])
def test_a_corrupt_zstd_file_keeps_the_blocks_before(fault):
    """Nothing made up, nothing lost but the block with the fault."""
    stored = bytearray(zstd(TEXT[:50_000]) + zstd(TEXT))
    stored[fault] ^= 0xFF
    text, troubles = unpacked(bytes(stored))
    reached = (fault % len(stored)) / len(stored) * (50_000 + len(TEXT))

    # What a changed literal decodes to only the checksum can tell, which is read at the end.
    assert len(text) > reached - 2 * (1 << 17)
    assert text.startswith(TEXT[:50_000]) or fault == 30_000
    assert ["zstd data is corrupt"] == re.findall("zstd data is corrupt", "".join(troubles))


def test_random_damage_never_raises(pack):
    """Bytes changed, cut out and doubled anywhere: each file gives text, and a complaint or none."""
    dice = random.Random(5)
    stored = pack(TEXT[:5_000])
    for _ in range(100):
        begin = dice.randrange(len(stored))
        until = begin + dice.choice([0, 1, 5])
        harmed = stored[:begin] + dice.randbytes(dice.choice([0, 1, 4])) + stored[until:]
        text, troubles = unpacked(harmed)

        assert len(troubles) <= 1
        assert harmed == stored or troubles or text in (TEXT[:5_000], harmed)


# --- what the user sees -----------------------------------------------------------------------------

ROWS = ((0, start()), (1, said("send_message")), (2, end()), (2, report(ms=2000)))
NOISE = events(*((3 + n / 100, f"noise {n} {_random.randbytes(40).hex()}") for n in range(3000)))


@pytest.mark.parametrize("small", [None, 0], ids=["in full", "searched"])
def test_what_stands_before_the_damage_is_answered_from(tmp_path, pack, small):
    """The request is found, the report is incomplete and says how many bytes there were."""
    path = file_of(tmp_path, events(*ROWS), NOISE)
    whole = path.read_bytes()
    path.write_bytes(pack(whole)[:-5000])
    answer = from_files(path, small=small)
    [source] = answer.sources

    assert [A] == [request.request_id for request in answer.timeline.requests]
    assert not source.complete
    assert not answer.timeline.complete
    assert any("ends too early" in skip.reason for skip in source.skipped)
    assert any(finding.rule == "incomplete-data" for finding in answer.findings)


def test_a_sound_file_is_complete(tmp_path, pack):
    """So that incomplete means something."""
    path = file_of(tmp_path, events(*ROWS), NOISE)
    path.write_bytes(pack(path.read_bytes()))

    assert from_files(path).timeline.complete
    assert from_files(path, small=0).timeline.complete


READ_BOMB = """
import sys
from incidents.files import FileSource
from incidents.sources import Question

if sys.argv[2] == "zlib":
    sys.modules["isal"] = None
for source in (FileSource(sys.argv[1]), FileSource(sys.argv[1], small=0)):
    reading = source.read(Question(needles=("sess_",)))
    print(len(reading.events), reading.skipped_count > 0 or reading.unread_bytes > 300_000_000)
# Not getrusage: its maximum begins at that of the process which started this one.
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(int(peak) // 1024)
"""


@functools.cache
def zeros(pack: Callable[[bytes], bytes]) -> bytes:
    """100 MB of them, packed."""
    return pack(bytes(100 << 20))


@pytest.mark.parametrize(("kind", "lines"), [("isal", 4), ("zlib", 0), ("zlib", 4), ("zstd", 0), ("zstd", 4)])
def test_a_bomb_takes_bounded_memory(tmp_path, kind, lines):
    """300 MB of zeros on one line of a small file: at most 150 MB are taken, the events before are found."""
    pack = zstd if kind == "zstd" else gzipped
    bomb = tmp_path / "bomb"
    bomb.write_bytes(pack(ndjson(events(*ROWS[:lines]))) + zeros(pack) * 3)
    done = subprocess.run(
        [sys.executable, "-c", READ_BOMB, str(bomb), kind], capture_output=True, text=True, check=True
    )
    full, searched, peak = done.stdout.splitlines()

    assert [f"{lines} True"] * 2 == [full, searched]
    assert int(peak) <= 150


def test_zstd_without_its_extra_names_the_one_command(monkeypatch):
    """And gzip needs none."""
    monkeypatch.setitem(sys.modules, "zstandard", None)

    assert (b"text", []) == unpacked(gzipped(b"text"))
    with pytest.raises(MissingExtra, match=r"pip install '.+\[fast\]'"):
        unpacked(zstd(b"text"))
