"""Storage: digests, a second look, decompression, archives, limits."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance import errors
from provenance.readers import storage
from provenance.readers.storage import BLOCK_BYTES, Archive, BlockDigest, Budget, CheckedFile, Limits, Stream, archives
from provenance.readers.storage.archives import HEADERS


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


PACK = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zstd": zstd}


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
@pytest.mark.parametrize("step", [1000, BLOCK_BYTES, 5 * BLOCK_BYTES])
def test_digests_are_those_of_hashlib(size, step):
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    digest = BlockDigest()
    for at in range(0, size, step):
        digest.update(data[at : at + step])
    assert digest.sha256() == hashlib.sha256(data).hexdigest()
    assert digest.blocks() == tuple(
        hashlib.sha256(data[at : at + BLOCK_BYTES]).digest() for at in range(0, size, BLOCK_BYTES)
    )


def test_a_second_look_notices_change():
    data = bytearray(os.urandom(2 * BLOCK_BYTES + 5))
    digest = BlockDigest()
    digest.update(bytes(data))
    file = io.BytesIO(data)
    checked = CheckedFile(file, len(data), digest.blocks())
    checked.seek(-9, 2)
    assert checked.read() == bytes(data[-9:])
    checked.seek(BLOCK_BYTES - 3)
    assert checked.read(6) == bytes(data[BLOCK_BYTES - 3 : BLOCK_BYTES + 3])
    file.getbuffer()[2 * BLOCK_BYTES] ^= 1
    checked.seek(0)
    assert checked.read(4) == bytes(data[:4])
    checked.seek(-9, 2)
    with pytest.raises(errors.FileChanged):
        checked.read()


def test_a_file_cut_short_is_changed():
    data = os.urandom(BLOCK_BYTES + 5)
    digest = BlockDigest()
    digest.update(data)
    checked = CheckedFile(io.BytesIO(data[:BLOCK_BYTES]), len(data), digest.blocks())
    checked.seek(BLOCK_BYTES)
    with pytest.raises(errors.FileChanged):
        checked.read()


@pytest.mark.parametrize("codec", PACK)
@given(st.lists(st.binary(min_size=1, max_size=1000), min_size=1, max_size=4), st.integers(1, 3000))
def test_concatenated_streams_are_one(codec, parts, size):
    packed = b"".join(PACK[codec](part) for part in parts)
    stream = storage.decompress(io.BytesIO(packed), codec, Budget(Limits(), len(packed)))
    out = b""
    while more := stream.read(size):
        out += more
    assert (out, stream.fault, stream.count) == (b"".join(parts), None, len(out))


@pytest.mark.parametrize("codec", PACK)
def test_a_cut_stream_keeps_what_came_before(codec):
    data = os.urandom(3 << 20)
    packed = PACK[codec](data)
    stream = storage.decompress(io.BytesIO(packed[: len(packed) * 2 // 3]), codec, Budget(Limits(), len(packed)))
    out = stream.read()
    assert data.startswith(out)
    assert len(out) > 1 << 20
    assert stream.fault


@pytest.mark.parametrize("codec", PACK)
def test_rubbish_after_a_stream_is_a_fault(codec):
    stream = storage.decompress(io.BytesIO(PACK[codec](b"words") + b"rubbish!!"), codec, Budget(Limits(), 100))
    # Arrow loses what the failing read had so far.
    assert stream.read() == (b"" if codec == "zstd" else b"words")
    assert stream.fault


@pytest.mark.parametrize("codec", PACK)
def test_a_bomb_stops_at_its_budget(codec):
    packed = PACK[codec](b"\0" * (8 << 20))
    stream = storage.decompress(
        io.BytesIO(packed), codec, Budget(Limits(expansion_ratio=2, floor_bytes=1 << 20), len(packed))
    )
    assert len(stream.read()) <= 2 << 20
    assert "limits" in stream.fault


@given(st.binary(max_size=300), st.sampled_from(sorted(PACK)))
def test_no_bytes_raise(data, codec):
    for head in (b"", PACK[codec](b"abc")[:12]):
        stream = storage.decompress(io.BytesIO(head + data), codec, Budget(Limits(), 100))
        stream.read()
        assert stream.read() == b""


@given(st.binary(max_size=100), st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=10))
def test_peeking_moves_nothing(data, steps):
    stream, at = Stream(io.BytesIO(data)), 0
    for peeks, size in steps:
        if peeks:
            assert stream.peek(size) == data[at : at + size]
        else:
            assert stream.read(size) == data[at : at + size]
            at = min(len(data), at + size)
    assert stream.drain() == len(data) - at


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@given(st.text(max_size=100))
def test_utf_16_becomes_utf_8(encoding, text):
    bom = "\ufeff".encode(encoding)
    assert storage.transcode(io.BytesIO(bom + text.encode(encoding))).read() == text.encode()


def test_half_a_utf_16_unit_is_no_utf_8():
    assert storage.transcode(io.BytesIO(b"\xff\xfea\0b")).read() == b"a\xff"


def unzip(data, limits=storage.LIMITS):
    digest = BlockDigest()
    digest.update(data)
    archive = Archive(Budget(limits, len(data)))
    out = [
        (m.name, m.reason, m.stream and m.stream.read(), m.stream and m.stream.fault)
        for m in archive.unzip(CheckedFile(io.BytesIO(data), len(data), digest.blocks()))
    ]
    return out, archive.fault


def make_zip(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def test_zip_members_are_names_only():
    data = make_zip(("../../evil.txt", "a"), ("/abs.txt", "b"), ("dir/", ""), ("dir/c.txt", "c"))
    assert unzip(data) == (
        [("../../evil.txt", None, b"a", None), ("/abs.txt", None, b"b", None), ("dir/c.txt", None, b"c", None)],
        None,
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_told_apart():
    assert [name for name, *_ in unzip(make_zip(("a", "1"), ("a", "2")))[0]] == ["a", "a#2"]
    for names in (("a", "a#2", "a"), ("a", "a", "a#2", "a", "a#2"), ("a#2", "a#2", "a", "a")):
        found = [name for name, *_ in unzip(make_zip(*((name, "1") for name in names)))[0]]
        assert len(set(found)) == len(names)


def test_an_encrypted_member_is_skipped():
    data = bytearray(make_zip(("a", "secret")))
    for mark in (b"PK\3\4", b"PK\1\2"):
        data[data.index(mark) + (6 if mark == b"PK\3\4" else 8)] |= 1
    assert unzip(bytes(data)) == ([("a", "encrypted", None, None)], None)


def test_a_wrong_checksum_is_a_fault():
    data = make_zip(("a", "words" * 10), method=zipfile.ZIP_STORED).replace(b"wordswords", b"WORDSwords", 1)
    [(_, _, _, fault)], _ = unzip(data)
    assert "checksum is wrong" in fault


@pytest.mark.parametrize("cut", [10, 60, 100])
def test_half_a_zip_is_a_fault(cut):
    assert "zip" in unzip(make_zip(("a", os.urandom(80)))[:-cut])[1]


def test_a_zip_bomb_stops_at_its_budget():
    data = make_zip(*((f"m{k}", b"\0" * (1 << 20)) for k in range(8)))
    out, _ = unzip(data, Limits(expansion_ratio=2, floor_bytes=3 << 20))
    assert sum(len(content) for _, _, content, _ in out if content) <= 4 << 20
    assert "limits" in out[-1][3]


def test_too_many_members_are_a_fault():
    out, fault = unzip(make_zip(*((str(k), "x") for k in range(9))), Limits(most_members=5))
    assert len(out) <= 5
    assert fault


@given(st.binary(max_size=300))
def test_no_zip_raises(data):
    good = make_zip(("a", "words"))
    for changed in (data + good, good[:40] + data + good[40 + len(data) :]):
        members, fault = unzip(changed)
        assert members or fault
        assert all(reason or content is not None for _, reason, content, _ in members)


def make_tar(*infos):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for info, data in infos:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def entry(name, **attributes):
    info = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


def untar(data, limits=storage.LIMITS):
    archive = Archive(Budget(limits, len(data)))
    out = [(m.name, m.reason, m.stream and m.stream.read()) for m in archive.untar(Stream(io.BytesIO(data)))]
    return out, archive.fault


def test_tar_members():
    data = make_tar(
        (entry("../a.txt"), b"words"),
        (entry("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b""),
        (entry("hard", type=tarfile.LNKTYPE, linkname="../a.txt"), b""),
        (entry("device", type=tarfile.CHRTYPE), b""),
        (entry("dir", type=tarfile.DIRTYPE), b""),
        (entry("x" * 200), b"long name"),
    )
    special = "link, device or other special member"
    out, fault = untar(data)
    assert out == [
        ("../a.txt", None, b"words"),
        ("link", special, None),
        ("hard", special, None),
        ("device", special, None),
        ("x" * 200, None, b"long name"),
    ]
    assert fault is None


@pytest.mark.parametrize("cut", [1, 600, 5000])
def test_a_cut_tar_gives_what_it_has(cut):
    data = make_tar((entry("a"), b"x" * 3000), (entry("b"), b"y" * 3000))[: 512 * 14]
    out, fault = untar(data[: len(data) - cut])
    found = b"".join(content for _, _, content in out)
    assert (b"x" * 3000 + b"y" * 3000).startswith(found)
    assert len(found) >= min(6000, 6000 - cut)
    assert fault or len(found) == 6000


def test_a_header_may_not_ask_for_memory():
    info = entry("pax", type=tarfile.XHDTYPE)
    info.size = 1 << 30
    out, fault = untar(info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 2048)
    assert out == []
    assert fault == f"tar: the headers of one member take more than {HEADERS:,} bytes"


def pax(fields, kind=tarfile.XHDTYPE):
    data = b"".join(b"%d %s\n" % (len(field) + 4, field) for field in fields)  # each of two digits in all
    info = entry("pax", type=kind)
    info.size = len(data)
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


@pytest.mark.parametrize("headers", [1, 2, 3])
def test_all_headers_of_one_member_are_bounded_together(headers):
    part = pax([b"key%07d=v" % number for number in range(HEADERS // 40)])
    out, fault = untar(part * headers + make_tar((entry("a"), b"words")))
    assert out == ([("a", None, b"words")] if headers < 3 else [])
    assert (fault is None) == (headers < 3)


def test_fields_of_global_headers_are_not_kept(monkeypatch):
    held, forget = [], archives._forget_unknown
    monkeypatch.setattr(
        archives, "_forget_unknown", lambda archive: (forget(archive), held.append(archive.pax_headers))
    )
    fields = [b"key%07d=v" % number for number in range(50)] + [b"uname=anybody"]
    out, fault = untar(pax(fields, tarfile.XGLTYPE) + make_tar((entry("a"), b"x"), (entry("b"), b"y")))
    assert [name for name, _, _ in out] == ["a", "b"]
    assert (fault, held) == (None, [{"uname": "anybody"}] * 2)


@given(st.binary(max_size=600), st.integers(0, 1500))
def test_no_tar_raises(data, at):
    good = make_tar((entry("a"), b"words" * 100))[:2048]
    members, _ = untar(good[:at] + data + good[at + len(data) :])
    assert all(reason or content is not None for _, reason, content in members)


def test_special_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "FIFO" in storage.explain_refusal(str(tmp_path / "fifo"))
    assert "device" in storage.explain_refusal("/dev/null")
    assert "folder" in storage.explain_refusal(str(tmp_path))
    with pytest.raises(OSError, match="regular"):
        storage.open_regular("/dev/null")
